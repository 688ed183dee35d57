"""How close a figure is to its target, and its trend. Pure.

Invariant: closeness is below 1 while the objective is met and above it while it is missed; a trend
needs figures at both ends of the trace.
"""

from collections.abc import Sequence
from typing import Final

from opsconsole.model.series import Trace
from opsconsole.model.written.expressions import Comparison

STEADY_WITHIN: Final = 0.05
"""A change below this share of the figure is no trend."""

_LEAST: Final = 3
"""Slots that must have been seen in each third."""


def closeness(expression: Comparison, actual: float | None) -> float | None:
    """``actual`` divided by the target where less is better, the reverse where more is better."""
    target = expression.threshold
    if actual is None or actual < 0 or target < 0 or expression.operator in {"==", "!="}:
        return None
    above, below = (actual, target) if expression.operator[0] == "<" else (target, actual)
    return above / below if below else None


def trend(trace: Trace | None) -> str:
    """rising, falling or steady, by the mean of its last third compared with that of its first."""
    if trace is None:
        return ""
    third = len(trace.values) // 3
    first, last = _mean(trace.values[:third]), _mean(trace.values[-third:] if third else ())
    if first is None or last is None:
        return ""
    if abs(last - first) <= STEADY_WITHIN * max(abs(first), abs(last)):
        return "steady"
    return "rising" if last > first else "falling"


def _mean(values: Sequence[float | None]) -> float | None:
    seen = [value for value in values if value is not None]
    return sum(seen) / len(seen) if len(seen) >= _LEAST else None
