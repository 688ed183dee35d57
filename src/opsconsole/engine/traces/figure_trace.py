"""One figure over time, stored compactly.

Invariant: a slot holds the last figure that was read in it, or None if no figure was read or known.
Eight bytes a slot.
"""

from array import array
from math import isnan, nan

from opsconsole.engine.traces.past_values import past_values
from opsconsole.model.series import Trace


class FigureTrace:
    """The last ``slots`` × ``step`` seconds of a figure."""

    def __init__(self, slots: int, step: float) -> None:
        self._step = step
        self._values = array("d", [nan] * slots)
        self._slot: int | None = None
        self._shown: tuple[float | None, ...] = ()

    def add(self, at: float, value: float | None) -> None:
        """Take in a figure; one that is late by a slot replaces the open one."""
        self._advance(at)
        if value is not None:
            self._values[-1] = value

    def fill(self, trace: Trace, now: float) -> None:
        """Fill empty slots with past figures that another reader recorded."""
        self._advance(now)
        assert self._slot is not None, "advance sets it"
        first = self._slot - len(self._values) + 1
        for slot, value in past_values(trace, self._step, first, self._slot):
            if isnan(self._values[slot - first]):
                self._values[slot - first] = value
        self._shown = ()

    def view(self, now: float) -> Trace:
        """All slots, oldest first; the latest may still change."""
        self._advance(now)
        assert self._slot is not None, "advance sets it"
        start = (self._slot - len(self._values) + 1) * self._step
        if self._shown:
            self._shown = (*self._shown[:-1], _figure(self._values[-1]))
        else:
            self._shown = tuple(map(_figure, self._values))
        return Trace(start, self._step, self._shown)

    def _advance(self, now: float) -> None:
        slot = int(now // self._step)
        if self._slot is None:
            self._slot = slot
        steps = min(slot - self._slot, len(self._values))
        if steps > 0:
            if self._shown:
                closed = (*self._shown[:-1], _figure(self._values[-1]))
                self._shown = (*closed[steps:], *[None] * steps)
            del self._values[:steps]
            self._values.extend([nan] * steps)
            self._slot = slot


def _figure(value: float) -> float | None:
    return None if isnan(value) else value
