"""The runner of each kind of change of a real cluster is killed at each of its steps.

The change is made once at most, and the verdict is right. ``OPSCONSOLE_TEST_KILLS`` asks for all
moments before and after the journal's transactions.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import pytest

from opsconsole.model.operation import ActionKind, ActionRequest, Operation, OperationState
from opsconsole.operations.journal.audit import verify
from opsconsole.operations.locks.locks import LockKind, LockName
from tests.operations.drivers.kubernetes.test_real import (
    NODES,
    Console,
    console,
    node_called,
)
from tests.operations.drivers.kubernetes.test_runner_killed import SABOTAGE
from tests.operations.place import performed, planned
from tests.patience import soon
from tests.servers.kubernetes.api import Json, Namespace, template

__all__ = ["console"]

pytestmark = pytest.mark.servers

S, K = OperationState, ActionKind
RESTARTED: Final = "kubectl.kubernetes.io/restartedAt"


@dataclass(frozen=True)
class Change:
    """One change of the Deployment ``web``: whether it ``is_made`` there, and how many moments."""

    kind: ActionKind
    is_made: Callable[[Json], bool]
    name: str = ""
    asked: dict[str, str] = field(default_factory=dict)
    boundaries: int = 10
    in_the_suite: tuple[int, ...] = ()


def image(found: Json) -> str:
    return str(found["spec"]["template"]["spec"]["containers"][0]["image"])


CHANGES: Final = {
    "restart": Change(
        K.RESTART,
        lambda found: RESTARTED in found["spec"]["template"]["metadata"].get("annotations", {}),
        in_the_suite=(5,),
    ),
    "rollback": Change(K.ROLLBACK, lambda found: image(found) == "web:1"),
    "scale": Change(K.SCALE, lambda found: found["spec"]["replicas"] == 3, asked={"to": "3"}),
    "degrade": Change(
        K.DEGRADE,
        lambda found: found["spec"]["replicas"] == 1,
        boundaries=13,
        in_the_suite=(7,),
    ),
    "pause": Change(K.CALL, lambda found: found["spec"].get("paused") is True, "pause"),
    "resume": Change(K.CALL, lambda found: not found["spec"].get("paused"), "resume"),
}
ALL: Final = bool(os.environ.get("OPSCONSOLE_TEST_KILLS"))
MOMENTS: Final = [
    (name, boundary)
    for name, change in CHANGES.items()
    for boundary in (range(1, change.boundaries + 1) if ALL else change.in_the_suite)
]


@pytest.mark.parametrize(("name", "boundary"), MOMENTS)
async def test_a_deployment_is_changed_once_at_most(
    name: str, boundary: int, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    space, change = console.namespace, CHANGES[name]
    await prepared(console, name)
    before = space.get("Deployment", "web")
    assert not change.is_made(before)
    request = ActionRequest("web", change.kind, change.name, "a test", parameters=change.asked)
    done = await killed_at(boundary, console, request, monkeypatch)
    found = space.get("Deployment", "web")
    changes = found["metadata"]["generation"] - before["metadata"]["generation"]
    assert changes == int(change.is_made(found)), "a change was repeated, or is another one"
    (step,) = done.steps
    assert step.state != "running"
    if changes:
        assert step.started_at is not None, "a side effect without an intent"
        assert done.state is S.VERIFIED, done
    else:
        assert done.state in {S.REFUSED, S.FAILED}, done
    await is_left_in_order(console)
    lasting = console.place.operator().degradations()
    assert bool(lasting) == (change.kind is K.DEGRADE and changes == 1), lasting


async def prepared(console: Console, name: str) -> None:
    """The Deployment as it is before the change called ``name``."""
    space = console.namespace
    space.deploy("web", replicas=2)
    console.write("deployment/web", degrade="{workload: deployment/web, replicas: 1}")
    if name != "resume":
        await soon(lambda: space.is_rolled_out("web"))
    if name == "rollback":
        console.set("Deployment", image="web:2")
        await soon(lambda: space.is_rolled_out("web"))
    if name == "resume":
        space.patch("Deployment", "web", {"spec": {"paused": True}})


@pytest.fixture
def node(console: Console) -> Iterator[str]:
    """The path of a node without a kubelet, which has the namespace's name."""
    api, name = console.namespace.api, console.namespace.name
    api.call("POST", NODES, node_called(name))
    yield f"{NODES}/{name}"
    api.delete(f"{NODES}/{name}")


@pytest.mark.parametrize("boundary", range(1, 19) if ALL else [8])
async def test_a_drain_evicts_each_pod_once_and_its_verdict_is_right(
    boundary: int, console: Console, node: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = console.namespace
    pods = await placed(space)
    console.write("deployment/web")
    request = ActionRequest("web", K.CALL, "drain", "a test")
    done = await killed_at(boundary, console, request, monkeypatch)
    # What comes after them is of the same controller, and stays.
    left = pods & {each["metadata"]["uid"] for each in space.list("Pod")}
    cordoned = space.api.get(node)["spec"].get("unschedulable") is True
    if done.state is S.VERIFIED:
        assert (left, cordoned) == (set(), True)
    else:
        assert left or "interrupted" in done.summary, done
        assert cordoned == any(each.started_at is not None for each in done.steps[:1])
    await is_left_in_order(console)


async def killed_at(
    boundary: int, console: Console, request: ActionRequest, monkeypatch: pytest.MonkeyPatch
) -> Operation:
    """The end of what a runner began that was killed there, as another one finds it."""
    monkeypatch.setenv("PYTHONPATH", SABOTAGE)
    monkeypatch.setenv("KILL_AT", str(boundary))
    first = console.place.operator()
    started = await performed(first, await planned(first, request))
    return await console.place.taken_up(started.id)


async def is_left_in_order(console: Console) -> None:
    """Its lock is free, and nothing of its record is lost."""
    there = console.place.there
    held = LockName(LockKind.SERVICE, "web")
    await soon(lambda: not there.locks.is_held(held))
    assert verify(there.audit_rows()).whole


async def placed(space: Namespace) -> set[str]:
    """The uids of two pods on the node that has the namespace's name."""
    spec: dict[str, Any] = template("web")
    spec["spec"] |= {"nodeName": space.name, "terminationGracePeriodSeconds": 0}
    spec["spec"]["tolerations"] = [{"operator": "Exists"}]
    selector = {"matchLabels": {"app": "web"}}
    space.create("Deployment", "web", {"replicas": 2, "selector": selector, "template": spec})
    await soon(lambda: len(space.list("Pod")) == 2)
    return {each["metadata"]["uid"] for each in space.list("Pod")}
