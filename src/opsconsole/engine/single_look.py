"""One look at everything, for commands that print and exit."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from opsconsole.clock import Clock
from opsconsole.engine.schedule import internal_fault
from opsconsole.model.observations import Observation
from opsconsole.model.reading import Reading
from opsconsole.sources.base import AnySource

AT_ONCE: Final = 512


async def look_at_all(
    sources: Sequence[AnySource],
    clock: Clock,
    deliver: Callable[[Reading[Observation]], object],
    within: float,
) -> None:
    """Deliver one reading of each source; those that do not answer ``within`` seconds are left
    out."""
    room = asyncio.Semaphore(AT_ONCE)

    async def look(source: AnySource) -> None:
        async with room:
            began = clock.now()
            try:
                reading = await source.collect()
            except Exception as error:  # noqa: BLE001 - the task boundary of one look
                now = clock.now()
                reading = Reading(source.id, now, now - began, fault=internal_fault(error))
            deliver(reading)

    with suppress(TimeoutError):
        async with asyncio.timeout(within):
            await asyncio.gather(*(look(source) for source in sources))
