"""When things are looked at, on a clock that moves only when told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.engine.schedule import AT_ONCE, FIRST_ROUND, PACE, TICK, Schedule, fraction
from opsconsole.engine.single_look import BEGUN_WITHIN, look_at_all
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.health import HealthReport
from opsconsole.model.observations import Observation
from opsconsole.model.reading import Reading
from opsconsole.model.source_id import SourceId, SourceKind
from opsconsole.model.state import State
from tests.engine.conftest import REFUSED, MakeSource, ScriptedSource
from tests.fakes import FakeClock
from tests.named import named


@asynccontextmanager
async def running(schedule: Schedule) -> AsyncIterator[None]:
    task = asyncio.create_task(schedule.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def ignore(reading: Reading[Observation], lag: float) -> float | None:
    return None


async def test_the_first_round_is_done_within_a_second(
    clock: FakeClock, source: MakeSource
) -> None:
    sources = [source(named(f"probe:a/{n}:health"), 30.0) for n in range(200)]
    start = clock.now()
    async with running(Schedule(sources, clock, ignore)):
        await clock.advance(FIRST_ROUND + 2 * TICK)
        assert all(len(each.looked) == 1 for each in sources)
    first = [each.looked[0] - start for each in sources]
    assert max(first) <= FIRST_ROUND + TICK
    assert sum(offset < 0.5 for offset in first) in range(70, 130), "spread, not all at once"


async def test_a_large_fleet_is_not_looked_at_in_one_burst(
    clock: FakeClock, source: MakeSource
) -> None:
    count = round(4 * PACE)
    sources = [source(named(f"probe:a/{n}:health"), 30.0) for n in range(count)]
    start = clock.now()
    async with running(Schedule(sources, clock, ignore)):
        await clock.advance(6.0)
    first = [each.looked[0] - start for each in sources]
    in_each_second = [sum(int(offset) == second for offset in first) for second in range(5)]
    assert sum(in_each_second) == count, "everything was looked at"
    assert max(in_each_second) < 1.2 * PACE, in_each_second


async def test_answers_are_read_between_the_looks_of_one_tick(
    clock: FakeClock, source: MakeSource
) -> None:
    sources = [source(named(f"probe:a/{n}:health"), 30.0) for n in range(10 * AT_ONCE)]
    under_way = most = 0

    class Counting(ScriptedSource):
        async def collect(self) -> Reading[Observation]:
            nonlocal under_way, most
            under_way += 1
            most = max(most, under_way)
            # As long as an answer takes that is there at the loop's next turn.
            await asyncio.sleep(0)
            under_way -= 1
            return await super().collect()

    counting = [Counting(each.id, each.interval, clock) for each in sources]
    schedule = Schedule(counting, clock, ignore)
    async with running(schedule):
        await clock.advance(2.0)
        for each in counting:
            schedule.hurry(each.id)
        await clock.advance(2.0)
    assert all(len(each.looked) == 2 for each in counting)
    assert most <= 2 * AT_ONCE


async def test_a_single_look_is_spread_as_well(clock: FakeClock, source: MakeSource) -> None:
    sources = [source(named(f"probe:a/{n}:health"), 30.0) for n in range(100)]
    start = clock.now()
    task = asyncio.create_task(look_at_all(sources, clock, lambda reading: None, 30.0))
    await clock.advance(1.0)
    await task
    began = sorted(each.looked[0] - start for each in sources)
    assert all(after - before >= 0.9 / PACE for before, after in pairwise(began))


async def test_very_many_single_looks_are_all_begun_soon(
    clock: FakeClock, source: MakeSource
) -> None:
    sources = [source(named(f"probe:a/{n}:health"), 30.0) for n in range(int(4 * PACE))]
    start = clock.now()
    task = asyncio.create_task(look_at_all(sources, clock, lambda reading: None, 30.0))
    await clock.advance(BEGUN_WITHIN)
    await task
    assert max(each.looked[0] - start for each in sources) <= BEGUN_WITHIN


async def test_a_time_that_may_be_our_own_is_told_with_the_loops_lag(
    clock: FakeClock, source: MakeSource
) -> None:
    readings: list[Reading[Observation]] = []

    class Untimed(ScriptedSource):
        async def collect(self) -> Reading[Observation]:
            return replace(await super().collect(), blur=None)

    def keep(reading: Reading[Observation], lag: float) -> float | None:
        readings.append(reading)
        return None

    each = Untimed(named("probe:a/1:health"), 1.0, clock)
    schedule = Schedule([each], clock, keep)
    async with running(schedule):
        await clock.advance(3.0)
        assert readings[-1].blur == 0.0
        clock.move(1.5)
        await clock.advance(0.5)
        late = [each for each in readings if each.blur]
        assert late, "the loop was late by more than a second"
        assert not any(each.sharp for each in late)


async def test_the_load_of_every_second_is_even(clock: FakeClock, source: MakeSource) -> None:
    sources = [source(named(f"probe:a/{n}:health"), 5.0) for n in range(300)]
    start = clock.now()
    async with running(Schedule(sources, clock, ignore)):
        await clock.advance(15.0)
    second = [0] * 15
    for each in sources:
        for at in each.looked:
            second[min(14, int(at - start))] += 1
    assert all(35 <= count <= 90 for count in second[6:14]), second


async def test_each_is_looked_at_every_interval_at_its_own_phase(
    clock: FakeClock, source: MakeSource
) -> None:
    each = source(interval=5.0)
    async with running(Schedule([each], clock, ignore)):
        await clock.advance(60.0)
    gaps = [after - before for before, after in pairwise(each.looked)]
    assert 2.5 <= gaps[0] <= 7.5
    assert all(abs(gap - 5.0) <= TICK + 0.001 for gap in gaps[1:])


async def test_a_look_that_is_under_way_is_not_joined_by_another(
    clock: FakeClock, source: MakeSource
) -> None:
    slow = source(interval=1.0)
    slow.takes = 3.5
    schedule = Schedule([slow], clock, ignore)
    async with running(schedule):
        await clock.advance(12.0)
        assert slow.under_way <= 1
    assert all(after - before >= 3.5 for before, after in pairwise(slow.looked))
    assert schedule.counts.missed >= 6
    assert schedule.counts.missed_by_source == {slow.id: schedule.counts.missed}


async def test_no_more_than_the_limit_are_under_way(clock: FakeClock, source: MakeSource) -> None:
    sources = [source(named(f"probe:a/{n}:health"), 10.0) for n in range(40)]
    for each in sources:
        each.takes = 0.5
    schedule = Schedule(sources, clock, ignore, limit=8)
    most = 0
    async with running(schedule):
        for _ in range(100):
            await clock.advance(0.05)
            most = max(most, sum(each.under_way for each in sources))
    assert most == 8
    assert all(each.looked for each in sources), "what had to wait a tick is looked at all the same"
    assert schedule.counts.deferred > 0


async def test_a_source_that_raises_is_told_and_looked_at_again(
    clock: FakeClock, source: MakeSource
) -> None:
    broken, sound = source(named("probe:a/1:health"), 1.0), source(named("probe:a/2:health"), 1.0)
    broken.answer = RuntimeError("a defect")
    readings: list[Reading[Observation]] = []

    def keep(reading: Reading[Observation], lag: float) -> float | None:
        readings.append(reading)
        return None

    schedule = Schedule([broken, sound], clock, keep)
    async with running(schedule):
        await clock.advance(5.0)
    faults = [each.fault for each in readings if each.source == broken.id]
    assert len(faults) >= 4
    assert all(fault is not None and fault.kind is FaultKind.INTERNAL for fault in faults)
    assert schedule.counts.errors == len(faults)
    assert len(sound.looked) >= 4


async def test_a_sooner_look_is_taken_and_the_phase_kept(
    clock: FakeClock, source: MakeSource
) -> None:
    each = source(interval=10.0)
    async with running(Schedule([each], clock, lambda reading, lag: 1.0)):
        await clock.advance(5.5)
    assert len(each.looked) >= 4
    assert all(after - before <= 1.0 + 2 * TICK for before, after in pairwise(each.looked))


async def test_refresh_looks_at_everything_now(clock: FakeClock, source: MakeSource) -> None:
    sources = [source(named(f"probe:a/{n}:health"), 60.0) for n in range(5)]
    schedule = Schedule(sources, clock, ignore)
    async with running(schedule):
        await clock.advance(2.0)
        before = [len(each.looked) for each in sources]
        schedule.refresh()
        await clock.advance(FIRST_ROUND + 0.5)
    assert [len(each.looked) for each in sources] == [count + 1 for count in before]


async def test_a_place_that_cannot_be_reached_is_left_alone_longer_and_never_given_up(
    clock: FakeClock, source: MakeSource
) -> None:
    docker = source(named("docker:docker"), 5.0, REFUSED)
    async with running(Schedule([docker], clock, ignore)):
        await clock.advance(120.0)
        gaps = [after - before for before, after in pairwise(docker.looked)]
        assert max(gaps) <= 4 * 5.0 * 1.1 + 2 * TICK
        assert gaps[-1] >= 4 * 5.0
        docker.answer = HealthReport(State.OK, "here again")
        await clock.advance(23.0)
        docker.looked.clear()
        await clock.advance(21.0)
        assert len(docker.looked) >= 4, "once it answers the interval is its own again"


@pytest.mark.parametrize("name", ["probe:web/0", "kubernetes:bed"])
async def test_what_is_watched_is_not_left_alone(
    name: str, clock: FakeClock, source: MakeSource
) -> None:
    watched = source(named(name), 5.0, REFUSED)
    async with running(Schedule([watched], clock, ignore)):
        await clock.advance(60.0)
    assert len(watched.looked) >= 12


async def test_who_asks_to_be_left_alone_is(clock: FakeClock, source: MakeSource) -> None:
    """Nobody hurries it: not a delivery, not a refresh, not its own phase."""
    busy = Fault(FaultKind.OVERLOADED, "HTTP 429", status=429, retry_after=42.0)
    for probe in (source(answer=busy), source(named("docker:docker"), 5.0, busy)):
        schedule = Schedule([probe], clock, lambda reading, lag: 0.5)
        async with running(schedule):
            await clock.advance(10.0)
            schedule.hurry(probe.id)
            await clock.advance(5.0)
            schedule.refresh()
            await clock.advance(150.0)
            gaps = [after - before for before, after in pairwise(probe.looked)]
            assert len(gaps) >= 2
            assert all(42.0 <= gap <= 42.0 + 6.0 for gap in gaps), gaps
            probe.answer = HealthReport(State.OK, "rested")
            await clock.advance(45.0)
            probe.looked.clear()
            await clock.advance(21.0)
            assert len(probe.looked) >= 4


async def test_a_gap_in_time_is_told_and_everything_looked_at_anew(
    clock: FakeClock, source: MakeSource
) -> None:
    each = source(interval=5.0)
    gaps: list[float] = []
    schedule = Schedule([each], clock, ignore, on_gap=gaps.append)
    async with running(schedule):
        await clock.advance(3.0)
        each.looked.clear()
        clock.move(7200.0)
        await clock.advance(FIRST_ROUND + 1.0)
    assert len(gaps) == 1
    assert 7190 < gaps[0] <= 7200
    assert len(each.looked) >= 1


async def test_a_source_that_never_answers_is_cancelled_in_the_end(
    clock: FakeClock, source: MakeSource
) -> None:
    hung = source(interval=5.0)
    hung.takes = 1e9
    schedule = Schedule([hung], clock, ignore)
    async with running(schedule):
        await clock.advance(200.0)
    assert schedule.counts.hung >= 2
    assert len(hung.looked) >= 3


async def test_the_end_leaves_no_look_behind(clock: FakeClock, source: MakeSource) -> None:
    slow: ScriptedSource = source()
    slow.takes = 100.0
    before = asyncio.all_tasks()
    async with running(Schedule([slow], clock, ignore)):
        await clock.advance(2.0)
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before


@given(st.text(max_size=60))
def test_a_fraction_is_within_its_bounds_and_stable(name: str) -> None:
    probe = SourceId(SourceKind.PROBE, name)
    assert 0 <= fraction(probe) < 1
    assert fraction(probe) == fraction(SourceId(SourceKind.PROBE, name))


async def test_other_sources_take_over_and_those_that_stay_keep_their_turns(
    clock: FakeClock, source: MakeSource
) -> None:
    stays, goes, comes = (source(named(f"probe:a/{name}:health"), 5.0) for name in ("s", "g", "c"))
    slow = source(named("docker:docker"), 5.0)
    slow.takes = 1000.0
    schedule = Schedule([stays, goes, slow], clock, ignore)
    async with running(schedule):
        await clock.advance(12.0)
        assert slow.under_way == 1
        due, looked = stays.looked[-1] + 5.0, len(goes.looked)
        schedule.replace([stays, comes])
        await clock.advance(20.0)
        assert abs(next(at for at in stays.looked if at > due - 1.0) - due) <= TICK + 0.001
        assert len(goes.looked) == looked
        assert len(comes.looked) in {4, 5}
        assert slow.under_way == 0
