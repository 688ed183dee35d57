"""The runner of a change of a cluster is killed at each of its steps: it is made once at most."""

import os
from pathlib import Path

import pytest

from opsconsole.model.operation import ActionKind, ActionRequest, OperationState
from opsconsole.operations.drivers.kubernetes.revisions import without_hash
from tests.operations.drivers.kubernetes.made import NAMESPACE, pod, replica_set, template, workload
from tests.operations.drivers.kubernetes.stand_in import StandIn
from tests.operations.place import Place, ended, performed, planned, refused

APPS = f"/apis/apps/v1/namespaces/{NAMESPACE}"
WEB = f"{APPS}/deployments/web"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
SABOTAGE = str(Path(__file__).parents[2] / "sabotage")
CONFIG = """
docker: []
operations: {cooldown: 0.001ms, restart_limit: 1000}
kubernetes: {kubeconfig: kubeconfig, namespaces: shop}
services:
  web:
    actions:
      restart: {kubernetes: deployment/web, min_healthy: 50ms, deadline: 5s}
      rollback: {kubernetes: deployment/web, min_healthy: 50ms, deadline: 5s}
"""


def rolled_out(server: StandIn, path: str) -> None:
    """What the controllers of a cluster do with a Deployment that has changed, all at once."""
    if path != WEB:
        return
    read = server.objects[WEB]
    read["status"]["observedGeneration"] = read["metadata"]["generation"]
    sets = {key: each for key, each in server.objects.items() if "/replicasets/" in key}
    runs = read["spec"]["template"]
    kept = [each for each in sets.values() if without_hash(each["spec"]["template"]) == runs]
    number = len(sets) + 1
    made = kept[0] if kept else replica_set(number, runs, number)
    server.objects[f"{APPS}/replicasets/{made['metadata']['name']}"] = made
    for name in ("a", "b"):
        there = pod(name, owner=made["metadata"]["uid"], started=server.version % 60)
        server.objects[f"{PODS}/{name}"] = there


@pytest.fixture
def shop(server: StandIn, place: Place) -> StandIn:
    """A Deployment at its second version, and a console beside it."""
    two = template("web:2")
    server.put(WEB, workload(runs=two))
    for number, runs in ((1, template("web:1")), (2, two)):
        server.put(f"{APPS}/replicasets/web-h{number}", replica_set(number, runs, number))
    server.controller = rolled_out
    rolled_out(server, WEB)
    place.write(CONFIG)
    return server


_KINDS = (ActionKind.RESTART, ActionKind.ROLLBACK)
_EACH = [(kind, boundary) for kind in _KINDS for boundary in range(1, 11)]
_SOME = [*((ActionKind.RESTART, at) for at in (1, 4, 5, 8)), (ActionKind.ROLLBACK, 6)]


@pytest.mark.parametrize(
    ("kind", "boundary"), _EACH if os.environ.get("OPSCONSOLE_TEST_KILLS") else _SOME
)
async def test_at_each_boundary(
    boundary: int,
    kind: ActionKind,
    place: Place,
    shop: StandIn,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYTHONPATH", SABOTAGE)
    monkeypatch.setenv("KILL_AT", str(boundary))
    first = place.operator()
    plan = await planned(first, ActionRequest("web", kind, reason="a test"))
    started = await performed(first, plan)
    operation = await place.taken_up(started.id)
    made = [each for each in shop.changes if not each.is_dry]
    assert len(made) <= 1, "a change was repeated"
    (step,) = operation.steps
    if made:
        assert step.started_at is not None, "a side effect without an intent"
        assert operation.state is OperationState.VERIFIED, operation
    else:
        assert operation.state in {OperationState.FAILED, OperationState.REFUSED}, operation


async def test_two_consoles_and_a_cluster_that_changes_meanwhile(
    place: Place, shop: StandIn
) -> None:
    """What was planned on another template is refused by whoever carries it out."""
    operator = place.operator()
    plan = await planned(operator, ActionRequest("web", ActionKind.RESTART, reason="a test"))
    shop.objects[WEB]["spec"]["template"] = template("web:3")
    operation = await ended(operator, (await performed(operator, plan)).id)
    assert operation.state is OperationState.REFUSED
    assert "version was" in operation.summary
    assert all(each.is_dry or each.is_look for each in shop.asked)


async def test_undone_twice_it_never_runs_the_bad_version_again(
    place: Place, shop: StandIn
) -> None:
    operator = place.operator()
    undo = ActionRequest("web", ActionKind.ROLLBACK, reason="a test")
    back = await ended(operator, (await performed(operator, await planned(operator, undo))).id)
    assert back.state is OperationState.VERIFIED, back
    again = await operator.plan(undo, None)
    assert refused(again) in {"no-version-before", "rollback-of-rollback"}
    containers = shop.objects[WEB]["spec"]["template"]["spec"]["containers"]
    assert [each["image"] for each in containers] == ["web:1"]
