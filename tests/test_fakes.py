"""The fake clock keeps the order that the real one would."""

import asyncio

from opsconsole.clock import Clock, skew
from tests.fakes import FakeClock


async def test_sleepers_wake_in_the_order_of_their_time_and_see_it() -> None:
    clock = FakeClock(1000.0)
    seen: list[tuple[str, float]] = []

    async def repeat(name: str, interval: float) -> None:
        while True:
            await clock.sleep(interval)
            seen.append((name, clock.now()))

    tasks = [asyncio.create_task(repeat("slow", 3.0)), asyncio.create_task(repeat("quick", 2.0))]
    await clock.advance(6.5)
    assert seen == [
        ("quick", 1002.0),
        ("slow", 1003.0),
        ("quick", 1004.0),
        ("slow", 1006.0),
        ("quick", 1006.0),
    ]
    assert clock.now() == 1006.5
    assert clock.sleeping == 2
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert clock.sleeping == 0


async def test_the_wall_steps_alone() -> None:
    clock: Clock = FakeClock(1000.0)
    assert isinstance(clock, FakeClock)
    clock.step(-30.0)
    clock.move(1.0)
    assert (clock.now(), clock.wall(), skew(clock)) == (1001.0, 971.0, -30.0)


async def test_no_time_to_sleep_returns_at_once() -> None:
    await asyncio.wait_for(FakeClock().sleep(0), timeout=1)
