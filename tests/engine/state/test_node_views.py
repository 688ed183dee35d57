"""A service that is a node of a cluster: what its cluster says of it, asked for by nobody else."""

from typing import Any

import pytest

from opsconsole.config.settings import Settings
from opsconsole.engine.state.store import Store
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.reading import Reading
from opsconsole.model.running.nodes import ClusterNode
from opsconsole.model.running.workloads import Inventory, Place, PlaceKind, Unread
from opsconsole.model.snapshot import ServiceView
from opsconsole.model.state import State
from tests.named import named

NOW = 1_700_000_000.0
BED = Place(PlaceKind.CLUSTER, "bed")
NODES_REFUSED = Unread("nodes", Fault(FaultKind.PERMISSION, "no"))


def store(**more: Any) -> Store:
    call = {"drain": {"kubernetes": {"node": "n1", "do": "drain"}}}
    return Store(
        Settings.model_validate(
            {
                "docker": [],
                "host": {"enabled": False},
                "kubernetes": {"name": "bed", "interval": "5s"},
                "services": {"n1": {"actions": {"call": call}, **more}},
            }
        ),
        NOW,
    )


def told(made: Store, at: float, *nodes: ClusterNode, unread: tuple[Unread, ...] = ()) -> None:
    value = Inventory(BED, "https://bed", "v1", (), (), unread, nodes)
    made.apply(Reading(named("kubernetes:bed"), NOW + at, 0.1, value=value))
    made.settle(NOW + at)


def view(made: Store) -> ServiceView:
    found = made.services["n1"].view
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("node", "state", "reason"),
    [
        (ClusterNode("n1", True), State.OK, ""),
        (ClusterNode("n1", True, cordoned=True), State.OK, "node n1 is cordoned"),
        (ClusterNode("n1", True, presses=("DiskPressure",)), State.DEGRADED, "node n1: DiskPr"),
        (ClusterNode("n1", False, said="no network"), State.DOWN, "is not ready: no network"),
        (ClusterNode("n1", None), State.DOWN, "node n1 is not heard of"),
        (ClusterNode("n2", True), State.DOWN, "bed has no node n1"),
    ],
)
def test_a_node_is_as_its_cluster_says(node: ClusterNode, state: State, reason: str) -> None:
    made = store()
    told(made, 1, node)
    assert view(made).state is state
    assert reason in view(made).reason
    assert [each.name for each in view(made).instances] == ["n1"]


def test_it_is_unknown_before_its_cluster_answered_and_once_that_is_old() -> None:
    made = store()
    assert (view(made).state, view(made).reason) == (State.UNKNOWN, "bed has not answered")
    told(made, 1, ClusterNode("n1", True))
    assert view(made).state is State.OK
    made.settle(NOW + 30)
    assert (view(made).state, view(made).stale) == (State.UNKNOWN, True)


def test_where_nodes_may_not_be_read_it_is_unknown_and_not_gone() -> None:
    made = store()
    told(made, 1, unread=(NODES_REFUSED,))
    assert view(made).state is State.UNKNOWN
    assert view(made).reason == "bed does not show its nodes: permission denied"


def test_a_service_that_is_something_else_is_not_judged_by_a_node_that_it_can_drain() -> None:
    made = store(instances="http://127.0.0.1:1")
    told(made, 1, ClusterNode("n1", False))
    assert view(made).state is State.UNKNOWN
    assert "node" not in view(made).reason
