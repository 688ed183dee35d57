"""One look at everything, for commands that print and exit.

Invariant: looks are begun at the pace of the schedule, a few milliseconds apart, so that none of
them waits for the others and none is answered later because of them. Where that would take long,
because there are very many, they are begun closer together.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from opsconsole.clock import Clock
from opsconsole.engine.schedule import PACE, internal_fault
from opsconsole.model.observations import Observation
from opsconsole.model.reading import Reading, blurred
from opsconsole.sources.base import AnySource

AT_ONCE: Final = 512

BEGUN_WITHIN: Final = 2.0
"""Seconds in which all looks are begun; somebody waits for them."""


async def look_at_all(
    sources: Sequence[AnySource],
    clock: Clock,
    deliver: Callable[[Reading[Observation]], object],
    within: float,
) -> None:
    """Deliver one reading of each source; those that do not answer ``within`` seconds are left
    out."""
    room = asyncio.Semaphore(AT_ONCE)
    lag = 0.0
    pace = max(PACE, len(sources) / BEGUN_WITHIN)

    async def look(turn: int, source: AnySource) -> None:
        nonlocal lag
        due = started + turn / pace
        await clock.sleep(due - clock.now())
        lag = max(clock.now() - due, lag * 0.9)
        async with room:
            began = clock.now()
            try:
                reading = await source.collect()
            except Exception as error:  # noqa: BLE001 - the task boundary of one look
                now = clock.now()
                reading = Reading(source.id, now, now - began, fault=internal_fault(error))
            deliver(blurred(reading, lag))

    started = clock.now()
    with suppress(TimeoutError):
        async with asyncio.timeout(within):
            await asyncio.gather(*(look(turn, source) for turn, source in enumerate(sources)))
