"""What is seen of a workload for a verdict: its own pods alone, each of which revision."""

from typing import Any

import pytest

from opsconsole.model.operation import ActionKind, Step
from opsconsole.model.state import State
from opsconsole.operations.drivers.kubernetes.calls import Pin, WorkloadChange
from opsconsole.operations.drivers.kubernetes.revisions import version_of
from opsconsole.operations.drivers.kubernetes.workload_driver import what_became, what_moved
from opsconsole.operations.driving.driver import Sight
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

APPS = f"/apis/apps/v1/namespaces/{NAMESPACE}"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
ONE, TWO = template("web:1"), template("web:2")


@pytest.fixture
def shop(server: StandIn) -> StandIn:
    """Each kind of workload at its second revision, with a pod of each, and a pod of others."""
    server.put(f"{APPS}/deployments/web", workload(runs=TWO, replicas=1, uid="uid-d"))
    server.put(
        f"{APPS}/statefulsets/web",
        workload("StatefulSet", runs=TWO, replicas=1, uid="uid-s", status={"updateRevision": "s2"}),
    )
    server.put(f"{APPS}/daemonsets/web", workload("DaemonSet", runs=TWO, replicas=1, uid="uid-a"))
    for number, runs in ((1, ONE), (2, TWO)):
        made = replica_set(number, runs, number, owner="uid-d")
        server.put(f"{APPS}/replicasets/web-{number}", made)
        kept = controller_revision(number, runs, number, owner="uid-a")
        kept["metadata"]["labels"]["controller-revision-hash"] = f"a{number}"
        server.put(f"{APPS}/controllerrevisions/web-{number}", kept)
    for number in (1, 2):
        put(server, f"d{number}", owner=f"rs-{number}")
        put(server, f"s{number}", owner="uid-s", revision=f"s{number}")
        put(server, f"a{number}", owner="uid-a", revision=f"a{number}")
    put(server, "other", owner="uid-other")
    put(server, "ending", owner="rs-2", deletionTimestamp="2026-11-30T10:00:00Z")
    return server


def put(server: StandIn, name: str, **more: Any) -> None:
    server.put(f"{PODS}/{name}", pod(name, **more))


async def seen(bench: Bench, kind: ActionKind, workload: str) -> dict[str, Sight]:
    driver = bench.driver(kind, workload, asked={"to": "1"})
    return {each.subject: each for each in await driver.look((), 0.0)}


@pytest.mark.parametrize(
    ("name", "letter"), [("deployment/web", "d"), ("statefulset/web", "s"), ("daemonset/web", "a")]
)
async def test_each_of_its_pods_by_its_revision(
    bench: Bench, shop: StandIn, name: str, letter: str
) -> None:
    found = await seen(bench, ActionKind.RESTART, name)
    assert set(found) == {name, f"{letter}1", f"{letter}2"}
    assert found[name].state is State.OK
    old, new = found[f"{letter}1"], found[f"{letter}2"]
    assert (old.since_change, new.since_change) == (False, True)
    assert (old.detail, new.detail) == ("ready, of a revision before", "ready")
    assert new.run


async def test_of_a_scale_all_pods_count(bench: Bench, shop: StandIn) -> None:
    found = await seen(bench, ActionKind.SCALE, "deployment/web")
    assert all(each.since_change for each in found.values())


async def test_what_cannot_be_seen_is_not_known(bench: Bench, shop: StandIn) -> None:
    del shop.objects[f"{APPS}/deployments/web"]
    (whole,) = (await seen(bench, ActionKind.RESTART, "deployment/web")).values()
    assert (whole.state, whole.since_change) == (State.UNKNOWN, False)
    assert "there is no deployment/web" in whole.detail


@pytest.mark.parametrize(
    ("pin", "said"),
    [
        (Pin("uid-web"), ""),
        (Pin("other"), "another one of the same name"),
        (Pin("uid-web", version="another"), "another template"),
        (Pin("uid-web", replicas=2), ""),
        (Pin("uid-web", replicas=3), "2 copies are wanted of it, not 3"),
        (Pin("uid-web", paused=False), ""),
        (Pin("uid-web", paused=True), "its rollout was resumed"),
    ],
)
def test_what_moved_is_named(pin: Pin, said: str) -> None:
    found = what_moved(workload(), pin)
    assert said in found
    assert bool(found) == bool(said)
    paused = workload(spec={"paused": True})
    if pin.paused is False:
        assert what_moved(paused, pin) == "its rollout was paused"


V1, V2 = version_of(ONE), version_of(TWO)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (WorkloadChange("scale", Pin("uid-web"), "m", to=2), ""),
        (WorkloadChange("scale", Pin("uid-web"), "m", to=5), "scaled it since: 2 copies"),
        (WorkloadChange("restart", Pin("uid-web", V2), "m"), ""),
        (WorkloadChange("restart", Pin("uid-web", V1), "m"), "deployed another template"),
        (WorkloadChange("rollback", Pin("uid-web", V1), "m", goal=V2), ""),
        (WorkloadChange("rollback", Pin("uid-web", V2), "m", goal=V1), "another template since"),
        (WorkloadChange("restart", Pin("uid-before", V2), "m"), "another one of the same name"),
    ],
)
async def test_what_somebody_made_of_a_change_fails_it_and_is_named(
    bench: Bench, server: StandIn, call: WorkloadChange, said: str
) -> None:
    read = workload(runs=TWO)
    found = what_became(read, call)
    assert said in found
    assert bool(found) == bool(said)
    server.put(f"{APPS}/deployments/web", read)
    step = Step("do", "kubernetes", "there", call.document())
    whole = (await bench.driver(ActionKind.RESTART, "deployment/web").look((step,), 0.0))[0]
    assert (whole.lost, whole.state) == ((True, State.DOWN) if said else (False, State.OK))
