"""A recording stays within its bounds over days, thinned as it ages, and the file shrinks."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from opsconsole.engine.recording.archive import Archive
from opsconsole.engine.recording.database import size_of
from opsconsole.engine.recording.upkeep import TIERS, Bounds, Tier, Upkeep
from opsconsole.engine.recording.writer import SEGMENT, Writer
from opsconsole.errors import StateError
from opsconsole.model.snapshot import Snapshot
from tests.engine.recording.fleet import START, SimulatedFleet
from tests.engine.recording.test_archive import assert_same

DAY = 86_400.0
MIB = 1 << 20
QUICK = (
    Tier(age=1200.0, step=60.0, block=1800.0, share=1.0),
    Tier(age=300.0, step=15.0, block=300.0, share=1.0),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "recording.db"


def moments(path: Path) -> list[float]:
    with closing(Archive(path)) as archive:
        return [fleet.at for fleet in archive.services(0.0, 9e12)]


def record(writer: Writer, fleet: SimulatedFleet, seconds: int, step: int = 1) -> list[Snapshot]:
    shown = []
    for _ in range(0, seconds, step):
        shown.append(fleet.tick(step))
        writer.write(shown[-1])
    return shown


def assert_one_each(step: float, kept: list[float]) -> None:
    """One moment in every slot of ``step`` seconds."""
    slots = [at // step for at in kept]
    assert len(slots) > 5
    assert slots == [slots[0] + number for number in range(len(slots))]


def test_blocks_are_made_of_whole_segments() -> None:
    for older, younger in pairwise(TIERS):
        assert older.age > younger.age
        assert older.step > younger.step
        assert older.block % younger.block == 0
    for tier in TIERS:
        assert tier.block % SEGMENT == 0
        assert tier.block % tier.step == 0


def test_what_has_aged_is_thinned_and_shown_as_it_was(path: Path) -> None:
    fleet = SimulatedFleet(2)
    with closing(Writer(path)) as writer:
        shown = {each.taken_at: each for each in record(writer, fleet, 5400, 3)}
        now = fleet.clock.now()
        Upkeep(writer, Bounds(7 * DAY, 500 * MIB, QUICK)).finish(now)
    kept = moments(path)
    assert set(kept) <= set(shown)
    assert_one_each(60.0, [at for at in kept if at < now - 1200 - 1800])
    assert_one_each(15.0, [at for at in kept if now - 1200 <= at < now - 300 - 300])
    recent = [at for at in kept if at > now - 300]
    assert recent == [at for at in shown if at > now - 300], "what is young is whole"
    with closing(Archive(path)) as archive:
        for at in kept[::7]:
            assert_same(shown[at], archive.at(at))
        events = archive.events(0.0, 9e12)
    assert set(events) == {event for each in shown.values() for event in each.events}


def test_thinning_again_changes_nothing(path: Path) -> None:
    with closing(Writer(path)) as writer:
        fleet = SimulatedFleet(1)
        record(writer, fleet, 3600, 5)
        upkeep = Upkeep(writer, Bounds(7 * DAY, 500 * MIB, QUICK))
        upkeep.finish(fleet.clock.now())
        once = moments(path)
        upkeep.finish(fleet.clock.now())
        assert moments(path) == once


def test_a_slice_is_short_and_moments_are_written_between(path: Path) -> None:
    fleet = SimulatedFleet(2)
    with closing(Writer(path)) as writer:
        record(writer, fleet, 1800, 3)
        upkeep = Upkeep(writer, Bounds(7 * DAY, 500 * MIB, QUICK))
        slices = 0
        now = fleet.clock.now()
        while upkeep.step(now):
            slices += 1
            writer.write(fleet.tick())
        assert slices > 20
        assert moments(path)[-1] == fleet.clock.now()


def test_nothing_is_looked_for_all_the_time(path: Path) -> None:
    fleet = SimulatedFleet(1)
    with closing(Writer(path)) as writer:
        record(writer, fleet, 600, 10)
        upkeep = Upkeep(writer, Bounds(7 * DAY, 500 * MIB, QUICK))
        assert upkeep.step(fleet.clock.now())
        while upkeep.step(fleet.clock.now()):
            continue
        record(writer, fleet, 600, 10)
        assert not upkeep.step(fleet.clock.now() - 600)
        assert upkeep.step(fleet.clock.now())


def test_what_is_older_than_it_is_kept_goes_with_its_events(path: Path) -> None:
    fleet = SimulatedFleet(2)
    with closing(Writer(path)) as writer:
        record(writer, fleet, 7200, 5)
        now = fleet.clock.now()
        Upkeep(writer, Bounds(keep=1800.0, size=500 * MIB)).finish(now)
        kept = moments(path)
        assert now - 1800.0 - SEGMENT <= kept[0] <= now - 1800.0 + SEGMENT
        with closing(Archive(path)) as archive:
            shown = archive.at(kept[0])
            assert shown is not None
            assert shown.events, "events that a kept moment shows are kept with it"
            oldest = min(event.at for event in shown.events)
            assert archive.events(0.0, oldest - 1) == ()


def days(path: Path, count: int) -> Iterator[float]:
    """Record days in one run each, a moment every 20 s for twenty minutes; the time then."""
    fleet = SimulatedFleet(2)
    for day in range(count):
        fleet.clock.move(START + day * DAY - fleet.clock.now())
        with closing(Writer(path)) as writer:
            record(writer, fleet, 1200, 20)
        yield fleet.clock.now()


def test_eight_days_leave_seven(path: Path) -> None:
    bounds = Bounds(keep=7 * DAY, size=512 * MIB)
    for now in days(path, 9):
        with closing(Writer(path)) as writer:
            Upkeep(writer, bounds).finish(now)
    kept = moments(path)
    assert now - kept[0] <= 7 * DAY + TIERS[0].block
    assert now - kept[0] > 6 * DAY
    for day in range(2, 7):
        assert_one_each(60.0, [at for at in kept if at // DAY == START // DAY + day])


def test_the_file_stays_within_its_size_and_the_oldest_goes(path: Path) -> None:
    size = 4 * MIB
    bounds = Bounds(keep=30 * DAY, size=size, tiers=())
    fleet = SimulatedFleet(6, padding=5000)
    largest = 0
    with closing(Writer(path)) as writer:
        upkeep = Upkeep(writer, bounds)
        for number in range(900):
            if number % 4 == 0:
                fleet.store.hosts.retain(())  # what comes and goes makes the file larger
            writer.write(fleet.tick(3))
            upkeep.step(fleet.clock.now())
            largest = max(largest, size_of(path))
    kept = moments(path)
    assert kept[0] > START + 600, "the oldest was cut off"
    assert kept[-1] == fleet.clock.now()
    assert largest <= size
    assert len(kept) > 100


def test_what_grows_too_large_is_thinned_before_it_is_old(path: Path) -> None:
    fleet = SimulatedFleet(4, padding=2000)
    with closing(Writer(path)) as writer:
        shown = record(writer, fleet, 3000, 3)
        query = "SELECT sum(length(data)) FROM segments"
        (whole,) = writer.connection.execute(query).fetchone()
        now = fleet.clock.now()
        tiers = (Tier(DAY, 60.0, 900.0, 0.5), Tier(DAY, 15.0, 300.0, 0.25))
        Upkeep(writer, Bounds(30 * DAY, 2 * whole, tiers)).finish(now)
    kept = moments(path)
    assert kept[0] == shown[0].taken_at, "nothing was cut off"
    assert kept[-1] == now
    young = [at for at in kept if at > now - 600]
    assert len(young) == 200, "the youngest is whole"
    assert_one_each(15.0, [at for at in kept if at < START + 600])


def test_a_smaller_size_shrinks_the_file(path: Path) -> None:
    fleet = SimulatedFleet(6, padding=5000)
    with closing(Writer(path)) as writer:
        record(writer, fleet, 1200, 3)
    assert size_of(path) > 2 * MIB
    with closing(Writer(path)) as writer:
        Upkeep(writer, Bounds(30 * DAY, 3 * MIB // 2, ())).finish(fleet.clock.now())
        assert size_of(path) <= 3 * MIB // 2
    assert moments(path)[-1] == fleet.clock.now()


def test_what_is_recorded_now_stays_however_small_the_size(path: Path) -> None:
    fleet = SimulatedFleet(2)
    with closing(Writer(path)) as writer:
        shown = record(writer, fleet, 50)
        Upkeep(writer, Bounds(30 * DAY, 1000, ())).finish(fleet.clock.now())
    assert moments(path)[-1] == shown[-1].taken_at


def test_runs_of_another_layout_are_thinned_apart(path: Path) -> None:
    fleet = SimulatedFleet(1)
    with closing(Writer(path)) as writer:
        record(writer, fleet, 600, 5)
        writer.connection.execute(
            "INSERT INTO layouts (id, fields)"
            " SELECT 9, replace(fields, 'request_rate', 'x') FROM layouts"
        )
        half = "start > (SELECT avg(start) FROM segments)"
        writer.connection.execute(f"UPDATE segments SET layout = 9 WHERE {half}")
        Upkeep(writer, Bounds(30 * DAY, 500 * MIB, QUICK)).finish(fleet.clock.now() + DAY)
        layouts = writer.connection.execute("SELECT DISTINCT layout FROM segments").fetchall()
    assert len(layouts) == 2
    with closing(Archive(path)) as archive:
        span = archive.span()
        assert span is not None
        last = archive.at(span.end)
    assert last is not None
    assert last.services
    assert all(service.request_rate is None for service in last.services)


def test_a_damaged_run_is_told_as_damage(path: Path) -> None:
    fleet = SimulatedFleet(1)
    with closing(Writer(path)) as writer:
        record(writer, fleet, 600, 5)
        writer.connection.execute("UPDATE segments SET data = x'00ff' WHERE data IS NOT NULL")
        upkeep = Upkeep(writer, replace(Bounds(30 * DAY, 500 * MIB), tiers=QUICK))
        with pytest.raises(StateError, match="it is set aside") as raised:
            upkeep.finish(fleet.clock.now() + DAY)
        assert getattr(raised.value, "damaged", False)
