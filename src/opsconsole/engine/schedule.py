"""One schedule for everything that is looked at.

Invariant: every source is looked at again and again, at its own phase of its interval, with at most
one look per source and ``limit`` looks in all under way. A look that cannot begin on time is
skipped and counted, never queued. Nothing that a source does ends or delays the schedule of the
others.

The phase is a hash of the id, so that load is even and the same after a restart (as in Prometheus).
Looks due within one tick start together: fewer wake-ups halve the cost of a look. A few at a time
they do, so that answers are read in between, and no host is asked by all of them in one moment. On
the first round everything is looked at within a second, so that a screen fills; where that were
more than ``PACE`` looks a second, it takes longer.
"""

import asyncio
import heapq
import math
import random
import zlib
from collections.abc import Callable, Iterable
from dataclasses import field
from typing import Final

from opsconsole.clock import Clock
from opsconsole.dataclass import dataclass
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.observations import Observation
from opsconsole.model.reading import Reading, blurred
from opsconsole.model.source_id import SourceId, SourceKind
from opsconsole.sources.base import AnySource
from opsconsole.text import sanitize

TICK: Final = 0.05
"""Seconds between the moments at which looks begin."""

NAP: Final = 0.25
"""The longest sleep in seconds, so that a refresh and a gap in time are noticed soon."""

FIRST_ROUND: Final = 1.0
"""Seconds over which the first round is spread, at least."""

PACE: Final = 500.0
"""Looks a second that are begun at most where many are wanted at once."""

AT_ONCE: Final = 4
"""Looks that are begun before what has arrived is read."""

LONGEST_BACKOFF: Final = 4
"""The most intervals that an unreachable source is left alone."""

LONGEST_PAUSE: Final = 20.0
"""Seconds; backing off never extends a wait beyond this, or beyond the source's own interval."""

_WATCHED: Final = frozenset({SourceKind.PROBE, SourceKind.KUBERNETES})
"""What is not left alone while it is away: a look at a cluster is what finds that it is back."""

LEAST_GAP: Final = 5.0
"""Seconds without a tick up to which the machine was busy rather than suspended."""

HUNG_AFTER: Final = 60.0
"""Seconds after which a look that broke its own deadline is cancelled."""

# Part of a tick: Unix seconds in a float are exact to a quarter of a microsecond only.
_HAIR: Final = 1e-3

Deliver = Callable[[Reading[Observation], float], float | None]
"""Takes a reading and its delay behind schedule; returns seconds to the next look, or None."""


@dataclass(slots=True, eq=False)
class _Entry:
    """One source in the schedule. ``due`` is when its next look should begin.

    A patient source is a server that is queried rather than a target that is watched: it is left
    alone for longer when it fails. No source is looked at before ``rests_until``, even on request.
    """

    source: AnySource
    id: SourceId
    interval: float
    patient: bool
    phase: float
    due: float = 0.0
    turn: int = 0
    began: float = 0.0
    task: asyncio.Task[None] | None = None
    failures: int = 0
    rests_until: float = 0.0


@dataclass(slots=True)
class Counts:
    """Counts of the results of all looks so far."""

    looks: int = 0
    missed: int = 0
    deferred: int = 0
    errors: int = 0
    hung: int = 0
    gaps: int = 0
    missed_by_source: dict[SourceId, int] = field(default_factory=dict)


def fraction(source: SourceId) -> float:
    """A number in [0, 1) that is the same for ``source`` in every process."""
    return zlib.crc32(str(source).encode()) / 2**32


class Schedule:
    """Looks at ``sources`` until ``run`` is cancelled. Lives on one event loop."""

    def __init__(
        self,
        sources: Iterable[AnySource],
        clock: Clock,
        deliver: Deliver,
        *,
        on_gap: Callable[[float], None] = lambda gap: None,
        limit: int = 512,
        rng: random.Random | None = None,
    ) -> None:
        self.counts = Counts()
        self.lag = 0.0
        self._clock = clock
        self._deliver = deliver
        self._on_gap = on_gap
        self._limit = limit
        # Spreads retries; nothing secret depends on it.
        self._random = rng or random.Random()  # noqa: S311
        self._entries = {source.id: _new_entry(source) for source in sources}
        self._shortest = _shortest(self._entries.values())
        self._wheel: dict[int, list[tuple[_Entry, int]]] = {}
        self._ticks: list[int] = []
        self._flying = 0
        self._origin = clock.now()

    @property
    def longest_pause(self) -> float:
        """Seconds without a tick after which time was lost rather than the machine busy."""
        return max(LEAST_GAP, 2 * self._shortest)

    async def run(self) -> None:
        """Keep the schedule. Cancelled, it cancels the looks under way and waits for them."""
        self._origin = self._clock.now()
        self._wheel.clear()
        self._ticks.clear()
        self.refresh()
        try:
            while True:
                await self._nap()
                await self._begin_due()
        finally:
            await self._abandon()

    def refresh(self) -> None:
        """Look at everything soon, spread as the first round is, or over an interval where that is
        shorter."""
        now, spread = self._clock.now(), first_round(len(self._entries))
        for entry in self._entries.values():
            self._put(entry, now + fraction(entry.id) * min(entry.interval, spread))

    def replace(self, sources: Iterable[AnySource]) -> None:
        """Look at ``sources`` from now on; those already scheduled keep their turns.

        A look under way at a removed source is cancelled.
        """
        before, self._entries = self._entries, {}
        sources = tuple(sources)
        now, spread = self._clock.now(), first_round(len(sources))
        for source in sources:
            known = before.get(source.id)
            if known is not None and known.source is source:
                self._entries[source.id] = before.pop(source.id)
                continue
            entry = self._entries[source.id] = _new_entry(source)
            self._put(entry, now + fraction(entry.id) * min(entry.interval, spread))
        self._shortest = _shortest(self._entries.values())
        for gone in before.values():
            # Its turn in the wheel is void.
            gone.turn += 1
            if gone.task is not None:
                gone.task.cancel()

    def hurry(self, source: SourceId, delay: float = 0.0) -> None:
        """Look at ``source`` after ``delay`` seconds unless it is due before; unknown ones are
        ignored."""
        entry = self._entries.get(source)
        if entry is None:
            return
        due = self._clock.now() + delay
        if due < entry.due:
            self._put(entry, due)

    async def _nap(self) -> None:
        before = self._clock.now()
        wanted = before + NAP
        if self._ticks:
            wanted = min(wanted, self._origin + self._ticks[0] * TICK)
        await self._clock.sleep(wanted - before)
        late = self._clock.now() - max(wanted, before)
        # Decays over some ten wake-ups: one hiccup counts for a while, not for ever.
        self.lag = max(late, self.lag * 0.9) if late > 0 else self.lag * 0.9
        if late > self.longest_pause:
            self.counts.gaps += 1
            self._on_gap(late)
            self.refresh()

    async def _begin_due(self) -> None:
        now = self._clock.now()
        reached = math.floor((now - self._origin) / TICK + _HAIR)
        while self._ticks and self._ticks[0] <= reached:
            due = self._wheel.pop(heapq.heappop(self._ticks))
            for number, (entry, turn) in enumerate(due, start=1):
                if entry.turn == turn:
                    self._begin(entry, self._clock.now())
                if number % AT_ONCE == 0:
                    await asyncio.sleep(0)

    def _begin(self, entry: _Entry, now: float) -> None:
        if entry.task is not None:
            self._miss(entry, now)
        elif self._flying >= self._limit and now - entry.due < entry.interval:
            self.counts.deferred += 1
            self._put(entry, entry.due, at=now + TICK)
            return
        elif self._flying >= self._limit:
            self._miss(entry, now)
        else:
            late = max(0.0, now - entry.due)
            entry.began = now
            self._flying += 1
            entry.task = asyncio.get_running_loop().create_task(self._look(entry, late))
        self._put(entry, self._next_turn(entry, now))

    def _miss(self, entry: _Entry, now: float) -> None:
        self.counts.missed += 1
        by_source = self.counts.missed_by_source
        by_source[entry.id] = by_source.get(entry.id, 0) + 1
        if entry.task is not None and now - entry.began > max(HUNG_AFTER, 10 * entry.interval):
            self.counts.hung += 1
            entry.task.cancel()

    def _next_turn(self, entry: _Entry, now: float) -> float:
        """The next moment of the entry's phase that is at least half an interval away."""
        since = now - self._origin - entry.phase
        turns = int((since + 0.5 * entry.interval) // entry.interval) + 1
        return self._origin + entry.phase + turns * entry.interval

    def _put(self, entry: _Entry, due: float, at: float | None = None) -> None:
        """Give ``entry`` its next turn; its earlier turn in the wheel becomes void."""
        entry.due = due = max(due, entry.rests_until)
        entry.turn += 1
        when = due if at is None else at
        tick = max(0, math.ceil((when - self._origin) / TICK - _HAIR))
        bucket = self._wheel.get(tick)
        if bucket is None:
            self._wheel[tick] = bucket = []
            heapq.heappush(self._ticks, tick)
        bucket.append((entry, entry.turn))

    async def _look(self, entry: _Entry, late: float) -> None:
        try:
            reading = await entry.source.collect()
        except Exception as error:  # noqa: BLE001 - the task boundary: a programming error
            self.counts.errors += 1
            now = self._clock.now()
            reading = Reading(entry.id, now, now - entry.began, fault=internal_fault(error))
        finally:
            entry.task = None
            self._flying -= 1
        self.counts.looks += 1
        if reading.fault is not None and reading.fault.retry_after:
            entry.rests_until = self._clock.now() + reading.fault.retry_after
            self._put(entry, entry.due)
        again = self._deliver(blurred(reading, self.lag), late)
        if entry.patient:
            self._back_off(entry, failed=reading.fault is not None)
        elif again is not None:
            self.hurry(entry.id, again)

    def _back_off(self, entry: _Entry, *, failed: bool) -> None:
        entry.failures = entry.failures + 1 if failed else 0
        if entry.failures < 2:
            return
        times = min(LONGEST_BACKOFF, 2 ** (entry.failures - 1))
        spread = 1.0 + 0.1 * self._random.random()
        pause = min(times * entry.interval, max(entry.interval, LONGEST_PAUSE))
        self._put(entry, entry.began + pause * spread)

    async def _abandon(self) -> None:
        tasks = [entry.task for entry in self._entries.values() if entry.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _shortest(entries: Iterable[_Entry]) -> float:
    """The shortest interval; 0 without any entry."""
    return min((entry.interval for entry in entries), default=0.0)


def first_round(looks: int) -> float:
    """Seconds over which so many looks are spread that are all wanted now."""
    return max(FIRST_ROUND, looks / PACE)


def internal_fault(error: Exception) -> Fault:
    """The fault of a look that raised, which only a programming error does."""
    said = sanitize(f"{type(error).__name__}: {error}", limit=300)
    return Fault(FaultKind.INTERNAL, said, hint="please report this; the look goes on")


def _new_entry(source: AnySource) -> _Entry:
    interval = max(TICK, source.interval)
    patient = source.id.kind not in _WATCHED
    return _Entry(source, source.id, interval, patient, fraction(source.id) * interval)
