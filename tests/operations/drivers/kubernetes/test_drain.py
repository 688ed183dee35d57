"""Draining a node: by eviction alone, within budgets and a deadline, each pod by its uid."""

from typing import Any

import pytest

from opsconsole.model.operation import ActionKind, Step
from opsconsole.operations.drivers.kubernetes.drain import AGAIN
from opsconsole.operations.driving.driver import Driver, ObserveError, Outcome
from tests.operations.drivers.kubernetes.conftest import Bench
from tests.operations.drivers.kubernetes.made import NAMESPACE, owned, pod
from tests.operations.drivers.kubernetes.stand_in import StandIn

NODE = "/api/v1/nodes/node-1"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"


def put(server: StandIn, name: str, kind: str = "ReplicaSet", **more: Any) -> str:
    made = pod(name, namespace=NAMESPACE, **more)
    made["metadata"]["ownerReferences"] = owned("o", kind) if kind else []
    server.put(f"{PODS}/{name}", made)
    return f"{PODS}/{name}"


def budget(server: StandIn, allowed: int, healthy: int, needed: int) -> None:
    server.put(
        f"/apis/policy/v1beta1/namespaces/{NAMESPACE}/poddisruptionbudgets/web",
        {
            "metadata": {"name": "web", "namespace": NAMESPACE},
            "spec": {"selector": {"matchLabels": {"app": "web"}}},
            "status": {
                "disruptionsAllowed": allowed,
                "currentHealthy": healthy,
                "desiredHealthy": needed,
            },
        },
    )


@pytest.fixture
def node(server: StandIn) -> StandIn:
    """A node with two pods that leave it."""
    ready = [{"type": "Ready", "status": "True"}]
    made = {"uid": "uid-n", "name": "node-1"}
    server.put(NODE, {"metadata": made, "spec": {}, "status": {"conditions": ready}})
    put(server, "a")
    put(server, "b")
    return server


async def planned(bench: Bench, do: str = "drain") -> tuple[Driver, tuple[Step, ...]]:
    driver = bench.driver(ActionKind.CALL, {"node": "node-1", "do": do})
    return driver, driver.steps(await driver.observe())


async def test_no_more_pods_come_and_then_those_that_are_there_leave(
    bench: Bench, node: StandIn
) -> None:
    agent = put(node, "agent", "DaemonSet")
    own = put(node, "own", "Node", annotations={"kubernetes.io/config.mirror": "x"})
    over = put(node, "over", "Job")
    node.objects[over]["status"]["phase"] = "Succeeded"
    driver, (cordon, evict) = await planned(bench)
    assert evict.summary == "evict 2 pods from node node-1 within 60 s: shop/a, shop/b"
    assert any("2 pods of DaemonSets" in each for each in driver.warnings())
    assert "uncordon" in driver.undo()
    assert (await driver.execute(cordon)).outcome is Outcome.DONE
    assert node.objects[NODE]["spec"]["unschedulable"] is True
    done = await driver.execute(evict)
    assert (done.outcome, done.detail) == (Outcome.DONE, "2 pods have left node-1")
    assert {path for path in node.objects if path.startswith(PODS)} == {agent, own, over}
    sent = [each for each in node.changes if not each.is_dry]
    assert [each.method for each in sent] == ["PATCH", "POST", "POST"]


async def test_what_there_is_no_room_for_is_asked_for_again(bench: Bench, node: StandIn) -> None:
    asked: list[str] = []

    def evictable(path: str) -> bool:
        asked.append(path)
        return asked.count(path) > 2 or path.endswith("/a")

    node.evictable = evictable
    driver, (_, evict) = await planned(bench)
    began = bench.clock.at
    assert (await driver.execute(evict)).outcome is Outcome.DONE
    assert asked.count(f"{PODS}/a") == 1
    assert bench.clock.at - began >= 2 * AGAIN


async def test_at_the_deadline_it_is_said_what_is_left_why_and_what_takes_it_back(
    bench: Bench, node: StandIn
) -> None:
    node.evictable = lambda path: path.endswith("/a")
    driver, (_, evict) = await planned(bench)
    done = await driver.execute(evict)
    assert done.outcome is Outcome.FAILED
    assert "1 of 2 pods are still on node-1: shop/b" in done.detail
    assert "would violate the disruption budget" in done.detail
    assert "until it is uncordoned" in done.detail
    assert bench.clock.at - 1_700_000_000.0 >= 60


async def test_another_pod_of_the_same_name_is_left_alone(bench: Bench, node: StandIn) -> None:
    """A StatefulSet gives a pod's name to its successor, which may be on the node again."""
    driver, (_, evict) = await planned(bench)
    put(node, "a", started=9)
    assert (await driver.execute(evict)).outcome is Outcome.DONE
    assert f"{PODS}/a" in node.objects


async def test_a_pod_that_nobody_would_start_again_keeps_it_from_being_planned(
    bench: Bench, node: StandIn
) -> None:
    put(node, "alone", "")
    with pytest.raises(ObserveError, match="nobody would start shop/alone again") as refused:
        await planned(bench)
    assert refused.value.code == "unmanaged-pods"
    assert node.changes == []


@pytest.mark.parametrize(
    ("allowed", "healthy", "needed", "said", "warned"),
    [
        (1, 3, 2, "room for 1 at a time", False),
        (0, 2, 2, "it gives no room", True),
        (0, 1, 2, "fewer than that already", True),
    ],
)
async def test_the_room_that_budgets_have_is_shown(
    bench: Bench, node: StandIn, allowed: int, healthy: int, needed: int, said: str, warned: bool
) -> None:
    budget(node, allowed, healthy, needed)
    driver, _ = await planned(bench)
    (line,) = driver.differences()
    assert said in line
    assert (line in driver.warnings()) == warned


async def test_a_node_that_is_not_ready_and_data_that_is_lost_are_warned_of(
    bench: Bench, node: StandIn
) -> None:
    node.objects[NODE]["status"] = {}
    path = put(node, "c")
    node.objects[path]["spec"]["volumes"] = [{"name": "cache", "emptyDir": {}}]
    driver, _ = await planned(bench)
    said = "\n".join(driver.warnings())
    assert "the node is not ready" in said
    assert "(emptyDir) is lost with shop/c" in said


async def test_other_pods_than_were_planned_are_another_plan(bench: Bench, node: StandIn) -> None:
    driver, _ = await planned(bench)
    before = await driver.observe()
    put(node, "late")
    assert (await driver.observe())["pods"] != before["pods"]


@pytest.mark.parametrize("gone", [0, 1, 2])
async def test_what_became_of_evictions_is_looked_up_and_none_is_asked_for(
    bench: Bench, node: StandIn, gone: int
) -> None:
    driver, (_, evict) = await planned(bench)
    for name in ("a", "b")[:gone]:
        del node.objects[f"{PODS}/{name}"]
    node.asked.clear()
    found = await driver.reconcile(evict, {})
    assert found.outcome is (Outcome.DONE if gone == 2 else Outcome.FAILED)
    assert node.changes == []


async def test_a_right_that_is_lost_ends_it_at_once(bench: Bench, node: StandIn) -> None:
    driver, (_, evict) = await planned(bench)
    node.faults = [403]
    done = await driver.execute(evict)
    assert done.outcome is Outcome.FAILED
    assert "until it is uncordoned" in done.detail
    assert bench.clock.at - 1_700_000_000.0 < 60


async def test_uncordon_takes_it_back(bench: Bench, node: StandIn) -> None:
    node.objects[NODE]["spec"]["unschedulable"] = True
    driver, (step,) = await planned(bench, "uncordon")
    assert (await driver.execute(step)).outcome is Outcome.DONE
    assert node.objects[NODE]["spec"]["unschedulable"] is False
    assert "cordon it again" in driver.undo()


async def test_what_is_drained_already_is_nothing_to_do(bench: Bench, node: StandIn) -> None:
    node.objects[NODE]["spec"]["unschedulable"] = True
    for name in ("a", "b"):
        del node.objects[f"{PODS}/{name}"]
    with pytest.raises(ObserveError) as refused:
        await planned(bench)
    assert refused.value.code == "nothing-to-do"
