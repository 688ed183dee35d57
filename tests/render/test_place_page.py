"""A place in full: what is in trouble first, nothing that is not known, how it is reached."""

from dataclasses import replace

import pytest

from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.running.nodes import ClusterNode
from opsconsole.model.running.troubles import Trouble, TroubleCode
from opsconsole.model.running.workloads import (
    EngineView,
    Inventory,
    Phase,
    Place,
    PlaceKind,
    Unread,
    Update,
)
from opsconsole.model.snapshot import Snapshot, SourceView
from opsconsole.model.source_id import SourceId, SourceKind
from opsconsole.model.state import State
from opsconsole.render import place_page
from opsconsole.render.ink.cells import line_width, plain
from tests.ui import fleets
from tests.workloads import replica, workload

NOW = 1_700_000_000.0
BED = Place(PlaceKind.CLUSTER, "bed")
WHO = SourceId(SourceKind.KUBERNETES, "bed")
READ = SourceView(WHO, "https://bed:6443", 5.0, NOW - 2, NOW - 3_600)


def cluster(**more: object) -> Snapshot:
    """A cluster in which one thing of each kind is wrong."""
    node = ClusterNode("n1", True, cpu=4.0, memory=8 << 30)
    waits = Trouble(TroubleCode.UNSCHEDULABLE, "insufficient cpu", count=0, of=3, at=NOW - 120)
    pods = (
        replica("web-1", place=BED, namespace="shop", cpu=0.5, memory=1 << 30),
        replica("web-2", Phase.PENDING, place=BED, namespace="shop", trouble=waits),
    )
    rolling = workload("shop/deployment/web", 1, 2, place=BED, update=Update.RUNNING, updated=1)
    inventory = Inventory(
        BED,
        "https://bed:6443",
        "v1.36.0",
        pods,
        (rolling, workload("shop/statefulset/db", 1, 1, place=BED)),
        (),
        (node, replace(node, name="n2", ready=False, said="no network"), replace(node, name="n3")),
    )
    view = EngineView(replace(inventory, **more), NOW - 2, 5.0)  # type: ignore[arg-type]
    return Snapshot(1, NOW, engines=(view,), sources=(READ,))


def text(snapshot: Snapshot, key: str = "engine:bed", width: int = 120) -> str:
    found = place_page.rows(snapshot, key, width, NOW)
    assert all(line_width(row.line) <= width for row in found)
    assert len({row.key for row in found}) == len(found)
    return plain([row.line for row in found])


def test_a_cluster_shows_what_is_wrong_in_it_and_how_it_is_reached() -> None:
    said = text(cluster())
    for each in (
        "▲ degraded  bed  cluster  1 of 3 nodes not ready",
        "1 pod runs · 2 of 3 nodes ready · 0.5 of 12 cores",
        "n2",
        "is not ready: no network",
        "shop/web",
        "1 of 2 updated",
        "shop/web-2",
        "0 of 3 nodes fit: insufficient cpu",
        "https://bed:6443",
        "version v1.36.0",
        "read 2s ago, every 5s, without a break for 1h",
    ):
        assert each in said, said
    assert "n3" not in said.replace("n3 ", "")


def test_what_is_not_known_has_no_part() -> None:
    said = text(cluster(nodes=(), replicas=(), workloads=()))
    for each in ("Nodes", "Rollouts", "Pods that wait", "Workloads", "cores"):
        assert each not in said
    assert "0 pods run" in said


def test_what_may_not_be_read_is_said() -> None:
    lacking = Unread("nodes", Fault(FaultKind.PERMISSION, "forbidden"))
    assert "no nodes: permission denied: forbidden" in text(cluster(nodes=(), unread=(lacking,)))


def test_one_that_is_lost_says_since_when_and_why() -> None:
    fault = Fault(FaultKind.CONNECT, "connection refused", hint="look at its API server")
    lost = replace(READ, fault=fault, since=NOW - 90, taken_at=NOW - 95)
    said = text(replace(cluster(), sources=(lost,)))
    assert "? unknown  bed" in said
    assert "not read for 1m30s: connect: connection refused" in said
    assert "look at its API server" in said


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_a_host_has_its_figures_at_every_width(width: int) -> None:
    snapshot = fleets.large()
    key = f"place:{snapshot.hosts[0].host.name}"
    found = place_page.rows(snapshot, key, width, snapshot.taken_at)
    assert any(row.key.startswith("host:") for row in found)
    assert all(line_width(row.line) <= width for row in found)


def test_services_on_it_stand_first_and_open() -> None:
    snapshot = fleets.large()
    name = next(each.host.name for each in snapshot.hosts if each.host.name == "web-2")
    found = place_page.rows(snapshot, f"place:{name}", 100, snapshot.taken_at)
    mine = [each for each in snapshot.services if name in each.places]
    keys = [row.key for row in found if row.key.startswith("service:")]
    ill = {each.name for each in mine if each.state is not State.OK}
    assert ill <= {key.removeprefix("service:") for key in keys}
    assert len(keys) == len(ill) + 6
    (more,) = [plain([row.line]) for row in found if row.key == "services:ok"]
    assert f"{len(mine) - len(keys)} more ok" in more
    states = [snapshot.service(key.removeprefix("service:")) for key in keys]
    urgency = [each.state.urgency for each in states if each is not None]
    assert urgency == sorted(urgency, reverse=True)


def test_a_place_that_nobody_reads_has_no_rows() -> None:
    assert place_page.rows(cluster(), "engine:other", 80, NOW) == []
    assert State.UNKNOWN.glyph == "?"
