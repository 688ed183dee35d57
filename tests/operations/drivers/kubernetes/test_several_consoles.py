"""One cluster, consoles on two machines that share nothing, and runners that are killed there."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from opsconsole.model.operation import ActionKind, ActionRequest, Operation, OperationState
from opsconsole.operations.who import whoami
from tests.operations.drivers.kubernetes.stand_in import StandIn
from tests.operations.drivers.kubernetes.test_real import Console, console
from tests.operations.drivers.kubernetes.test_runner_killed import CONFIG as SHOP
from tests.operations.drivers.kubernetes.test_runner_killed import SABOTAGE, shop
from tests.operations.place import Place, ended, performed, planned
from tests.patience import soon
from tests.servers.kubernetes.api import Namespace, template

__all__ = ["console", "shop"]

S, K = OperationState, ActionKind
RESTARTED = "kubectl.kubernetes.io/restartedAt"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Place]:
    """A console of another machine: it has a journal and locks of its own."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    made = Place(folder)
    yield made
    made.close()


async def both(one: Place, other: Place, request: ActionRequest) -> list[Operation]:
    """The ends of what was planned by two before either was carried out."""
    consoles = one.operator(), other.operator()
    plans = [await planned(each, request) for each in consoles]
    begun = await asyncio.gather(
        *(performed(each, plan) for each, plan in zip(consoles, plans, strict=True))
    )
    return [await ended(each, done.id) for each, done in zip(consoles, begun, strict=True)]


def is_one_and_one(done: list[Operation]) -> None:
    """One was carried out, and the other was refused with who was quicker."""
    (won,) = [each for each in done if each.state is S.VERIFIED]
    (lost,) = [each for each in done if each is not won]
    assert lost.state in {S.REFUSED, S.FAILED}, lost
    assert f"{whoami().name}@{whoami().host}" in lost.summary
    assert "nothing was done" in lost.summary


@pytest.mark.parametrize("kind", [K.RESTART, K.ROLLBACK])
async def test_of_the_same_change_by_two_one_is_made(
    kind: ActionKind, place: Place, elsewhere: Place, shop: StandIn, tmp_path: Path
) -> None:
    written = SHOP.replace("kubeconfig: kubeconfig", f"kubeconfig: {tmp_path / 'kubeconfig'}")
    elsewhere.write(written)
    is_one_and_one(await both(place, elsewhere, ActionRequest("web", kind, reason="a test")))
    assert len([each for each in shop.changes if not each.is_dry]) == 1


@pytest.mark.servers
async def test_on_a_real_cluster_a_deployment_is_restarted_once(
    console: Console, elsewhere: Place
) -> None:
    space = console.namespace
    space.deploy("web", replicas=2)
    console.write("deployment/web")
    elsewhere.write(console.place.config.read_text())
    await soon(lambda: space.is_rolled_out("web"))
    before = space.get("Deployment", "web")["metadata"]["generation"]
    request = ActionRequest("web", K.RESTART, reason="a test")
    is_one_and_one(await both(console.place, elsewhere, request))
    assert space.get("Deployment", "web")["metadata"]["generation"] == before + 1


@pytest.mark.servers
@pytest.mark.parametrize("boundary", [4, 6] if os.environ.get("OPSCONSOLE_TEST_KILLS") else [4])
async def test_on_a_real_cluster_a_runner_is_killed_and_nothing_is_done_twice(
    boundary: int, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = console.namespace
    space.deploy("web")
    console.write("deployment/web")
    await soon(lambda: space.is_rolled_out("web"))
    before = space.get("Deployment", "web")["metadata"]["generation"]
    done = await killed_at(boundary, console, K.RESTART, monkeypatch)
    made = space.get("Deployment", "web")["metadata"]["generation"] - before
    assert made <= 1
    assert done.state is S.VERIFIED if made else done.state in {S.REFUSED, S.FAILED}, done


@pytest.mark.servers
@pytest.mark.parametrize("boundary", [5, 8] if os.environ.get("OPSCONSOLE_TEST_KILLS") else [8])
async def test_on_a_real_cluster_a_drain_is_killed_and_its_verdict_is_right(
    boundary: int, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = console.namespace
    node = f"/api/v1/nodes/{space.name}"
    space.api.call(
        "POST",
        "/api/v1/nodes",
        {"kind": "Node", "apiVersion": "v1", "metadata": {"name": space.name}},
    )
    try:
        pods = await placed(space)
        console.write("deployment/web")
        done = await killed_at(boundary, console, K.CALL, monkeypatch, "drain")
        # What comes after them is of the same controller, and stays.
        left = pods & {each["metadata"]["uid"] for each in space.list("Pod")}
        cordoned = space.api.get(node)["spec"].get("unschedulable") is True
        if done.state is S.VERIFIED:
            assert (left, cordoned) == (set(), True)
        else:
            assert left or "interrupted" in done.summary, done
            assert cordoned == any(each.started_at is not None for each in done.steps[:1])
    finally:
        space.api.delete(node)


@pytest.mark.servers
async def test_on_a_real_cluster_a_degradation_ends_by_itself(console: Console) -> None:
    """Its console is away by then: who keeps promises puts back what was there."""
    space = console.namespace
    space.deploy("web", replicas=2)
    console.write("deployment/web", degrade="{workload: deployment/web, replicas: 1}")
    text = console.place.config.read_text()
    console.place.write(text.replace("for: 10m", "for: 3s"))
    await soon(lambda: space.is_rolled_out("web"))
    done = await console.do(K.DEGRADE)
    assert done.state is S.VERIFIED, done
    await soon(lambda: space.get("Deployment", "web")["spec"]["replicas"] == 2)

    def recovered() -> list[Operation]:
        known = console.place.operator().operations()
        return [each for each in known if each.kind is K.RECOVER and each.state.final]

    (back,) = await soon(recovered, every=0.5)
    assert back.state is S.VERIFIED, back
    assert len(recovered()) == 1


async def killed_at(
    boundary: int,
    console: Console,
    kind: ActionKind,
    monkeypatch: pytest.MonkeyPatch,
    name: str = "",
) -> Operation:
    """The end of what a runner began that was killed there, as another one finds it."""
    monkeypatch.setenv("PYTHONPATH", SABOTAGE)
    monkeypatch.setenv("KILL_AT", str(boundary))
    first = console.place.operator()
    request = ActionRequest("web", kind, name, "a test")
    started = await performed(first, await planned(first, request))
    await console.place.until_its_runner_is_gone(started.id)
    await console.place.operator().reconcile()
    return await ended(first, started.id)


async def placed(space: Namespace) -> set[str]:
    """The uids of two pods on the node that has the namespace's name."""
    spec: dict[str, Any] = template("web")
    spec["spec"] |= {"nodeName": space.name, "terminationGracePeriodSeconds": 0}
    spec["spec"]["tolerations"] = [{"operator": "Exists"}]
    selector = {"matchLabels": {"app": "web"}}
    space.create("Deployment", "web", {"replicas": 2, "selector": selector, "template": spec})
    await soon(lambda: len(space.list("Pod")) == 2)
    return {each["metadata"]["uid"] for each in space.list("Pod")}
