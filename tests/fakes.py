"""Stand-ins that several layers' tests share."""

import asyncio
import heapq
import itertools


class FakeClock:
    """A ``Clock`` that moves only when told, and wakes sleepers in the order of their time.

    ``advance`` is for code that sleeps in other tasks; ``step`` moves the wall alone, as an
    operator's ``date -s`` does.
    """

    def __init__(self, start: float = 1_700_000_000.0) -> None:
        self._now = start
        self._skew = 0.0
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> float:
        """Steady Unix seconds."""
        return self._now

    def wall(self) -> float:
        """Steady seconds plus every ``step``."""
        return self._now + self._skew

    async def sleep(self, seconds: float) -> None:
        """Return once ``advance`` or ``move`` has passed ``seconds`` from now."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + seconds, next(self._order), woken))
        await woken

    @property
    def sleeping(self) -> int:
        """How many tasks wait in ``sleep``."""
        return sum(not woken.done() for _, _, woken in self._sleepers)

    def move(self, seconds: float) -> None:
        """Move both times on at once, for code that does not sleep; the due are woken."""
        self._now += seconds
        while self._sleepers and self._sleepers[0][0] <= self._now:
            self._wake(heapq.heappop(self._sleepers)[2])

    def step(self, seconds: float) -> None:
        """Step the wall by ``seconds``, which may be negative."""
        self._skew += seconds

    async def advance(self, seconds: float) -> None:
        """Move on by ``seconds``, stopping at each sleeper's time to let its task run."""
        end = self._now + seconds
        await self._settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            when, _, woken = heapq.heappop(self._sleepers)
            self._now = when
            self._wake(woken)
            await self._settle()
        self._now = end

    @staticmethod
    def _wake(woken: asyncio.Future[None]) -> None:
        if not woken.done():
            woken.set_result(None)

    @staticmethod
    async def _settle() -> None:
        """Let every task that can run do so; a few turns cover tasks that start tasks."""
        for _ in range(20):
            await asyncio.sleep(0)
