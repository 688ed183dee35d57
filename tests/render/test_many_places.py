"""Many hosts and engines: one row for each in trouble, the others counted, all to be unfolded."""

from dataclasses import replace

import pytest

from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.running.hosts import HostView, Pressure
from opsconsole.model.running.workloads import Phase, Place, PlaceKind
from opsconsole.model.snapshot import Snapshot, SourceView
from opsconsole.model.source_id import SourceId, SourceKind
from opsconsole.model.state import State
from opsconsole.render import places, resources
from opsconsole.render.ink.cells import line_width, plain
from tests.named import named
from tests.ui import fleet, fleets
from tests.ui.fleet import NOW
from tests.workloads import engine, replica

LARGE = fleets.large()
NONE: frozenset[str] = frozenset()


def said(snapshot: Snapshot, width: int = 60, unfolded: frozenset[str] = NONE) -> dict[str, str]:
    return {each.key: plain([each.line]) for each in places.rows(snapshot, width, NOW, unfolded)}


def test_those_in_trouble_come_first_with_their_one_reason() -> None:
    rows = said(LARGE)
    assert list(rows) == ["place:web-2", "place:web-6", places.WELL]
    assert "not read for 9m00s" in rows["place:web-6"]
    assert "disk 97% of 200G" in rows["place:web-2"]
    assert "4 hosts, 1 engine ok" in rows[places.WELL]
    assert "web-5 disk 50%" in rows[places.WELL]
    assert places.in_trouble(LARGE, NOW) == 2


def test_what_is_on_a_place_is_unfolded() -> None:
    whole = said(LARGE, unfolded=frozenset({places.WELL, "engine:docker"}))
    assert {f"place:web-{number}" for number in range(1, 7)} <= set(whole)
    assert "replica:redis-1" in whole
    assert "replica:redis-1" not in said(LARGE)
    one = said(LARGE, unfolded=frozenset({"place:web-2"}))
    assert "host:web-2:cpu" in one
    assert "host:web-1:cpu" not in one


def test_an_engine_that_does_not_answer_is_in_trouble_also_if_it_never_did() -> None:
    fault = Fault(FaultKind.CONNECT, "connection refused")
    silent = tuple(
        SourceView(named(f"docker:{name}"), "unix:///x", 5, None, NOW - 60, fault)
        for name in ("docker", "east")
    )
    rows = said(replace(LARGE, sources=silent))
    assert "connect, 1m00s" in rows["engine:docker"]
    assert "engine:east" in rows
    assert "engine" not in rows[places.WELL]


def test_another_host_that_is_not_read_is_in_trouble_also_if_it_never_was() -> None:
    fault = Fault(FaultKind.TIMEOUT, "db does not answer", "it is off")
    lost = tuple(
        SourceView(named(f"host:{name}"), "ssh db", 5, None, NOW - 60, fault)
        for name in ("web-1", "db")
    )
    rows = said(replace(LARGE, sources=lost))
    assert "timeout, 1m00s" in rows["place:db"]
    assert "timeout, 1m00s" in rows["place:web-1"]
    assert "5 hosts" not in rows[places.WELL]
    # Where there are one or two places, it has its row too.
    assert "place:db" in said(replace(fleet.on_fire(), sources=lost[1:]))


@pytest.mark.parametrize(("ahead", "words"), [(65.0, "clock 1m05s ahead"), (-8.0, "8s behind")])
def test_a_host_whose_clock_is_wrong_is_in_trouble(ahead: float, words: str) -> None:
    off = replace(LARGE.hosts[0], host=replace(LARGE.hosts[0].host, ahead=ahead))
    rows = said(replace(LARGE, hosts=(off, *LARGE.hosts[1:])))
    assert words in rows[f"place:{off.host.name}"]
    small = replace(fleet.on_fire(), hosts=(off,))
    assert words in said(small)[f"host:{off.host.name}:clock"]
    well = replace(off, host=replace(off.host, ahead=0.4))
    assert f"host:{off.host.name}:clock" not in said(replace(small, hosts=(well,)))


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        ({"failed": ("web.service",)}, "web.service failed"),
        ({"failed": ("a.service", "b.service")}, "2 units failed"),
        ({"pressure": Pressure(0.9, 0.34, 0.0)}, "waits 34% for memory"),
        ({"failed": ("a.service",), "ahead": 60.0}, "a.service failed · clock"),
    ],
)
def test_what_is_wrong_with_a_host_is_on_its_row(trouble: dict[str, object], words: str) -> None:
    seen = LARGE.hosts[0]
    bad = replace(seen, host=replace(seen.host, **trouble))  # type: ignore[arg-type]
    rows = said(replace(LARGE, hosts=(bad, *LARGE.hosts[1:])))
    assert words in rows[f"place:{seen.host.name}"]
    busy = replace(seen, host=replace(seen.host, pressure=Pressure(1.0, 0.1, 0.1)))
    rows = said(replace(LARGE, hosts=(busy, *LARGE.hosts[1:])))
    assert "waits" not in "".join(rows.values())


def test_one_or_two_places_stand_with_all_of_their_rows() -> None:
    small = fleet.on_fire()
    assert list(said(small)) == [each.key for each in resources.rows(small, 60, NOW)]
    assert places.summary(small) == resources.summary(small)
    assert places.in_trouble(small, NOW) == 0
    assert places.summary(LARGE) == "6 hosts · 1 engine"


@pytest.mark.parametrize("width", [30, 40, 50, 80, 120])
def test_rows_keep_to_their_width(width: int) -> None:
    unfolded = frozenset({places.WELL, "place:web-2", "engine:docker"})
    for each in places.rows(LARGE, width, NOW, unfolded):
        if each.key.startswith(("place", "engine")):
            assert line_width(each.line) <= width


def test_the_units_of_a_host_are_in_its_row_unless_they_alone_are_not_read() -> None:
    where = Place(PlaceKind.HOST, "web-1")
    failed = replica("api.service", Phase.ENDED, State.DOWN, id="web-1:api", place=where)
    host = replace(fleet.host(), name="web-1", failed=("api.service",))
    seen = Snapshot(
        1,
        NOW,
        hosts=(HostView(host, NOW, 5.0, elsewhere=True),),
        engines=(engine(failed, place=where, at=NOW, interval=5.0),),
    )

    def keys(snapshot: Snapshot) -> list[str]:
        return [each.key for each in places.known(snapshot, NOW)]

    assert keys(seen) == ["place:web-1"]
    assert places.place_of(seen, "replica:web-1:api") == "place:web-1"
    fault = Fault(FaultKind.UNSUPPORTED, "no systemctl")
    units, figures = SourceId(SourceKind.SYSTEMD, "web-1"), SourceId(SourceKind.HOST, "web-1")
    lost = SourceView(units, "systemd", 5.0, NOW - 9, NOW - 9, fault)
    assert keys(replace(seen, sources=(lost,))) == ["place:web-1", "engine:web-1"]
    away = SourceView(figures, "ssh web-1", 5.0, NOW - 9, NOW - 9, fault)
    assert keys(replace(seen, sources=(lost, away))) == ["place:web-1"]
    assert keys(replace(seen, hosts=(), engines=(), sources=(lost, away))) == ["place:web-1"]
