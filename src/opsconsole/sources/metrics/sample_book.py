"""An hour of samples of one target, and what rates they give.

Invariant: bounded by ``keep`` seconds and ``series_limit`` series; the rate over a window is the
one that Prometheus gives for the same samples, resets of counters taken into account. Samples of
one scrape share their time, so that a series costs eight bytes a sample.
"""

import math
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import field
from typing import Final, TypeAlias

from opsconsole.dataclass import dataclass
from opsconsole.sources.metrics.exposition import Exposed
from opsconsole.sources.metrics.rates import increase

KEEP: Final = 3600.0
"""Seconds for which samples are kept at least."""

SERIES_LIMIT: Final = 5000
LOOKBACK: Final = 300.0
"""Seconds for which the last value of a gauge counts, Prometheus' ``lookback-delta``."""

_SLACK: Final = 1.1

Labels: TypeAlias = tuple[tuple[str, str], ...]


@dataclass(slots=True, eq=False)
class _Series:
    """Values at the book's times, NaN where there was none.

    ``resets`` holds the time of each reset and the value that was lost by it. ``gap_at`` is the
    latest of the book's times without a value.
    """

    labels: Labels
    values: "array[float]"
    gap_at: float
    seen_at: float
    last: float = math.nan
    resets: list[tuple[float, float]] = field(default_factory=list)


class SampleBook:
    """The samples of one target. Times are steady Unix seconds, and only go up."""

    def __init__(self, *, keep: float = KEEP, series_limit: int = SERIES_LIMIT) -> None:
        self._keep = max(keep, KEEP)
        self._series_limit = series_limit
        self._times: array[float] = array("d")
        self._series: dict[str, dict[Labels, _Series]] = {}
        self._count = 0
        self._full_at = -math.inf
        self._answers = False

    @property
    def size(self) -> int:
        """How many series are kept."""
        return self._count

    def add(self, at: float, samples: Iterable[Exposed]) -> bool:
        """Take in one scrape. False when it has too many series; those beyond are left out."""
        if self._times and at <= self._times[-1]:
            return True
        previous = self._times[-1] if self._times else -math.inf
        self._times.append(at)
        self._answers = True
        fits = True
        for sample in samples:
            fits = self._put(at, previous, sample) and fits
        for series in self._all():
            if series.seen_at < at:
                series.values.append(math.nan)
                series.gap_at = at
        self._trim(at - self._keep)
        return fits

    def failed(self) -> None:
        """The latest scrape gave nothing: gauges have no present value."""
        self._answers = False

    def rates(self, name: str, window: float, now: float) -> Iterator[tuple[Labels, float]]:
        """What each series of ``name`` gained a second over ``window`` seconds until ``now``."""
        start = now - window
        low, high = bisect_right(self._times, start), bisect_right(self._times, now)
        if high - low < 2:
            return
        for series in self._series.get(name, {}).values():
            gained = self._increase(series, low, high, start, now)
            if gained is not None:
                yield series.labels, gained / window

    def latest(self, name: str, now: float) -> Iterator[tuple[Labels, float]]:
        """The present value of each series of ``name``; none when the latest scrape failed."""
        if not self._answers or not self._times or now - self._times[-1] > LOOKBACK:
            return
        for series in self._series.get(name, {}).values():
            if series.seen_at == self._times[-1]:
                yield series.labels, series.values[-1]

    @property
    def last_span(self) -> float:
        """Seconds between the last two scrapes; 0 before the second."""
        return self._times[-1] - self._times[-2] if len(self._times) > 1 else 0.0

    def gained(self, name: str) -> Iterator[tuple[Labels, float]]:
        """What each series of ``name`` that both of the last two scrapes had gained between them.

        A counter that was reset gained what it has come to since.
        """
        if len(self._times) < 2:
            return
        for series in self._series.get(name, {}).values():
            before, after = series.values[-2], series.values[-1]
            if not (math.isnan(before) or math.isnan(after)):
                yield series.labels, after - before if after >= before else after

    def _increase(
        self, series: _Series, low: int, high: int, start: float, end: float
    ) -> float | None:
        times, values, count = self._times, series.values, high - low
        if series.gap_at >= times[low]:
            present = [at for at in range(low, high) if not math.isnan(values[at])]
            if len(present) < 2:
                return None
            low, high, count = present[0], present[-1] + 1, len(present)
        first_at, last_at = times[low], times[high - 1]
        seen = values[high - 1] - values[low]
        if series.resets:
            after = bisect_right(series.resets, (first_at, math.inf))
            until = bisect_right(series.resets, (last_at, math.inf))
            seen += math.fsum(lost for _, lost in series.resets[after:until])
        return increase(
            start=start,
            end=end,
            first_at=first_at,
            last_at=last_at,
            count=count,
            first=values[low],
            seen=seen,
        )

    def _put(self, at: float, previous: float, sample: Exposed) -> bool:
        series = self._series.get(sample.name, {}).get(sample.labels)
        if series is None:
            if not self._has_room(at, previous):
                return False
            absent = array("d", [math.nan]) * (len(self._times) - 1)
            series = _Series(sample.labels, absent, previous, at)
            self._series.setdefault(sample.name, {})[sample.labels] = series
            self._count += 1
        elif series.seen_at == at:
            # The target gives one series twice; the first counts.
            return True
        value = sample.value
        if value < series.last:
            series.resets.append((at, series.last))
        series.values.append(value)
        series.seen_at = at
        if math.isnan(value):
            series.gap_at = at
        else:
            series.last = value
        return True

    def _has_room(self, at: float, previous: float) -> bool:
        """Whether one more series fits, once those are dropped that the last scrape did not have.

        What is dropped is looked for once in a scrape, however many series do not fit.
        """
        if self._count < self._series_limit:
            return True
        if self._full_at == at:
            return False
        self._full_at = at
        self._drop_unseen(previous)
        return self._count < self._series_limit

    def _trim(self, before: float) -> None:
        """Drop samples older than ``before``, a tenth at a time."""
        if not self._times or self._times[0] > before - (_SLACK - 1) * self._keep:
            return
        old = bisect_left(self._times, before)
        del self._times[:old]
        for series in self._all():
            del series.values[:old]
            kept = bisect_left(series.resets, (before, -math.inf))
            del series.resets[:kept]
        self._drop_unseen(before)

    def _drop_unseen(self, since: float) -> None:
        for name, named in self._series.items():
            kept = {labels: each for labels, each in named.items() if each.seen_at >= since}
            if len(kept) < len(named):
                self._count -= len(named) - len(kept)
                self._series[name] = kept

    def _all(self) -> Iterator[_Series]:
        for named in self._series.values():
            yield from named.values()
