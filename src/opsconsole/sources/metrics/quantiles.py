"""Quantiles of a classic histogram, as Prometheus calculates them.

Invariant: pure; the same buckets give the figure that Prometheus' ``histogram_quantile`` gives,
and None where that gives NaN. A larger share never gives a smaller quantile.

Source of the rules: ``bucketQuantile`` in Prometheus' ``promql/quantile.go``. Observations lie
evenly in their bucket; the lowest bucket begins at 0 unless its bound is not above 0; a quantile
beyond the last finite bound is that bound; without a ``+Inf`` bucket, with fewer than two
buckets, or with no observation there is none.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import Final

PRECISION: Final = 1e-12
"""Differences of this share between two counts come from floating point, not from the target."""


def bucket_quantiles(
    shares: Sequence[float], buckets: Iterable[tuple[float, float]]
) -> list[float | None]:
    """The quantile of each share (0 to 1) of ``buckets``: upper bounds with cumulative counts.

    Counts may be rates. Buckets of the same bound are added up; their order means nothing.
    """
    bounds, counts = _cumulative(buckets)
    if len(bounds) < 2 or bounds[-1] != math.inf or not counts[-1] > 0:
        return [None] * len(shares)
    return [_quantile(share, bounds, counts) for share in shares]


def _quantile(share: float, bounds: list[float], counts: list[float]) -> float | None:
    rank = share * counts[-1]
    at = bisect_left(counts, rank, hi=len(counts) - 1)
    if at == len(bounds) - 1:
        return bounds[-2]
    if at == 0 and bounds[0] <= 0:
        return bounds[0]
    low, below = (bounds[at - 1], counts[at - 1]) if at else (0.0, 0.0)
    within = counts[at] - below
    if not within:
        return None
    return low + (bounds[at] - low) * (rank - below) / within


def _cumulative(buckets: Iterable[tuple[float, float]]) -> tuple[list[float], list[float]]:
    """Bounds in order, and counts that never go down."""
    summed: dict[float, float] = {}
    for bound, count in buckets:
        if not (math.isnan(bound) or math.isnan(count)):
            summed[bound] = summed.get(bound, 0.0) + count
    bounds = sorted(summed)
    counts: list[float] = []
    highest = 0.0
    for bound in bounds:
        count = summed[bound]
        if count - highest > PRECISION * count:
            highest = count
        counts.append(highest)
    return bounds, counts


def bucket_share(bound: float, buckets: Iterable[tuple[float, float]]) -> tuple[float, float]:
    """How many of the observations of ``buckets`` are at most ``bound``, and how many there are.

    Within a bucket they lie evenly, so that this is the inverse of ``bucket_quantiles``. Those
    beyond the last finite bound count as larger, whatever ``bound`` is. Zeros where it is unknown.
    """
    bounds, counts = _cumulative(buckets)
    if len(bounds) < 2 or bounds[-1] != math.inf or not counts[-1] > 0:
        return 0.0, 0.0
    at = bisect_left(bounds, bound, hi=len(bounds) - 1)
    if at == len(bounds) - 1 or (at == 0 and bounds[0] <= 0):
        # Above the last finite bound, or below a lowest bucket that has no lower border.
        return counts[at - 1] if at else counts[0] * (bound >= bounds[0]), counts[-1]
    low, below = (bounds[at - 1], counts[at - 1]) if at else (0.0, 0.0)
    within = (max(bound, low) - low) / (bounds[at] - low)
    return below + (counts[at] - below) * within, counts[-1]
