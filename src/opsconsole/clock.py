"""One clock for the whole console: steady Unix seconds for every age, the wall for display.

Invariant: ``now()`` never steps. It starts at the wall's time and advances with
``CLOCK_BOOTTIME``, so an NTP step, a suspended laptop or an operator's ``date -s`` neither
makes a reading look fresh nor makes a countdown end early. ``skew()`` says by how much the
wall has moved away since; more than two seconds is worth a banner.
"""

import asyncio
import time
from typing import Protocol

_ELAPSED = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Clock(Protocol):
    """What the engine, the judges and the screens ask the time of."""

    def now(self) -> float:
        """Steady Unix seconds; the only time that enters the model."""
        ...

    def wall(self) -> float:
        """The machine's idea of Unix time, which may step."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after ``seconds``; at once when not positive."""
        ...


class SystemClock:
    """The real clock, anchored when it is made."""

    def __init__(self) -> None:
        self._offset = time.time() - time.clock_gettime(_ELAPSED)

    def now(self) -> float:
        """Steady Unix seconds, counting time spent suspended."""
        return time.clock_gettime(_ELAPSED) + self._offset

    def wall(self) -> float:
        """Unix seconds as the machine believes them at this moment."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Sleep on the running event loop."""
        await asyncio.sleep(max(0.0, seconds))


def skew(clock: Clock) -> float:
    """Seconds by which the wall has stepped since the clock was anchored."""
    return clock.wall() - clock.now()
