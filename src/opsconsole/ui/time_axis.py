"""The time span of charts and lines of history.

Invariant: one axis for all of them, so that they can be compared; it only grows, in whole steps,
up to the console's window, so that nothing jitters and the first minutes can be read.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from math import ceil, inf
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from opsconsole.model.series import Trace
    from opsconsole.model.snapshot import Snapshot

_STEPS: Final = (60.0, 120.0, 300.0, 900.0, 1800.0, 3600.0, 10800.0, 21600.0, 43200.0, 86400.0)
_LOOKED_AT: Final = 50
"""Number of services whose history is checked: all are looked at from the beginning."""

_CHECKS: Final = 60
"""How often at most it is checked within the time that the axis spans."""


class TimeAxis:
    """Seconds from the left end to now; ``longest`` is the console's window, ``seen`` how many
    of them there are figures of."""

    def __init__(self, longest: float) -> None:
        self._longest = longest
        self._checked_at = -inf
        self._since = inf
        self.seen = 0.0
        self.window = min(_STEPS[0], longest)

    @property
    def grows(self) -> bool:
        """Whether it is shorter than the console's window yet."""
        return self.window < self._longest

    def grow(self, snapshot: Snapshot, now: float) -> None:
        """Extend the axis to the oldest figure in ``snapshot``."""
        if self.window >= self._longest or abs(now - self._checked_at) < self.window / _CHECKS:
            return
        self._checked_at = now
        first = _oldest_before(min(self._since, now), snapshot)
        if first is not None:
            self._since = first
        if self._since < now:
            self.seen = now - self._since
        beyond = _oldest_before(now - self.window, snapshot)
        if beyond is not None:
            self.window = max(self.window, fitted(now - beyond, self._longest))


def fitted(age: float, longest: float) -> float:
    """The smallest step that covers ``age`` seconds, at most ``longest``."""
    return next((step for step in _STEPS if age <= step < longest), longest)


def _oldest_before(moment: float, snapshot: Snapshot) -> float | None:
    """When the first figure was seen; None if none was before ``moment``."""
    return oldest(
        trace
        for each in islice(snapshot.services, _LOOKED_AT)
        if (trace := each.latency.trace) is not None and _reaches_beyond(trace, moment)
    )


def oldest(traces: Iterable[Trace]) -> float | None:
    """When the first figure of any trace was seen."""
    return min((at for at in map(_first, traces) if at is not None), default=None)


def _reaches_beyond(trace: Trace, moment: float) -> bool:
    """Whether anything was seen before ``moment``."""
    before = trace.values[: max(0, ceil((moment - trace.start) / trace.step))]
    return before.count(None) < len(before)


def _first(trace: Trace) -> float | None:
    for index, value in enumerate(trace.values):
        if value is not None:
            return trace.start + trace.step * index
    return None
