"""Numbers captured from log lines over the last minute, stored compactly.

Invariant: a quantile is within 1 % of a number that was seen; a number that is negative or not
finite is left out. Numbers are kept as counts of logarithmic buckets, each 2 % wide, by second.
"""

import math
from collections import Counter, deque
from collections.abc import Iterable
from typing import Final

from opsconsole.model.few import without_highest

_WIDTH: Final = math.log(1.02)
_ZERO: Final = -(10**6)
"""The bucket of zero, below every other."""


class ValueWindow:
    """The numbers of the last ``over`` seconds."""

    def __init__(self, over: float) -> None:
        self._over = over
        self._seconds: deque[tuple[int, Counter[int]]] = deque()

    def add(self, values: Iterable[float], now: float) -> None:
        """Take in numbers that arrived at ``now``."""
        buckets = Counter(map(_bucket, filter(_is_usable, values)))
        if not buckets:
            return
        second = int(now)
        if self._seconds and self._seconds[-1][0] == second:
            self._seconds[-1][1].update(buckets)
        else:
            self._seconds.append((second, buckets))
        while self._seconds[0][0] <= second - self._over:
            self._seconds.popleft()

    def counts(self, now: float) -> Counter[int]:
        """How many numbers fell into each bucket. Call it from any thread."""
        whole: Counter[int] = Counter()
        for second, buckets in tuple(self._seconds):
            if second > now - self._over:
                whole.update(dict(buckets))
        return whole


def quantile(counts: Counter[int], share: float) -> float | None:
    """The number that a ``share`` (0 to 1) of those counted do not exceed; None for none."""
    total = sum(counts.values())
    rank = max(1, math.ceil(share * total))
    for bucket in sorted(counts):
        rank -= counts[bucket]
        if rank <= 0:
            return 0.0 if bucket == _ZERO else math.exp(_WIDTH * (bucket + 0.5))
    return None


def at_least(counts: Counter[int], share: float) -> float | None:
    """``quantile`` without the highest of too few numbers, 0 for none; None for enough."""
    lower = without_highest(share, sum(counts.values()))
    return lower if not lower else quantile(counts, lower)


def _is_usable(value: float) -> bool:
    return math.isfinite(value) and value >= 0


def _bucket(value: float) -> int:
    return math.floor(math.log(value) / _WIDTH) if value > 0 else _ZERO
