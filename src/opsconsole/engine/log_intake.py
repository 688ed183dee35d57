"""Between a follower and a ring: what is counted, what is dropped, what is read.

Invariant: every line that arrives is counted once: kept or dropped. In a flood the newest lines
of each batch are kept, because the ring would push the others out at once. Patterns are counted
over every line, the dropped ones too, so that a flood makes no rate look small.
"""

import re
import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Final

from opsconsole.clock import Clock
from opsconsole.engine.log_ring import LogRing
from opsconsole.sources.logs.log_line import ParsedLine, parse
from opsconsole.sources.logs.raw_lines import RawLine
from opsconsole.text import LINE_LIMIT

RATE: Final = 5_000.0
"""Lines that are read per second; more are dropped."""

BURST: Final = 5_000.0
RATE_OVER: Final = 60.0
"""Seconds over which the rate of a pattern is reckoned."""

_LEAST_KNOWN: Final = 5.0


class Allowance:
    """A token bucket of ``RATE`` lines a second that holds ``BURST``."""

    def __init__(self) -> None:
        self._tokens = BURST
        self._filled_at = time.monotonic()

    def take(self, wanted: int) -> int:
        """How many of ``wanted`` may pass."""
        now = time.monotonic()
        self._tokens = min(BURST, self._tokens + (now - self._filled_at) * RATE)
        self._filled_at = now
        given = min(wanted, int(self._tokens))
        self._tokens -= given
        return given


class PatternCount:
    """How often one regular expression matches, over the last minute."""

    def __init__(self, pattern: str, began: float) -> None:
        self._pattern = re.compile(pattern)
        self._began = began
        self._hits: deque[tuple[int, int]] = deque()
        self.total = 0

    def count(self, texts: Sequence[str], now: float) -> None:
        """Look at lines that came at ``now``."""
        found = sum(1 for text in texts if self._pattern.search(text))
        if not found:
            return
        self.total += found
        second = int(now)
        before = self._hits.pop()[1] if self._hits and self._hits[-1][0] == second else 0
        self._hits.append((second, before + found))
        while self._hits[0][0] < second - RATE_OVER:
            self._hits.popleft()

    def rate(self, now: float) -> float | None:
        """Matches per second over the last minute, or since it began; None at first."""
        known = min(RATE_OVER, now - self._began)
        if known < _LEAST_KNOWN:
            return None
        return sum(hits for second, hits in tuple(self._hits) if second > now - RATE_OVER) / known


class LogIntake:
    """The sink of one follower. ``form`` is how the lines are written: auto, json or text."""

    def __init__(
        self, ring: LogRing, clock: Clock, form: str, patterns: Mapping[str, str] | None = None
    ) -> None:
        self.ring = ring
        self._clock = clock
        self._form = form
        self._allowance = Allowance()
        self._troubled = False
        began = clock.now()
        self.patterns = {
            name: PatternCount(pattern, began) for name, pattern in (patterns or {}).items()
        }

    @property
    def troubled(self) -> bool:
        """Whether nothing is read at present."""
        return self._troubled

    def lines(self, lines: Sequence[RawLine], *, live: bool) -> None:
        """Take in a batch."""
        if not lines:
            return
        now, arrived = self._clock.now(), self._clock.wall()
        if live and self.patterns:
            texts = [line.data[:LINE_LIMIT].decode("utf-8", "replace") for line in lines]
            for pattern in self.patterns.values():
                pattern.count(texts, now)
        kept = self._allowance.take(len(lines))
        self.ring.drop(len(lines) - kept, arrived)
        if kept:
            read = [self._read(line, arrived) for line in lines[len(lines) - kept :]]
            self.ring.add(read, arrived, live=live)

    def gap(self, text: str) -> None:
        """Put it between the lines."""
        self.ring.notice(text, self._clock.wall())

    def trouble(self, text: str) -> None:
        """Show why nothing is read."""
        self._troubled = bool(text)
        self.ring.trouble(text)

    def _read(self, line: RawLine, arrived: float) -> ParsedLine:
        return parse(line, self._form, arrived)
