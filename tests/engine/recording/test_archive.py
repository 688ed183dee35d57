"""What is read back of a recording is what was shown live, at every moment and in every part."""

from contextlib import closing
from dataclasses import fields, replace
from itertools import pairwise
from pathlib import Path

import pytest

from opsconsole.engine.recording.archive import Archive
from opsconsole.engine.recording.upkeep import Bounds, Upkeep
from opsconsole.engine.recording.writer import Writer
from opsconsole.model.events import Event, EventCode
from opsconsole.model.past.replay import Span
from opsconsole.model.snapshot import Snapshot
from tests.engine.recording.conftest import Opened
from tests.engine.recording.fleet import START, SimulatedFleet

HOUR = 3600
PARTS = tuple(field.name for field in fields(Snapshot))


def assert_same(live: Snapshot, replayed: Snapshot | None) -> None:
    """Part for part, so that a failure names the part."""
    assert replayed is not None
    for part in PARTS:
        assert getattr(replayed, part) == getattr(live, part), part


@pytest.fixture(scope="module")
def hour(
    tmp_path_factory: pytest.TempPathFactory, opened: Opened
) -> tuple[Archive, list[Snapshot]]:
    """An hour of a fleet with its troubles, recorded every few seconds, and what was shown."""
    path = tmp_path_factory.mktemp("hour") / "recording.db"
    fleet = SimulatedFleet(3, per_service=2)
    writer = Writer(path)
    shown: list[Snapshot] = []
    while fleet.clock.now() < START + HOUR:
        snapshot = fleet.tick(1 + len(shown) % 3)
        writer.write(snapshot)
        shown.append(snapshot)
    writer.end()
    writer.close()
    return opened(path), shown


def test_every_part_is_shown_as_it_was(hour: tuple[Archive, list[Snapshot]]) -> None:
    archive, shown = hour
    for live in shown[::23] + shown[-3:]:
        assert_same(live, archive.at(live.taken_at))


def test_the_hour_has_something_to_show(hour: tuple[Archive, list[Snapshot]]) -> None:
    _, shown = hour
    for part in (
        "services", "alerts", "hosts", "engines", "events", "sources", "operations", "notices",
        "silences", "degradations",
    ):  # fmt: skip
        assert len({repr(getattr(each, part)) for each in shown[::7]}) > 1, part
    assert shown[-1].rules


def test_between_two_moments_the_earlier_one_is_shown(
    hour: tuple[Archive, list[Snapshot]],
) -> None:
    archive, shown = hour
    for before, after in pairwise(shown[100:111]):
        replayed = archive.at((before.taken_at + after.taken_at) / 2)
        assert replayed is not None
        assert replayed.seq == before.seq


def test_before_the_first_there_is_nothing_and_after_the_last_the_last(
    hour: tuple[Archive, list[Snapshot]],
) -> None:
    archive, shown = hour
    assert archive.at(shown[0].taken_at - 0.001) is None
    assert archive.span() == Span(shown[0].taken_at, shown[-1].taken_at)
    assert_same(shown[-1], archive.at(shown[-1].taken_at + 1e6))


def test_neighbours_are_the_moments_beside(hour: tuple[Archive, list[Snapshot]]) -> None:
    archive, shown = hour
    for number in (1, 40, 41, 500, len(shown) - 2):
        at = shown[number].taken_at
        assert archive.neighbour(at, -1) == shown[number - 1].taken_at
        assert archive.neighbour(at, 1) == shown[number + 1].taken_at
    assert archive.neighbour(shown[0].taken_at, -1) is None
    assert archive.neighbour(shown[-1].taken_at, 1) is None


def test_events_are_all_there_by_time_and_by_service(
    hour: tuple[Archive, list[Snapshot]],
) -> None:
    archive, shown = hour
    told = {event for each in shown for event in each.events}
    found = archive.events(0.0, 9e9)
    assert len(found) == len(told) > 50
    assert set(found) == told
    assert [event.at for event in found] == sorted(event.at for event in found)
    middle = shown[len(shown) // 2].taken_at
    of_one = archive.events(middle, middle + 600, "service-1")
    assert of_one == tuple(
        event
        for event in found
        if event.service == "service-1" and middle <= event.at <= middle + 600
    )
    assert of_one


def test_figures_are_those_of_the_views(hour: tuple[Archive, list[Snapshot]]) -> None:
    archive, shown = hour
    some = shown[200:400]
    read = list(archive.services(some[0].taken_at, some[-1].taken_at))
    assert [fleet.at for fleet in read] == [each.taken_at for each in some]
    for fleet, live in zip(read, some, strict=True):
        for service in live.services:
            figures = fleet.services[service.name]
            assert figures.state is service.state
            assert figures.p95 == service.latency.p95
            assert figures.last == service.latency.last
            assert figures.error_rate == service.error_rate
            assert figures.memory == service.memory
            assert figures.metrics == {each.name: each.value for each in service.metrics}
            assert figures.looks == {each.name: each.taken_at for each in service.instances}


def test_figures_can_be_asked_for_more_rarely(hour: tuple[Archive, list[Snapshot]]) -> None:
    archive, shown = hour
    moments = [fleet.at for fleet in archive.services(START, START + HOUR, every=300.0)]
    assert len(moments) == 12
    assert all(b - a >= 300.0 for a, b in pairwise(moments))
    assert set(moments) <= {each.taken_at for each in shown}


def test_where_nothing_is_recorded_there_is_nothing(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "none.db")
    assert archive.span() is None
    assert archive.at(9e9) is None
    assert archive.neighbour(0.0, 1) is None
    assert archive.events(0.0, 9e9) == ()
    assert list(archive.services(0.0, 9e9)) == []
    assert not list(tmp_path.iterdir()), "a reader makes no file"


def test_what_is_written_meanwhile_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "recording.db"
    archive = Archive(path)
    assert archive.span() is None
    fleet = SimulatedFleet(2)
    writer = Writer(path)
    for _ in range(130):
        live = fleet.tick()
        writer.write(live)
        assert archive.span() == Span(START + 1, live.taken_at)
    assert_same(live, archive.at(live.taken_at))
    writer.close()


def test_a_console_that_begins_anew_goes_on_in_the_same_file(
    tmp_path: Path, opened: Opened
) -> None:
    path = tmp_path / "recording.db"
    fleet = SimulatedFleet(2)
    shown: list[Snapshot] = []
    for _ in range(3):
        writer = Writer(path)
        for _ in range(70):
            shown.append(fleet.tick())
            writer.write(shown[-1])
        writer.end()
        writer.close()
    archive = opened(path)
    for live in shown[::7]:
        assert_same(live, archive.at(live.taken_at))
    assert len(archive.events(0.0, 9e9)) == len({e for each in shown for e in each.events})


def test_events_that_are_told_again_later_are_kept_as_long_as_they_are_shown(
    tmp_path: Path, opened: Opened
) -> None:
    path = tmp_path / "recording.db"
    fleet = SimulatedFleet(1)
    old = [Event(START + number, EventCode.NOTE, str(number)) for number in range(5)]
    with closing(Writer(path)) as writer:
        writer.write(replace(fleet.tick(), events=tuple(old)))
    fleet.clock.move(7200)
    with closing(Writer(path)) as writer:
        writer.write(replace(fleet.tick(), events=()))
        later = replace(fleet.tick(), events=tuple(old))
        writer.write(later)
        fleet.clock.move(60)
        writer.write(replace(fleet.tick(), events=()))
        writer.end()
        Upkeep(writer, Bounds(3600.0, 10**9)).finish(fleet.clock.now())
    with closing(opened(path)) as archive:
        assert archive.at(START + 3600) is None, "the first moment was cut off"
        assert_same(later, archive.at(later.taken_at))
        assert len(archive.events(0.0, 9e12)) == len(old), "each is held once"


@pytest.mark.parametrize("part", ["request_rate", "seen_at", "lag"])
def test_what_an_earlier_version_wrote_is_not_told_again(tmp_path: Path, part: str) -> None:
    path = tmp_path / "recording.db"
    fleet = SimulatedFleet(3, per_service=2)
    with closing(Writer(path)) as writer:
        for _ in range(200):
            shown = fleet.tick(2)
            writer.write(shown)
        # Its snapshots had a part less, or another one.
        assert part in writer.connection.execute("SELECT fields FROM layouts").fetchone()[0]
        query = "UPDATE layouts SET fields = replace(fields, ?, 'another')"
        writer.connection.execute(query, (part,))
        before = writer.connection.execute("SELECT count(*) FROM events").fetchone()
    assert shown.events
    with closing(Writer(path)) as writer:
        writer.write(replace(shown, seq=shown.seq + 1, taken_at=shown.taken_at + 1.0))
        assert writer.connection.execute("SELECT count(*) FROM layouts").fetchone() == (2,)
        assert writer.connection.execute("SELECT count(*) FROM events").fetchone() == before


def test_a_clock_that_was_set_back_loses_nothing(tmp_path: Path, opened: Opened) -> None:
    path = tmp_path / "recording.db"
    early, late = SimulatedFleet(1), SimulatedFleet(1, seed=2)
    late.clock.move(600)
    writer = Writer(path)
    shown = [late.tick() for _ in range(5)] + [early.tick() for _ in range(5)]
    for each in shown:
        writer.write(each)
    writer.end()
    writer.close()
    archive = opened(path)
    for live in shown:
        assert_same(live, archive.at(live.taken_at))
