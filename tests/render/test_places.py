"""Several hosts and engines on every screen that shows what runs, each by its own age."""

from dataclasses import replace

import pytest

from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.running.hosts import HostView
from opsconsole.model.running.workloads import EngineView, Phase, Place, PlaceKind, Update
from opsconsole.model.snapshot import Snapshot, SourceView
from opsconsole.model.source_id import SourceId, SourceKind
from opsconsole.model.state import State
from opsconsole.render import resources
from opsconsole.render.ink.cells import Line, Role, line_width, plain
from opsconsole.render.service.instances import page
from opsconsole.render.status_text import status_lines
from opsconsole.render.wall.resources import resource_rows
from opsconsole.render.wall.scene import Scene
from tests.ui import fleet
from tests.ui.fleet import NOW
from tests.workloads import engine, replica, workload

CLUSTER = Place(PlaceKind.CLUSTER, "west")
RARELY = 60.0


def hosts(*ages: float, interval: float = 5.0) -> tuple[HostView, ...]:
    return tuple(
        HostView(replace(fleet.host(), name=f"host-{number}"), NOW - age, interval)
        for number, age in enumerate(ages, 1)
    )


def engines(here: float = 1.0, there: float = 1.0) -> tuple[EngineView, ...]:
    """An engine that is asked every five seconds, and a cluster that is once a minute."""
    web = replica("web", id="1", cpu=0.1)
    pod = replica("web", Phase.ENDED, State.DOWN, id="2", place=CLUSTER, exit_code=1, kind="pod")
    wanted = workload("web", 2, 3, place=CLUSTER, update=Update.PAUSED, said="one failed")
    return (
        engine(web, at=NOW - here),
        engine(pod, workloads=[wanted], place=CLUSTER, at=NOW - there, interval=RARELY),
    )


def snapshot(**parts: object) -> Snapshot:
    made = Snapshot(1, NOW, hosts=hosts(1.0, 1.0), engines=engines())
    return replace(made, **parts)  # type: ignore[arg-type]


def roles(line: Line) -> set[Role]:
    return {span.role for span in line}


@pytest.mark.parametrize("width", [40, 60, 120])
def test_all_hosts_and_engines_have_rows_of_their_own(width: int) -> None:
    rows = resources.rows(snapshot(), width, NOW)
    keys = [row.key for row in rows]
    assert len(set(keys)) == len(keys)
    assert {"host:host-1:cpu", "host:host-2:cpu", "replica:1", "replica:2"} <= set(keys)
    said = plain([row.line for row in rows])
    assert "host-1" in said
    assert "host-2" in said
    assert ("2/3, update paused" if width < 50 else "2/3 copies, update paused") in said


def test_replicas_of_one_name_say_where_they_are() -> None:
    found = {row.key: plain([row.line]) for row in resources.rows(snapshot(), 80, NOW)}
    assert "on docker" in found["replica:1"]
    assert "on west" in found["replica:2"]
    alone = snapshot(engines=engines()[:1])
    assert " on " not in plain([row.line for row in resources.rows(alone, 80, NOW)])


def test_what_is_rarely_read_is_stale_by_its_own_interval() -> None:
    made = snapshot(engines=engines(here=50.0, there=100.0), hosts=hosts(50.0, interval=RARELY))
    rows = {row.key: roles(row.line) for row in resources.rows(made, 80, NOW)}
    assert Role.STALE in rows["replica:1"]
    assert Role.STALE not in rows["replica:2"]
    assert Role.STALE not in rows["workload:west:web"]
    assert Role.STALE not in rows["host:host-1:cpu"]
    later = {row.key: roles(row.line) for row in resources.rows(made, 80, NOW + 80)}
    assert Role.STALE in later["replica:2"]
    assert Role.STALE in later["host:host-1:cpu"]


def test_the_copies_tab_marks_what_its_own_engine_has_not_said_lately() -> None:
    calm = fleet.calm()
    service = replace(calm.services[0], instances=(), replicas=("1", "2"))
    made = snapshot(engines=engines(here=50.0, there=100.0))
    said = plain([each.row.line for each in page(service, made, 120, NOW)])
    assert "◌ web  running · on docker" in said
    assert "✖ web  ended · exit 1 · on west" in said
    assert "◌ web  ended" in plain([each.row.line for each in page(service, made, 120, NOW + 80)])


def test_the_wall_shows_a_lone_host_large_and_several_as_rows() -> None:
    def wall(of: Snapshot) -> list[Line]:
        drawn = resource_rows(Scene(of, fleet.PRODUCTION, NOW, NOW), of, 120, 30)
        assert all(line_width(line) <= 120 for line in drawn)
        return drawn

    alone, both = (wall(snapshot(hosts=hosts(*[1.0] * count))) for count in (1, 2))
    assert "host-1" not in plain(alone)
    assert "host-1" in plain(both)
    assert "host-2" in plain(both)
    old = wall(snapshot(hosts=hosts(50.0)))
    fresh = wall(snapshot(hosts=hosts(50.0, interval=RARELY)))
    assert any(Role.FAINT in roles(line) for line in old[:4])
    assert not any(Role.FAINT in roles(line) for line in fresh[:4])


def test_the_title_counts_what_runs_in_its_places_own_words() -> None:
    assert resources.summary(snapshot()) == "host-1 · host-2 · 1 containers · 1 pods"


def test_a_source_that_has_no_address_yet_is_named_without_one() -> None:
    fault = Fault(FaultKind.ABSENT, "there is no kubeconfig")
    source = SourceView(SourceId(SourceKind.KUBERNETES, "k"), "", 5.0, None, NOW, fault)
    said = list(status_lines(replace(snapshot(), sources=(source,)), (), NOW))
    assert f"source {source.name}: {fault}" in said


def test_the_text_for_terminals_tells_of_every_host() -> None:
    said = list(status_lines(snapshot(), (), NOW))
    assert [line.partition(":")[0] for line in said if line.startswith("host")] == [
        "host host-1",
        "host host-2",
    ]
