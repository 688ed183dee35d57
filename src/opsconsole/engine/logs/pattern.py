"""One pattern over the lines of one log: how often it matches, and the numbers it captures.

Invariant: every line that arrives is matched, including lines that are dropped unread.
"""

from collections import deque
from collections.abc import Sequence
from typing import Final

from opsconsole.config.log_figures import Value, values_of
from opsconsole.engine.logs.values import ValueWindow
from opsconsole.patterns import Pattern

RATE_OVER: Final = 60.0
"""Seconds over which rates and quantiles are computed."""

_LEAST_KNOWN: Final = 5.0


class PatternCount:
    """A regular expression whose matches are counted since ``began``."""

    def __init__(self, pattern: str, began: float) -> None:
        self._pattern = Pattern(pattern)
        self._began = began
        self._hits: deque[tuple[int, int]] = deque()
        self.total = 0
        self.values: dict[Value, ValueWindow] = {
            value: ValueWindow(RATE_OVER) for value in values_of(pattern)
        }

    def find(self, texts: Sequence[str]) -> list[int]:
        """The positions of the lines that match."""
        search = self._pattern.search
        return [position for position, text in enumerate(texts) if search(text)]

    def count(self, found: Sequence[str], now: float) -> None:
        """Count matching lines that arrived at ``now``."""
        if not found:
            return
        self.total += len(found)
        second = int(now)
        before = self._hits.pop()[1] if self._hits and self._hits[-1][0] == second else 0
        self._hits.append((second, before + len(found)))
        while self._hits[0][0] < second - RATE_OVER:
            self._hits.popleft()
        if self.values:
            self._take_out(found, now)

    def _take_out(self, texts: Sequence[str], now: float) -> None:
        taken = [self._pattern.named(text) for text in texts]
        for value, window in self.values.items():
            numbers = (_number(found[value.group]) for found in taken)
            window.add((each * value.scale for each in numbers if each is not None), now)

    def rate(self, now: float) -> float | None:
        """Matches per second over the last minute, or since it began; None at first."""
        known = min(RATE_OVER, now - self._began)
        if known < _LEAST_KNOWN:
            return None
        return sum(hits for second, hits in tuple(self._hits) if second > now - RATE_OVER) / known


def _number(text: str | None) -> float | None:
    try:
        return float(text or "")
    except ValueError:
        return None
