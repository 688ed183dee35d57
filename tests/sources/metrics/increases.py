"""What a counter went up by, calculated from all its samples at once."""

from itertools import pairwise

from opsconsole.sources.metrics.rates import increase


def increase_of(samples: list[tuple[float, float]], start: float, end: float) -> float | None:
    """``increase`` of a counter's ``samples``, pairs of time and value within the range."""
    if len(samples) < 2:
        return None
    seen = samples[-1][1] - samples[0][1]
    for (_, before), (_, value) in pairwise(samples):
        if value < before:
            seen += before
    return increase(
        start=start,
        end=end,
        first_at=samples[0][0],
        last_at=samples[-1][0],
        count=len(samples),
        first=samples[0][1],
        seen=seen,
    )
