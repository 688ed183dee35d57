"""How fast a counter goes up, as Prometheus calculates it.

Invariant: pure; the same samples give the figure that Prometheus' ``rate`` and ``increase`` give.

Source of the formula: ``extrapolatedRate`` in Prometheus' ``promql/functions.go``. What was seen
between the first and the last sample is stretched to the borders of the range: all the way where
a border is nearer than 1.1 times the mean distance of samples, else by half that distance, since
the series is then taken to begin or end within the range; and never to before the moment at
which the counter would have been zero. (Releases from before March 2024 applied these two limits
in the other order, which differs for series that begin within the range.)
"""

from typing import Final

NEAR: Final = 1.1
"""Mean distances of samples within which a border counts as near."""


def increase(
    *,
    start: float,
    end: float,
    first_at: float,
    last_at: float,
    count: int,
    first: float,
    seen: float,
) -> float | None:
    """By how much a counter went up between ``start`` and ``end``; None for fewer than 2 samples.

    ``first`` is the value of the first of ``count`` samples, and ``seen`` what was added from it
    to the last one, with what resets took away put back. Times are in seconds.
    """
    between = last_at - first_at
    if count < 2 or between <= 0:
        return None
    distance = between / (count - 1)
    before = _stretch(first_at - start, distance)
    if seen > 0 and first >= 0:
        before = min(before, between * first / seen)
    after = _stretch(end - last_at, distance)
    return seen * (between + before + after) / between


def _stretch(gap: float, distance: float) -> float:
    return gap if gap < NEAR * distance else distance / 2
