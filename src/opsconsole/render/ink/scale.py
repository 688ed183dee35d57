"""Axes that a person can read: a scale ends at 1, 2, 3 or 5 times a power of ten.

Invariant: a scale starts at zero and contains every given value; it grows in whole steps, so that
small changes of the data do not change it.
"""

import math
import sys
from typing import Final

_TIME_STEPS: Final = (
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400,
)  # fmt: skip


def nice_ceiling(value: float) -> float:
    """The least 1, 2, 3 or 5 times a power of ten that is not below ``value``; 1 for zero.

    Less than the smallest normal float counts as zero: its power of ten may be zero.
    """
    if not math.isfinite(value) or value < sys.float_info.min:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    for factor in (1, 2, 3, 5, 10):
        if value <= factor * power * (1 + 1e-9):
            return factor * power
    return 10 * power


def time_step(window: float, ticks: int) -> float:
    """Seconds between the ticks of a time axis so that at most ``ticks`` of them fit."""
    for step in _TIME_STEPS:
        if window / step <= ticks:
            return float(step)
    return 86400.0 * math.ceil(window / ticks / 86400)
