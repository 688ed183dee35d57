"""How often series have samples, as their times show.

Invariant: a pace is no shorter than the samples are apart: looks that are further apart than
samples give a longer one. Before two samples were seen it is ``ASSUMED``.
"""

from collections import deque
from dataclasses import replace
from typing import Final

from opsconsole.model.series import MetricValue

ASSUMED: Final = 60.0
"""Seconds; the scrape interval of a Prometheus whose configuration has none."""

_KEPT: Final = 3
# Times of one sample differ by the rounding of its age.
_SAME: Final = 0.2


class SamplePace:
    """The pace of the figures of one server."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, str], float] = {}
        self._gaps: dict[tuple[str, str], deque[float]] = {}

    def paced(self, metric: MetricValue) -> MetricValue:
        """``metric`` with the seconds between its samples."""
        if metric.at is None or metric.value is None:
            return metric
        key = metric.service, metric.name
        gap = metric.at - self._last.get(key, metric.at)
        if abs(gap) > _SAME or key not in self._last:
            self._last[key] = metric.at
        gaps = self._gaps.setdefault(key, deque(maxlen=_KEPT))
        if gap > _SAME:
            gaps.append(gap)
        # A pause is one long gap among others.
        return replace(metric, every=min(gaps, default=ASSUMED))
