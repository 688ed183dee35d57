"""One cluster, and consoles on two machines that share nothing, or that are away by then."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from opsconsole.model.operation import ActionKind, ActionRequest, Operation, OperationState
from opsconsole.operations.who import whoami
from tests.operations.drivers.kubernetes.stand_in import StandIn
from tests.operations.drivers.kubernetes.test_real import Console, console
from tests.operations.drivers.kubernetes.test_runner_killed import CONFIG as SHOP
from tests.operations.drivers.kubernetes.test_runner_killed import shop
from tests.operations.place import Place, ended, performed, planned
from tests.patience import soon

__all__ = ["console", "shop"]

S, K = OperationState, ActionKind


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
