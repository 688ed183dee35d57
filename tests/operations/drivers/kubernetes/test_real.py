"""Each kind of change on a real cluster: verified, failed where it is broken, refused.

Who makes them has the roles of ``sample_configs/kubernetes``, and no other right.
What has failed before its deadline says what will not get well; at the deadline it would say so.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from opsconsole.config.loader import load
from opsconsole.model.operation import ActionKind, ActionRequest, Operation, OperationState
from opsconsole.operations.drivers.kubernetes import patches
from opsconsole.operations.drivers.kubernetes.changes import ClusterChanges
from opsconsole.operations.drivers.kubernetes.rollout import changed_at
from opsconsole.sources.kubernetes.api.cluster_error import ClusterError
from opsconsole.sources.kubernetes.api.kubeconfig import access_of
from tests.operations.place import Place, ended, performed, planned, refused
from tests.patience import soon
from tests.servers.kubernetes.api import Namespace, template
from tests.servers.kubernetes.cluster import ClusterAt
from tests.sources.kubernetes.roles import ALL, LOOK, on_call

K = ActionKind
VERIFIED, FAILED = OperationState.VERIFIED, OperationState.FAILED
QUICK = "min_healthy: 1s, deadline: 90s"
BROKEN = {"image": "127.0.0.1:1/none:1", "imagePullPolicy": "IfNotPresent"}

CONFIG = """
docker: []
operations: {{cooldown: 0.001ms, restart_limit: 1000}}
kubernetes: {{kubeconfig: {kubeconfig}, namespaces: {namespace}}}
services:
  web:
    actions:
      restart: {{kubernetes: {workload}, {quick}}}
      rollback: {{kubernetes: {workload}, {quick}}}
{scale}      degrade: {{kubernetes: {degrade}, for: 10m, min_healthy: 1s, deadline: 90s}}
      call:
        pause: {{kubernetes: {{workload: {workload}, do: pause}}, {quick}}}
        resume: {{kubernetes: {{workload: {workload}, do: resume}}, {quick}}}
        unstick: {{kubernetes: {{workload: {workload}, do: delete-stuck-pod}}, {quick}}}
        drain: {{kubernetes: {{node: {namespace}, do: drain}}, min_healthy: 1s, deadline: 4s}}
        uncordon: {{kubernetes: {{node: {namespace}, do: uncordon}}, {quick}}}
"""
NODES = "/api/v1/nodes"


class Console:
    """A console beside a namespace of a real cluster, of the user of ``kubeconfig``."""

    def __init__(self, place: Place, kubeconfig: Path, namespace: Namespace) -> None:
        self.place, self.kubeconfig, self.namespace = place, kubeconfig, namespace

    def write(self, workload: str, degrade: str = "{workload: deploy/x, replicas: 1}") -> None:
        """Have the actions be about ``workload``."""
        is_scaled = not workload.startswith("daemonset/")
        scale = (
            f"      scale: {{kubernetes: {workload}, {QUICK}, minimum: 0}}\n" if is_scaled else ""
        )
        text = CONFIG.format(
            scale=scale,
            kubeconfig=self.kubeconfig, namespace=self.namespace.name,
            workload=workload, quick=QUICK, degrade=degrade,
        )  # fmt: skip
        self.place.write(text)

    async def do(self, kind: ActionKind, name: str = "", **asked: str) -> Operation:
        """The end of what is planned, confirmed and carried out."""
        operator = self.place.operator()
        request = ActionRequest("web", kind, name, "a test", parameters=asked)
        operation = await performed(operator, await planned(operator, request))
        return await ended(operator, operation.id)

    async def refusal(self, kind: ActionKind, name: str = "", **asked: str) -> str:
        """The code of the refusal of a plan."""
        request = ActionRequest("web", kind, name, "a test", parameters=asked)
        return refused(await self.place.operator().plan(request, None))

    def images(self, kind: str, name: str = "web") -> list[str]:
        """What a workload runs."""
        spec = self.namespace.get(kind, name)["spec"]["template"]["spec"]
        return [each["image"] for each in spec["containers"]]

    def set(self, kind: str, **container: Any) -> None:
        """Deploy other fields of the container."""
        containers = [{**self._container(kind), **container}]
        change = {"spec": {"template": {"spec": {"containers": containers}}}}
        self.namespace.patch(kind, "web", change)

    def _container(self, kind: str) -> dict[str, Any]:
        spec = self.namespace.get(kind, "web")["spec"]["template"]["spec"]
        return dict(spec["containers"][0])


@pytest.fixture
def console(
    place: Place, kubernetes_cluster: ClusterAt, cluster_sandbox: Namespace, tmp_path: Path
) -> Iterator[Console]:
    """A console beside a namespace of the test's own."""
    with on_call(kubernetes_cluster, cluster_sandbox, tmp_path, *ALL) as kubeconfig:
        yield Console(place, kubeconfig, cluster_sandbox)


async def test_a_deployment_from_its_restart_to_its_undo(console: Console) -> None:
    space = console.namespace
    space.deploy("web", replicas=2, cause="one")
    console.write("deployment/web")
    await soon(lambda: space.is_rolled_out("web"))
    before = {each["metadata"]["uid"] for each in space.list("Pod")}
    assert (await console.do(K.RESTART)).state is VERIFIED
    now = [each for each in space.list("Pod") if "deletionTimestamp" not in each["metadata"]]
    assert not before & {each["metadata"]["uid"] for each in now}

    console.set("Deployment", image="web:2")
    await soon(lambda: space.is_rolled_out("web"))
    back = await console.do(K.ROLLBACK)
    assert (back.state, console.images("Deployment")) == (VERIFIED, ["web:1"]), back
    assert await console.refusal(K.ROLLBACK) in {"rollback-of-rollback", "no-version-before"}

    scaled = await console.do(K.SCALE, to="3")
    assert (scaled.state, space.is_rolled_out("web")) == (VERIFIED, True), scaled
    none = await console.do(K.SCALE, to="0")
    assert none.state is VERIFIED, none


async def test_an_image_that_does_not_come_fails_soon_and_is_rolled_back(console: Console) -> None:
    """What the cluster says of the bad version, that it gave up on it, is not said of its undo."""
    space = console.namespace
    space.deploy("web", replicas=2)
    console.write("deployment/web")
    await soon(lambda: space.is_rolled_out("web"))
    space.patch("Deployment", "web", {"spec": {"progressDeadlineSeconds": 2}})
    console.set("Deployment", **BROKEN)
    failed = await console.do(K.RESTART)
    assert failed.state is FAILED, failed
    assert "image pull" in failed.summary
    await soon(lambda: "ProgressDeadlineExceeded" in str(space.get("Deployment", "web")))
    back = await console.do(K.ROLLBACK)
    assert (back.state, console.images("Deployment")) == (VERIFIED, ["web:1"]), back


async def test_a_crash_loop_fails_soon(console: Console) -> None:
    space = console.namespace
    space.deploy("web")
    console.write("deployment/web")
    await soon(lambda: space.is_rolled_out("web"))
    console.set("Deployment", command=["/bin/busybox", "false"])
    failed = await console.do(K.RESTART)
    assert failed.state is FAILED, failed
    assert "crash loop: exit 1" in failed.summary


async def test_a_stateful_set_is_stuck_at_a_pod_that_is_then_deleted(console: Console) -> None:
    space = console.namespace
    spec = {
        "replicas": 2,
        "serviceName": "web",
        "selector": {"matchLabels": {"app": "web"}},
        "template": template("web"),
    }
    space.create("StatefulSet", "web", spec)
    console.write("statefulset/web")
    await soon(lambda: space.get("StatefulSet", "web")["status"].get("readyReplicas") == 2)
    assert await console.refusal(K.CALL, "unstick") == "nothing-to-do"
    console.set("StatefulSet", **BROKEN)
    await soon(lambda: any("waiting" in str(each["status"]) and "mage" in str(each["status"])
                           for each in space.list("Pod") if not _ready(each)))  # fmt: skip
    back = await console.do(K.ROLLBACK)
    assert back.state is FAILED, back
    assert "stuck: it waits for web-1" in back.summary
    assert console.images("StatefulSet") == ["web:1"]
    freed = await console.do(K.CALL, "unstick")
    assert freed.state is VERIFIED, freed
    assert "web-1 was deleted" in freed.summary


def _ready(pod: dict[str, Any]) -> bool:
    return any(
        each["type"] == "Ready" and each["status"] == "True"
        for each in pod["status"].get("conditions", [])
    )


async def test_a_daemon_set_is_rolled_back_and_on_delete_is_refused(console: Console) -> None:
    space = console.namespace
    spec = {"selector": {"matchLabels": {"app": "web"}}, "template": template("web")}
    space.create("DaemonSet", "web", spec)
    console.write("daemonset/web")
    await soon(lambda: space.get("DaemonSet", "web")["status"].get("numberAvailable") == 1)
    console.set("DaemonSet", image="web:2")
    await soon(lambda: console.images("DaemonSet") == ["web:2"])
    back = await console.do(K.ROLLBACK)
    assert (back.state, console.images("DaemonSet")) == (VERIFIED, ["web:1"]), back
    space.patch("DaemonSet", "web", {"spec": {"updateStrategy": {"type": "OnDelete"}}})
    assert await console.refusal(K.RESTART) == "on-delete"
    assert await console.refusal(K.SCALE, to="2") == "not-declared"


async def test_what_is_paused_is_not_restarted_until_it_goes_on(console: Console) -> None:
    space = console.namespace
    space.deploy("web")
    console.write("deployment/web")
    await soon(lambda: space.is_rolled_out("web"))
    assert (await console.do(K.CALL, "pause")).state is VERIFIED
    assert await console.refusal(K.RESTART) == "paused"
    assert await console.refusal(K.CALL, "pause") == "nothing-to-do"
    console.set("Deployment", image="web:2")
    resumed = await console.do(K.CALL, "resume")
    assert resumed.state is VERIFIED, resumed
    assert space.is_rolled_out("web")


async def test_flags_are_set_and_put_back(console: Console) -> None:
    space = console.namespace
    space.deploy("web")
    space.create("ConfigMap", "flags", {}, data={"MODE": "full", "OTHER": "kept"})
    console.write("deployment/web", degrade="{config_map: flags, set: {MODE: low, NEW: '1'}}")
    await soon(lambda: space.is_rolled_out("web"))
    degraded = await console.do(K.DEGRADE)
    assert degraded.state is VERIFIED, degraded
    flags = space.get("ConfigMap", "flags")["data"]
    assert flags == {"MODE": "low", "OTHER": "kept", "NEW": "1"}
    recovered = await console.do(K.RECOVER)
    assert recovered.state is VERIFIED, recovered
    assert space.get("ConfigMap", "flags")["data"] == {"MODE": "full", "OTHER": "kept"}


@pytest.mark.parametrize("roles", [(), (LOOK,)])
async def test_who_may_not_act_is_refused_at_the_plan(
    roles: tuple[str, ...],
    place: Place,
    kubernetes_cluster: ClusterAt,
    cluster_sandbox: Namespace,
    tmp_path: Path,
) -> None:
    """And who may not even look is, for what has to be looked at first."""
    space = cluster_sandbox
    space.deploy("web", replicas=0)
    await soon(lambda: len(space.list("ReplicaSet")) == 1)
    space.replace_container("web", image="web:2")
    await soon(lambda: len(space.list("ReplicaSet")) == 2)
    space.create("ConfigMap", "flags", {}, data={"MODE": "full"})
    space.api.call("POST", NODES, node_called(space.name))
    tried = {
        (K.RESTART, ""), (K.ROLLBACK, ""), (K.SCALE, ""), (K.DEGRADE, ""),
        *((K.CALL, each) for each in ("pause", "drain")),
    }  # fmt: skip
    try:
        with on_call(kubernetes_cluster, space, tmp_path, *roles) as kubeconfig:
            console = Console(place, kubeconfig, space)
            console.write("deployment/web", degrade="{config_map: flags, set: {MODE: low}}")
            refusals = {each: await console.refusal(*each, to="2") for each in tried}
        look_first = {each: said for each, said in refusals.items() if said != "no-right"}
        assert set(look_first.values()) <= {"cannot-look"}, refusals
        # The flags themselves are shown to nobody who may only look.
        assert set(look_first) == ({(K.DEGRADE, "")} if roles else tried), refusals
    finally:
        space.api.delete(f"{NODES}/{space.name}")


def node_called(name: str) -> dict[str, Any]:
    """A node without a kubelet."""
    return {"kind": "Node", "apiVersion": "v1", "metadata": {"name": name}}


async def test_a_plan_names_the_autoscaler_that_will_undo_it(console: Console) -> None:
    space = console.namespace
    space.deploy("web")
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    scaler = {"minReplicas": 2, "maxReplicas": 10, "scaleTargetRef": target}
    space.create("HorizontalPodAutoscaler", "scaler", scaler)
    console.write("deployment/web")
    operator = console.place.operator()
    for kind, named in ((K.SCALE, True), (K.RESTART, False)):
        plan = await planned(operator, ActionRequest("web", kind, parameters={"to": "5"}))
        said = [each for each in plan.warnings if "autoscaler scaler (2 to 10)" in each]
        assert bool(said) == named, plan.warnings
        assert not any("ScaledObjects" in each for each in plan.warnings), "there is no KEDA"


async def test_the_server_itself_refuses_what_is_not_as_it_was_read(console: Console) -> None:
    space = console.namespace
    space.deploy("web")
    console.write("deployment/web")
    await soon(lambda: space.is_rolled_out("web"))
    path, read = space.path("Deployment", "web"), space.get("Deployment", "web")
    (pod,) = space.list("Pod")
    name = pod["metadata"]["name"]
    (cluster,) = load(console.place.config).kubernetes
    client = ClusterChanges(access_of(cluster, {}), timeout=10.0)
    try:
        tried = await client.patch(path, patches.scaled(read, 5, "m"), dry=True)
        assert tried.read["spec"]["replicas"] == 5
        assert space.get("Deployment", "web")["spec"] == read["spec"], "as if is as if"
        await client.patch(path, patches.scaled(read, 1, "m"))
        changed = space.get("Deployment", "web")
        assert changed_at(changed) is not None
        other = {**changed, "metadata": {**changed["metadata"], "uid": pod["metadata"]["uid"]}}
        for stale, status in ((read, 409), (other, 422)):
            with pytest.raises(ClusterError) as refused_by:
                await client.patch(path, patches.scaled(stale, 5, "m2"))
            assert refused_by.value.status == status
        uid = read["metadata"]["uid"]
        for change in (
            client.evict(space.name, name, uid, version="v1beta1"),
            client.delete_pod(space.name, name, uid),
        ):
            with pytest.raises(ClusterError) as refused_by:
                await change
            assert refused_by.value.status == 409
        await client.delete_pod(space.name, name, pod["metadata"]["uid"], dry=True)
    finally:
        await client.close()
    assert space.get("Deployment", "web")["spec"]["replicas"] == 1
    assert [each["metadata"]["uid"] for each in space.list("Pod")] == [pod["metadata"]["uid"]]


async def test_a_node_is_drained_within_its_budget_and_uncordoned(console: Console) -> None:
    """Of a node that nothing runs on but what the test has put there."""
    space = console.namespace
    space.api.call("POST", NODES, node_called(space.name))
    try:
        placed = template("web")
        placed["spec"] |= {"nodeName": space.name, "terminationGracePeriodSeconds": 0}
        placed["spec"]["tolerations"] = [{"operator": "Exists"}]
        selector = {"matchLabels": {"app": "web"}}
        space.create("Deployment", "web", {"replicas": 2, "selector": selector, "template": placed})
        await soon(lambda: len(space.list("Pod")) == 2)
        for pod in space.list("Pod"):
            ready = [{"type": "Ready", "status": "True"}]
            space.api.patch(f"{space.path('Pod', pod['metadata']['name'])}/status",
                            {"status": {"phase": "Running", "conditions": ready}})  # fmt: skip
        budget = {"minAvailable": 1, "selector": selector}
        space.create("PodDisruptionBudget", "web", budget)
        await soon(lambda: space.get("PodDisruptionBudget", "web")
                   .get("status", {}).get("disruptionsAllowed") == 1)  # fmt: skip
        console.write("deployment/web")
        operator = console.place.operator()
        plan = await planned(operator, ActionRequest("web", K.CALL, "drain"))
        assert any("room for 1 at a time" in each for each in plan.context)
        drained = await console.do(K.CALL, "drain")
        assert drained.state is FAILED, drained
        assert "1 of 2 pods are still on" in drained.summary
        assert space.api.get(f"{NODES}/{space.name}")["spec"]["unschedulable"] is True
        space.delete("PodDisruptionBudget", "web")
        again = await console.do(K.CALL, "drain")
        assert again.state is VERIFIED, again
        assert (await console.do(K.CALL, "uncordon")).state is VERIFIED
        assert "unschedulable" not in space.api.get(f"{NODES}/{space.name}")["spec"]
    finally:
        space.api.delete(f"{NODES}/{space.name}")
