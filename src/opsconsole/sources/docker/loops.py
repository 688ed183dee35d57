"""Containers that end by themselves again and again, and run in between.

Invariant: an end counts that nobody ordered and that was heard of, or read from the engine's count
of restarts; what is remembered is bounded. A container is in a loop from its second such end within
``CLOSE`` seconds on, until it has run for longer than it did between its ends.
"""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Final

from opsconsole.sources.docker.containers import Inspected

CLOSE: Final = 120.0
"""The most seconds from one end to the next, on average: an engine waits for up to a minute."""

LEAST_CALM: Final = 60.0
"""Seconds that a container has to run, at least, until it is believed."""

CALM: Final = 3.0
"""It has to run for this many times as long as between its ends."""

_KEPT: Final = 8
_REMEMBERED: Final = 20_000
_SAME: Final = 0.2
"""Seconds by which the engine dates one end differently in its events and in an inspection."""


class Loops:
    """The latest ends of each container, by its id. Times are on the steady clock."""

    def __init__(self) -> None:
        self._ends: OrderedDict[str, list[float]] = OrderedDict()
        self._restarts: dict[str, int] = {}

    def heard_end(self, container_id: str, at: float) -> None:
        """Note an end that nobody ordered."""
        ends = self._ends.setdefault(container_id, [])
        if not any(abs(at - each) <= _SAME for each in ends):
            ends.append(at)
            ends.sort()
            del ends[:-_KEPT]
        self._ends.move_to_end(container_id)
        while len(self._ends) > _REMEMBERED:
            self._restarts.pop(self._ends.popitem(last=False)[0], None)

    def read(self, facts: Mapping[str, Inspected | None], skew: float) -> None:
        """Take in inspections: ends of which the stream did not report are counted there."""
        for container_id, found in facts.items():
            if found is None or found.restarts is None or found.finished_at is None:
                continue
            before = self._restarts.get(container_id)
            self._restarts[container_id] = found.restarts
            last = found.finished_at - skew
            if before is not None and found.restarts > before:
                self.heard_end(container_id, last)
            elif before is None and found.restarts > 1 and found.created_at is not None:
                # Before anybody looked: as many ends since it was made, the last one now known.
                gap = (found.finished_at - found.created_at) / found.restarts
                self.heard_end(container_id, last - gap)
                self.heard_end(container_id, last)

    def of(self, container_id: str, now: float) -> int:
        """How many ends the present loop has so far; 0 where there is none."""
        ends = self._ends.get(container_id, [])
        count = 1
        while count < len(ends) and ends[-count] - ends[-count - 1] <= CLOSE:
            count += 1
        if count < 2:
            return 0
        gap = (ends[-1] - ends[-count]) / (count - 1)
        return count if now - ends[-1] <= max(LEAST_CALM, CALM * gap) else 0
