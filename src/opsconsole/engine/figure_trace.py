"""One figure over time, in little room.

Invariant: a slot holds the last figure that was read in it; one in which none was read, or none
was known, is None. Eight bytes a slot.
"""

from array import array
from math import isnan, nan

from opsconsole.model.series import Trace


class FigureTrace:
    """The last ``slots`` × ``step`` seconds of a figure."""

    def __init__(self, slots: int, step: float) -> None:
        self._step = step
        self._values = array("d", [nan] * slots)
        self._slot: int | None = None

    def add(self, at: float, value: float | None) -> None:
        """Take in a figure; one that is late by a slot replaces the open one."""
        self._advance(at)
        if value is not None:
            self._values[-1] = value

    def view(self, now: float) -> Trace:
        """All slots, oldest first; the latest may still change."""
        self._advance(now)
        assert self._slot is not None, "advance sets it"
        start = (self._slot - len(self._values) + 1) * self._step
        return Trace(start, self._step, tuple(None if isnan(v) else v for v in self._values))

    def _advance(self, now: float) -> None:
        slot = int(now // self._step)
        if self._slot is None:
            self._slot = slot
        steps = min(slot - self._slot, len(self._values))
        if steps > 0:
            del self._values[:steps]
            self._values.extend([nan] * steps)
            self._slot = slot
