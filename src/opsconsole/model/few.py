"""Quantiles of few measurements.

Invariant: pure. Among 1/(1 − q) measurements one may be beyond their quantile q; of fewer a
single one would decide what it is.
"""

import math
from typing import Final

_ROUNDING: Final = 1e-9
_ONE: Final = 1.5
"""Between one measurement and two: counts that are estimated from rates are not whole."""


def enough(share: float) -> int:
    """How many measurements it takes until one alone decides nothing of the quantile ``share``."""
    return math.ceil(1 / (1 - share) - _ROUNDING)


def without_highest(share: float, counted: float) -> float | None:
    """The quantile of ``counted`` measurements that is ``share`` of them without the highest.

    None where that many were counted that the highest makes no difference.
    """
    if counted >= enough(share):
        return None
    return max(0.0, min(share, 1 - _ONE / counted)) if counted > 0 else 0.0
