"""Changing a workload: exactly what was planned, on exactly what was seen, and once."""

from copy import deepcopy
from typing import Any

import pytest

from opsconsole.model.operation import ActionKind, ConfirmLevel, OperationState, Plan, Step
from opsconsole.operations.driving.driver import Driver, ObserveError, Outcome
from opsconsole.operations.journal.records import Past
from tests.operations.drivers.kubernetes.conftest import Bench
from tests.operations.drivers.kubernetes.made import (
    NAMESPACE,
    controller_revision,
    pod,
    replica_set,
    template,
    workload,
)
from tests.operations.drivers.kubernetes.stand_in import StandIn

K = ActionKind
APPS = f"/apis/apps/v1/namespaces/{NAMESPACE}"
WEB = f"{APPS}/deployments/web"
DB = f"{APPS}/statefulsets/web"
FLAGS = f"/api/v1/namespaces/{NAMESPACE}/configmaps/flags"
NODE = "/api/v1/nodes/node-1"
ONE, TWO = template("web:1", env=[{"name": "A", "value": "old"}]), template("web:2", tty=True)
PULL = {"waiting": {"reason": "ImagePullBackOff", "message": "not found"}}


@pytest.fixture
def full(server: StandIn) -> StandIn:
    """A Deployment at its second version, a StatefulSet that is stuck, a ConfigMap, a node."""
    server.put(WEB, workload(runs=TWO, annotations={"kubernetes.io/change-cause": "two"}))
    server.put(f"{APPS}/replicasets/web-1", replica_set(1, ONE, 1, cause="one"))
    server.put(f"{APPS}/replicasets/web-2", replica_set(2, TWO, 2, cause="two"))
    status = {"updateRevision": "web-c2", "updatedReplicas": 0}
    server.put(DB, workload("StatefulSet", runs=TWO, uid="uid-db", status=status))
    for number, runs in ((1, ONE), (2, TWO)):
        made = controller_revision(number, runs, number, owner="uid-db")
        server.put(f"{APPS}/controllerrevisions/web-c{number}", made)
    stuck = pod("web-0", ready=False, owner="uid-db", revision="web-c1", state=PULL)
    server.put(f"/api/v1/namespaces/{NAMESPACE}/pods/web-0", stuck)
    server.put(FLAGS, {"metadata": {"uid": "uid-f", "name": "flags"}, "data": {"MODE": "full"}})
    server.put(NODE, {"metadata": {"uid": "uid-n", "name": "node-1"}, "spec": {}})
    moved = pod("app-1", namespace=NAMESPACE)
    server.put(f"/api/v1/namespaces/{NAMESPACE}/pods/app-1", moved)
    return server


ACTIONS: dict[str, tuple[ActionKind, Any, dict[str, str]]] = {
    "restart": (K.RESTART, "deployment/web", {}),
    "rollback": (K.ROLLBACK, "deployment/web", {}),
    "scale": (K.SCALE, "deployment/web", {"to": "5"}),
    "degrade": (K.DEGRADE, {"workload": "deployment/web", "replicas": 1}, {}),
    "flags": (
        K.DEGRADE,
        {"config_map": "flags", "set": {"MODE": "low", "NEW": "1"}, "then": "nothing"},
        {},
    ),
    "pause": (K.CALL, {"workload": "deployment/web", "do": "pause"}, {}),
    "cordon": (K.CALL, {"node": "node-1", "do": "cordon"}, {}),
    "drain": (K.CALL, {"node": "node-1", "do": "drain"}, {}),
    "stuck": (K.CALL, {"workload": "statefulset/web", "do": "delete-stuck-pod"}, {}),
}
AT = {"flags": FLAGS, "cordon": NODE, "drain": NODE}
PATCHED = sorted(set(ACTIONS) - {"stuck"})


async def planned(bench: Bench, name: str, *past: Past) -> tuple[Driver, tuple[Step, ...]]:
    kind, target, asked = ACTIONS[name]
    driver = bench.driver(kind, target, *past, asked=asked)
    return driver, driver.steps(await driver.observe())


def observed(server: StandIn, path: str) -> None:
    """The controller sees each change of ``path``'s object at once."""
    metadata = server.objects.get(path, {}).get("metadata", {})
    if "status" in server.objects.get(path, {}):
        server.objects[path]["status"]["observedGeneration"] = metadata["generation"]


@pytest.mark.parametrize("name", ACTIONS)
async def test_a_plan_changes_nothing(bench: Bench, full: StandIn, name: str) -> None:
    before = deepcopy(full.objects)
    driver, steps = await planned(bench, name)
    assert steps
    assert all(each.is_dry for each in full.changes)
    assert full.objects == before
    driver.warnings()
    assert driver.undo()


@pytest.mark.parametrize("name", PATCHED)
async def test_nothing_but_what_was_planned_is_changed(
    bench: Bench, full: StandIn, name: str
) -> None:
    full.controller = observed
    driver, steps = await planned(bench, name)
    before = deepcopy(full.objects[AT.get(name, WEB)])
    done = await driver.execute(steps[0])
    assert done.outcome is Outcome.DONE, done
    after = full.objects[AT.get(name, WEB)]
    for made in (before, after):
        for key in ("resourceVersion", "managedFields", "generation"):
            made["metadata"].pop(key, None)
        made["metadata"].get("annotations", {}).pop("opsconsole.io/change", None)
        made.pop("status", None)
        made["metadata"] = {key: value for key, value in made["metadata"].items() if value}
    wanted = deepcopy(before)
    match name:
        case "restart":
            at = after["spec"]["template"]["metadata"]["annotations"]
            assert set(at) == {"kubectl.kubernetes.io/restartedAt"}
            wanted["spec"]["template"]["metadata"]["annotations"] = at
        case "rollback":
            wanted["spec"]["template"] = ONE
            wanted["metadata"]["annotations"] = {"kubernetes.io/change-cause": "one"}
        case "scale" | "degrade":
            wanted["spec"]["replicas"] = 5 if name == "scale" else 1
        case "pause":
            wanted["spec"]["paused"] = True
        case "flags":
            wanted["data"] = {"MODE": "low", "NEW": "1"}
        case _:
            wanted["spec"]["unschedulable"] = True
    assert after == wanted


@pytest.mark.parametrize("name", PATCHED)
async def test_what_changed_in_between_is_refused_by_the_server_and_looked_at_again(
    bench: Bench, full: StandIn, name: str
) -> None:
    full.controller = observed
    driver, steps = await planned(bench, name)
    full.asked.clear()
    full.faults = ["conflict", "conflict"]
    assert (await driver.execute(steps[0])).outcome is Outcome.DONE
    assert len(full.changes) == 3


@pytest.mark.parametrize("name", PATCHED)
async def test_what_never_stands_still_is_not_changed(
    bench: Bench, full: StandIn, name: str
) -> None:
    driver, steps = await planned(bench, name)
    before = deepcopy(full.objects[AT.get(name, WEB)].get("spec"))
    full.faults = ["conflict"] * 20
    done = await driver.execute(steps[0])
    assert done.outcome is Outcome.FAILED
    assert "changed meanwhile" in done.detail
    assert full.objects[AT.get(name, WEB)].get("spec") == before


@pytest.mark.parametrize("name", ["restart", "rollback", "scale", "pause"])
@pytest.mark.parametrize("what", ["template", "uid", "gone"])
async def test_another_template_or_object_is_left_alone(
    bench: Bench, full: StandIn, name: str, what: str
) -> None:
    driver, steps = await planned(bench, name)
    full.asked.clear()
    read = full.objects[WEB]
    if what == "template":
        read["spec"]["template"] = template("web:3")
    elif what == "uid":
        read["metadata"]["uid"] = "another"
    else:
        del full.objects[WEB]
    done = await driver.execute(steps[0])
    assert done.outcome is Outcome.FAILED
    assert "nothing was done" in done.detail
    assert full.changes == []


async def test_another_number_of_copies_than_planned_on_is_not_scaled(
    bench: Bench, full: StandIn
) -> None:
    driver, steps = await planned(bench, "scale")
    full.objects[WEB]["spec"]["replicas"] = 7
    done = await driver.execute(steps[0])
    assert (done.outcome, full.objects[WEB]["spec"]["replicas"]) == (Outcome.FAILED, 7)


@pytest.mark.parametrize("name", PATCHED)
@pytest.mark.parametrize(
    ("fault", "sent", "found"),
    [
        ("lost", Outcome.UNKNOWN, Outcome.DONE),
        ("cut", Outcome.UNKNOWN, Outcome.FAILED),
        (500, Outcome.UNKNOWN, Outcome.FAILED),
        (403, Outcome.FAILED, Outcome.FAILED),
    ],
)
async def test_a_call_without_an_answer_is_looked_up_and_never_repeated(
    bench: Bench, full: StandIn, name: str, fault: str | int, sent: Outcome, found: Outcome
) -> None:
    full.controller = observed
    driver, steps = await planned(bench, name)
    full.asked.clear()
    full.faults = [fault]
    assert (await driver.execute(steps[0])).outcome is sent
    kind, target, asked = ACTIONS[name]
    other = bench.driver(kind, target, asked=asked)
    assert (await other.reconcile(steps[0], {})).outcome is found
    assert len(full.changes) == 1


@pytest.mark.parametrize("name", ACTIONS)
async def test_who_has_no_right_gets_no_plan(bench: Bench, full: StandIn, name: str) -> None:
    full.denied = {"patch", "delete"}
    with pytest.raises(ObserveError, match=r"you may not (patch|delete)") as refused:
        await planned(bench, name)
    assert refused.value.code == "no-right"
    assert full.changes == []


async def test_a_drain_needs_the_right_of_evictions_as_well(bench: Bench, full: StandIn) -> None:
    full.denied = {"create"}
    with pytest.raises(ObserveError, match="you may not create pods/eviction in shop"):
        await planned(bench, "drain")


@pytest.mark.parametrize("name", ACTIONS)
async def test_that_nobody_could_ask_is_no_no(bench: Bench, full: StandIn, name: str) -> None:
    full.mute = True
    driver, steps = await planned(bench, name)
    assert steps
    assert any("could not be asked" in each for each in driver.warnings())


@pytest.mark.parametrize("name", ACTIONS)
async def test_what_admission_refuses_gets_no_plan(bench: Bench, full: StandIn, name: str) -> None:
    full.dry_answer = (403, 'admission webhook "freeze" denied the request: frozen')
    with pytest.raises(ObserveError, match="frozen") as refused:
        await planned(bench, name)
    assert refused.value.code == "refused-by-cluster"


@pytest.mark.parametrize("name", ACTIONS)
async def test_what_cannot_be_tried_out_is_said(bench: Bench, full: StandIn, name: str) -> None:
    full.dry_answer = (400, "the webhook does not support dry run")
    driver, steps = await planned(bench, name)
    assert steps
    assert any("does not support dry run" in each for each in driver.warnings())


@pytest.mark.parametrize("name", PATCHED)
async def test_what_the_cluster_warns_of_is_shown(bench: Bench, full: StandIn, name: str) -> None:
    full.warning = "spec.x is deprecated"
    driver, _ = await planned(bench, name)
    assert "the cluster says: spec.x is deprecated" in driver.warnings()


PAUSED = workload(runs=TWO, spec={"paused": True})
ON_DELETE = workload("StatefulSet", runs=TWO, spec={"updateStrategy": {"type": "OnDelete"}})


@pytest.mark.parametrize("kind", [K.RESTART, K.ROLLBACK])
@pytest.mark.parametrize(
    ("there", "code"),
    [(PAUSED, "paused"), (ON_DELETE, "on-delete"),
     (workload("DaemonSet", spec={"updateStrategy": {"type": "OnDelete"}}), "on-delete")],
)  # fmt: skip
async def test_what_would_replace_no_pod_is_refused(
    bench: Bench, server: StandIn, kind: ActionKind, there: dict[str, Any], code: str
) -> None:
    plural = f"{there['kind'].lower()}s"
    server.put(f"{APPS}/{plural}/web", deepcopy(there))
    with pytest.raises(ObserveError) as refused:
        await bench.driver(kind, f"{there['kind'].lower()}/web").observe()
    assert refused.value.code == code
    assert refused.value.remedy
    assert server.changes == []


@pytest.mark.parametrize(
    ("kind", "target", "why"),
    [
        (K.SCALE, "daemonset/web", "runs on every node"),
        (K.CALL, {"workload": "statefulset/web", "do": "pause"}, "no rollout that could be paused"),
        (K.CALL, {"workload": "deployment/web", "do": "resume"}, "is not paused"),
        (K.CALL, {"node": "node-1", "do": "uncordon"}, "takes pods"),
        (K.CALL, {"node": "node-2", "do": "cordon"}, "there is no node node-2"),
        (K.RESTART, "deployment/other", "there is no deployment/other in shop"),
        (K.RESTART, {"node": "node-1", "do": "drain"}, "names no workload"),
        (K.ROLLBACK, {"workload": "deployment/web", "revision": 9}, "has no revision 9"),
    ],
)
async def test_what_cannot_be_done_says_why_at_the_plan(
    bench: Bench, full: StandIn, kind: ActionKind, target: Any, why: str
) -> None:
    full.put(f"{APPS}/daemonsets/web", workload("DaemonSet"))
    with pytest.raises(ObserveError, match=why):
        await bench.driver(kind, target, asked={"to": "1"}).observe()
    assert full.changes == []


async def test_a_rollback_says_what_becomes_otherwise(bench: Bench, full: StandIn) -> None:
    driver, (step,) = await planned(bench, "rollback")
    assert 'from revision 2 (web:2, "two") to revision 1 (web:1, "one")' in step.summary
    assert driver.differences() == (
        "containers.web.image: web:2 → web:1",
        "containers.web.tty: true, removed",
        "containers.web.env.A: added",
    )
    assert "old" not in str(step.call), "the template may hold secrets"


async def test_the_revision_must_still_be_what_was_planned(bench: Bench, full: StandIn) -> None:
    driver, (step,) = await planned(bench, "rollback")
    full.objects[f"{APPS}/replicasets/web-1"]["spec"]["template"] = template("web:evil")
    done = await driver.execute(step)
    assert done.outcome is Outcome.FAILED
    assert full.objects[WEB]["spec"]["template"] == TWO


async def test_a_stateful_set_is_rolled_back_by_its_controller_revisions(
    bench: Bench, full: StandIn
) -> None:
    driver = bench.driver(K.ROLLBACK, "statefulset/web")
    (step,) = driver.steps(await driver.observe())
    assert any("web-0 does not get ready" in each for each in driver.warnings())
    assert (await driver.execute(step)).outcome is Outcome.DONE
    assert full.objects[DB]["spec"]["template"] == ONE


def past_of(kind: ActionKind, steps: tuple[Step, ...]) -> Past:
    choice = ConfirmLevel.CHOICE
    plan = Plan("p", "web", kind, "", 0.0, "test", "none", steps, {}, choice, (), "")
    return Past(plan, OperationState.VERIFIED)


@pytest.mark.parametrize("name", ["degrade", "flags"])
async def test_what_was_degraded_is_put_back_exactly(
    bench: Bench, full: StandIn, name: str
) -> None:
    path = AT.get(name, WEB)
    before = deepcopy(full.objects[path])
    driver, steps = await planned(bench, name)
    assert (await driver.execute(steps[0])).outcome is Outcome.DONE
    kind, target, _ = ACTIONS[name]
    back = bench.driver(K.RECOVER, target, past_of(kind, steps))
    (step,) = back.steps(await back.observe())
    assert (await back.execute(step)).outcome is Outcome.DONE
    for key in ("spec", "data"):
        assert full.objects[path].get(key) == before.get(key)


async def test_who_changed_what_was_degraded_is_said_before_it_is_put_back(
    bench: Bench, full: StandIn
) -> None:
    for name, path in (("degrade", WEB), ("flags", FLAGS)):
        driver, steps = await planned(bench, name)
        await driver.execute(steps[0])
        if name == "degrade":
            full.objects[path]["spec"]["replicas"] = 9
        else:
            full.objects[path]["data"]["MODE"] = "other"
        kind, target, _ = ACTIONS[name]
        back = bench.driver(K.RECOVER, target, past_of(kind, steps))
        await back.observe()
        assert any("since" in each for each in back.warnings())


async def test_an_immutable_config_map_is_refused(bench: Bench, full: StandIn) -> None:
    full.objects[FLAGS]["immutable"] = True
    with pytest.raises(ObserveError, match="immutable"):
        await planned(bench, "flags")


async def test_the_pod_that_is_stuck_is_deleted_and_no_other_of_its_name(
    bench: Bench, full: StandIn
) -> None:
    path = f"/api/v1/namespaces/{NAMESPACE}/pods/web-0"
    driver, (step,) = await planned(bench, "stuck")
    assert "web-0 (image pull: not found)" in step.summary
    kept = full.objects[path]
    full.put(path, pod("web-0", owner="uid-db", revision="web-c2", started=9))
    assert (await driver.execute(step)).outcome is Outcome.FAILED
    assert path in full.objects
    full.put(path, kept)

    def again(server: StandIn, deleted: str) -> None:
        server.put(deleted, pod("web-0", owner="uid-db", revision="web-c2", started=9))
        server.objects[DB]["status"]["updatedReplicas"] = 2

    full.controller = again
    done = await driver.execute(step)
    assert done.outcome is Outcome.DONE, done
    assert done.detail == "web-0 was deleted; 2 of 2 updated and available"


async def test_what_is_stuck_at_nothing_has_nothing_deleted(bench: Bench, full: StandIn) -> None:
    full.put(f"/api/v1/namespaces/{NAMESPACE}/pods/web-0",
             pod("web-0", owner="uid-db", revision="web-c1"))  # fmt: skip
    with pytest.raises(ObserveError, match="is stuck at no pod") as refused:
        await planned(bench, "stuck")
    assert refused.value.code == "nothing-to-do"
