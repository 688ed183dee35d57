"""A cluster as a source: on a real one, and on one that refuses kinds, dies and comes back."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from opsconsole.clock import SystemClock
from opsconsole.config.kubernetes import KubernetesCluster
from opsconsole.model.events import Event, EventCode
from opsconsole.model.fault import FaultKind
from opsconsole.model.running.troubles import TroubleCode
from opsconsole.model.running.workloads import Inventory, Workload
from opsconsole.model.source_id import SourceId, SourceKind
from opsconsole.model.state import State
from opsconsole.sources.kubernetes import one_look
from opsconsole.sources.kubernetes.source import KubernetesSource
from tests.patience import soon
from tests.servers.kubernetes.api import Namespace
from tests.servers.kubernetes.cluster import ClusterAt


@asynccontextmanager
async def looking(
    cluster: KubernetesCluster, base: Path = Path()
) -> AsyncIterator[tuple[KubernetesSource, list[Event]]]:
    events: list[Event] = []
    source = KubernetesSource(cluster, SystemClock(), events.append, base, environ={})
    try:
        yield source, events
    finally:
        await source.close()


async def seen(source: KubernetesSource) -> Inventory:
    reading = await source.collect()
    assert reading.value is not None, reading.fault
    return reading.value


async def once(source: KubernetesSource, holds: Callable[[Inventory], bool]) -> Inventory:
    """What is seen once ``holds`` is true of it."""
    latest: list[Inventory] = []

    async def look() -> None:
        while not latest or not holds(latest[-1]):
            latest.append(await seen(source))
            await asyncio.sleep(0.05)

    looks = asyncio.create_task(look())
    await soon(looks.done)
    await looks
    return latest[-1]


def named(inventory: Inventory, name: str) -> Workload:
    return next(each for each in inventory.workloads if each.name.endswith(f"/{name}"))


@pytest.fixture
def cluster(kubernetes_cluster: ClusterAt, cluster_sandbox: Namespace) -> KubernetesCluster:
    return KubernetesCluster(
        name="bed",
        kubeconfig=str(kubernetes_cluster.kubeconfig),
        context="admin",
        namespaces=(cluster_sandbox.name,),
    )


@pytest.mark.servers
async def test_what_runs_and_what_changes_is_seen(
    cluster: KubernetesCluster, cluster_sandbox: Namespace
) -> None:
    cluster_sandbox.deploy("web", replicas=2)
    cluster_sandbox.deploy("gone", image="never:1")
    async with looking(cluster) as (source, events):
        assert source.id == SourceId(SourceKind.KUBERNETES, "bed")

        def settled(found: Inventory) -> bool:
            ill = [each for each in found.replicas if each.name.startswith("gone-")]
            return named(found, "web").running == 2 and bool(ill and ill[0].trouble)

        found = await once(source, settled)
        assert found.unread == ()
        gone = next(each for each in found.replicas if each.name.startswith("gone-"))
        assert gone.trouble is not None
        assert (gone.trouble.code, gone.state) == (TroubleCode.IMAGE_NOT_HERE, State.DOWN)
        web = [each for each in found.replicas if each.name.startswith("web-")]
        assert {each.workload for each in web} == {f"{cluster_sandbox.name}/deployment/web"}
        assert all(each.address and each.node for each in web)
        template = cluster_sandbox.get("Deployment", "web")["spec"]["template"]
        main = template["spec"]["containers"][0]
        image = {"containers": [{**main, "image": "web:2"}]}
        cluster_sandbox.patch(
            "Deployment", "web", {"spec": {"template": {"spec": image}, "replicas": 3}}
        )

        def rolled(found: Inventory) -> bool:
            web = named(found, "web")
            seen = {(each.code, each.after) for each in events if "web" in each.about}
            wanted = {(EventCode.IMAGE_CHANGED, "web:2"), (EventCode.REPLICAS_CHANGED, "3")}
            return web.running == web.wanted == 3 and web.image == "web:2" and wanted <= seen

        await once(source, rolled)
        changes = [each for each in events if each.code is EventCode.IMAGE_CHANGED]
        assert [(each.before, each.place) for each in changes] == [("web:1", "bed")]
        assert any(each.code is EventCode.STARTED for each in events)


@pytest.mark.servers
async def test_a_rollout_of_before_is_learnt(
    cluster: KubernetesCluster, cluster_sandbox: Namespace
) -> None:
    cluster_sandbox.deploy("web")
    await soon(lambda: cluster_sandbox.is_rolled_out("web"))
    template = cluster_sandbox.get("Deployment", "web")["spec"]["template"]["spec"]
    main = {**template["containers"][0], "image": "web:2"}
    change = {"spec": {"template": {"spec": {"containers": [main]}}}}
    cluster_sandbox.patch("Deployment", "web", change)
    await soon(lambda: cluster_sandbox.is_rolled_out("web"))
    async with looking(cluster) as (source, events):
        await seen(source)
        learnt = await soon(lambda: [each for each in events if each.after == "web:2"])
    assert [each.code for each in learnt] == [EventCode.IMAGE_CHANGED]
    assert [(each.before, each.after) for each in learnt] == [("web:1", "web:2")]
    assert learnt[0].at < SystemClock().now()


@pytest.mark.servers
async def test_without_rights_it_is_a_fault(
    cluster: KubernetesCluster, cluster_sandbox: Namespace
) -> None:
    async with looking(cluster.model_copy(update={"context": "nobody"})) as (source, _):
        reading = await source.collect()
    assert reading.fault is not None
    assert reading.fault.kind is FaultKind.PERMISSION


@pytest.mark.servers
def test_one_look_finds_the_workloads(
    cluster: KubernetesCluster, cluster_sandbox: Namespace
) -> None:
    cluster_sandbox.deploy("web")
    found = one_look.workloads_of(cluster, {}, Path(), None)
    assert isinstance(found, Inventory)
    assert [each.name for each in found.workloads] == [f"{cluster_sandbox.name}/deployment/web"]


@pytest.mark.parametrize(
    "text",
    ["", "no: yaml: at all", "kind: Config"],
)
async def test_what_is_no_kubeconfig_is_a_fault(text: str, tmp_path: Path) -> None:
    if text:
        (tmp_path / "config").write_text(text)
    async with looking(KubernetesCluster(kubeconfig="config"), tmp_path) as (source, _):
        reading = await source.collect()
    assert reading.fault is not None
    assert reading.fault.kind in {FaultKind.LOCAL, FaultKind.ABSENT}


@pytest.mark.servers
async def test_what_the_rights_do_not_allow_is_missing_and_all_else_goes_on(
    cluster: KubernetesCluster, cluster_sandbox: Namespace
) -> None:
    looks = ["get", "list", "watch"]
    rules = [
        {"apiGroups": [""], "resources": ["pods"], "verbs": looks},
        {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": looks},
    ]
    cluster_sandbox.create("Role", "look", {}, rules=rules)
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "look"}
    people = [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "nobody"}]
    cluster_sandbox.create("RoleBinding", "look", {}, roleRef=role, subjects=people)
    cluster_sandbox.deploy("web")
    async with looking(cluster.model_copy(update={"context": "nobody"})) as (source, _):
        found = await once(
            source, lambda seen: bool(seen.workloads) and named(seen, "web").running == 1
        )
    unread = {each.what: each.fault.kind for each in found.unread}
    assert {"nodes", "replicasets", "statefulsets", "events"} <= set(unread)
    assert set(unread.values()) == {FaultKind.PERMISSION}
    # Without its ReplicaSet, the pod is a copy of its Deployment all the same.
    assert {each.workload_id for each in found.replicas} == {named(found, "web").id}
