"""Latencies of one service over a sliding window, stored compactly.

Invariant: a quantile is within 1 % of a value that was measured (relative), a slot in which nothing
was measured has none, and memory use is bounded by the samples of one window: two bytes each. The
cost of adding a sample is constant.

Values are kept as numbers of logarithmic buckets, each 2 % wide, as DDSketch does; quantiles are
by nearest rank.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from collections import deque
from collections.abc import Sequence
from itertools import accumulate
from typing import Final, TypeAlias

from opsconsole.engine.traces.past_values import past_values
from opsconsole.model.few import enough
from opsconsole.model.series import Latency, Trace

_LEAST: Final = 1e-5
_WIDTH: Final = math.log(1.02)
_BUCKETS: Final = 800
"""From 10 µs to 76 s; values outside go into the outermost bucket."""

_MOST: Final = _LEAST * math.exp(_WIDTH * (_BUCKETS - 1))

_VALUES: Final = (None, *(_LEAST * math.exp(_WIDTH * (n + 0.5)) for n in range(_BUCKETS)))
_MAY_BE_BEYOND: Final = 1
_QUANTILES: Final = (0.5, 0.95, 0.99)

Traces: TypeAlias = tuple[Trace | None, Trace | None, Trace | None]
"""The traces of p50, p95 and p99."""


def bucket_of(seconds: float) -> int:
    """The bucket, from 1, that ``seconds`` falls into."""
    if seconds <= _LEAST:
        return 1
    if seconds >= _MOST:
        return _BUCKETS
    return 1 + int(math.log(seconds / _LEAST) / _WIDTH)


def value_of(bucket: int) -> float | None:
    """The middle of a bucket in seconds; None for bucket 0, which means nothing seen."""
    return _VALUES[bucket]


def nearest_rank(ordered: Sequence[int], quantile: float) -> int:
    """The smallest of ``ordered`` that a share ``quantile`` of them do not exceed; 0 when empty."""
    if not ordered:
        return 0
    return ordered[max(0, math.ceil(quantile * len(ordered)) - 1)]


class LatencyWindow:
    """Quantiles of the last ``slots`` × ``step`` seconds, per slot and overall."""

    def __init__(self, slots: int, step: float) -> None:
        self._slots = slots
        self._step = step
        self._slot: int | None = None
        self._open = array("H")
        self._kept: deque[array[int]] = deque(maxlen=slots)
        self._counts = array("I", bytes(4 * (_BUCKETS + 1)))
        self._lowest = _BUCKETS
        self._highest = 1
        self._total = 0
        self._last: float | None = None
        empty = bytes(2 * slots)
        self._traces = tuple(array("H", empty) for _ in _QUANTILES)
        self._views: tuple[Trace, ...] = ()

    def add(self, at: float, seconds: float) -> None:
        """Take in one measurement; a late one counts into the open slot."""
        self.advance(at)
        bucket = bucket_of(seconds)
        self._open.append(bucket)
        self._counts[bucket] += 1
        self._lowest = min(self._lowest, bucket)
        self._highest = max(self._highest, bucket)
        self._total += 1
        self._last = seconds

    def advance(self, now: float) -> None:
        """Close the slots that ended before ``now`` and forget what left the window."""
        slot = int(now // self._step)
        if self._slot is None:
            self._slot = slot
        steps = slot - self._slot
        if steps <= 0:
            return
        for _ in range(min(steps, self._slots)):
            self._close()
        self._slot = slot

    def fill(self, traces: Traces, now: float) -> None:
        """Fill empty slots of the traces with past quantiles that were measured elsewhere; figures
        of the whole window still cover only what was measured here."""
        self.advance(now)
        assert self._slot is not None, "advance sets it"
        first = self._slot - self._slots + 1
        for kept, trace in zip(self._traces, traces, strict=True):
            for slot, value in past_values(trace, self._step, first, self._slot):
                if not kept[slot - first]:
                    kept[slot - first] = bucket_of(value)
        self._views = ()

    def view(self, now: float) -> Latency:
        """Latency as the model has it; the latest slot may still be filling.

        A trace in which nothing changed is the same object as before.
        """
        self.advance(now)
        self._fill_open()
        self._views = median, high, highest = self._trace_views()
        p50, p95, p99 = map(value_of, self._whole(_QUANTILES))
        return Latency(
            last=self._last,
            p50=p50,
            p95=p95,
            p99=p99,
            trace=high,
            trace_p50=median,
            trace_p99=highest,
        )

    def quantile(self, quantile: float) -> float | None:
        """``quantile`` (0 to 1) of the whole window in seconds; None when it is empty."""
        return value_of(self._whole((quantile,))[0])

    def too_few(self, quantile: float, limit: float) -> bool:
        """Whether too little was measured to say on which side of ``limit`` seconds ``quantile``
        is.

        Among 1/(1 − ``quantile``) measurements one may be beyond it; of fewer a single one would
        decide. It is decided once those that are missing can turn it no more.
        """
        missing = max(0, enough(quantile) - self._total)
        beyond = sum(self._counts[bucket_of(limit) + 1 : self._highest + 1])
        return missing > 0 and beyond <= _MAY_BE_BEYOND < beyond + missing

    def _whole(self, quantiles: Sequence[float]) -> list[int]:
        """The buckets of ``quantiles`` of the whole window."""
        if not self._total:
            return [0] * len(quantiles)
        up_to = list(accumulate(self._counts[self._lowest : self._highest + 1]))
        ranks = (max(1, math.ceil(each * self._total)) for each in quantiles)
        return [self._lowest + bisect_left(up_to, rank) for rank in ranks]

    def _trace_views(self) -> tuple[Trace, ...]:
        """The traces; only the open slot can differ from those of the last view."""
        assert self._slot is not None, "advance sets it"
        if not self._views:
            start = (self._slot - self._slots + 1) * self._step
            return tuple(
                Trace(start, self._step, tuple(map(_VALUES.__getitem__, trace)))
                for trace in self._traces
            )
        opened = [value_of(trace[-1]) for trace in self._traces]
        return tuple(
            one if one.values[-1] == last else Trace(one.start, one.step, (*one.values[:-1], last))
            for one, last in zip(self._views, opened, strict=True)
        )

    def _fill_open(self) -> None:
        ordered = sorted(self._open)
        for trace, quantile in zip(self._traces, _QUANTILES, strict=True):
            trace[-1] = nearest_rank(ordered, quantile)

    def _close(self) -> None:
        self._fill_open()
        if len(self._kept) == self._slots - 1:
            self._forget(self._kept.popleft())
        self._kept.append(self._open)
        self._open = array("H")
        self._views = ()
        for trace in self._traces:
            trace.append(0)
            del trace[0]

    def _forget(self, samples: array[int]) -> None:
        for bucket in samples:
            self._counts[bucket] -= 1
        self._total -= len(samples)
        if not self._total:
            self._last = None
