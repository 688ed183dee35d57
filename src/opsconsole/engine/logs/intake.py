"""Sits between a follower and a ring: counts, drops and reads lines.

Invariant: every line that arrives is read or counted as dropped, once. Lines that arrive faster
than ``RATE`` wait in a backlog, whose oldest lines are dropped: when a flood ends, its last lines
are there. Patterns are counted over every line, including dropped ones, so that a flood makes no
rate look small.
"""

import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Final

from opsconsole.clock import Clock
from opsconsole.engine.logs.pattern import PatternCount
from opsconsole.engine.logs.ring import LogRing
from opsconsole.sources.logs.line import parse
from opsconsole.sources.logs.raw_lines import RawLine
from opsconsole.text import LINE_LIMIT

RATE: Final = 5_000.0
"""Lines that are read per second; more are dropped."""

BURST: Final = 5_000.0
BACKLOG: Final = 5_000
"""The most lines that wait to be read."""

BACKLOG_BYTES: Final = 8 << 20


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


class LogIntake:
    """The sink of one follower. ``form`` is how the lines are written: auto, json or text."""

    def __init__(
        self, ring: LogRing, clock: Clock, form: str, patterns: Mapping[str, str] | None = None
    ) -> None:
        self.ring = ring
        self._clock = clock
        self._form = form
        self._allowance = Allowance()
        self._backlog: deque[RawLine] = deque()
        self._backlog_bytes = 0
        self._missing = 0
        self._live = False
        self._lock = threading.Lock()
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
        if live and self.patterns:
            texts = [line.data[:LINE_LIMIT].decode("utf-8", "replace") for line in lines]
            for pattern in self.patterns.values():
                pattern.count(texts, self._clock.now())
        with self._lock:
            self._live = live
            self._backlog.extend(lines)
            self._backlog_bytes += sum(len(line.data) for line in lines)
            self._read_some()
            dropped = self._drop_oldest()
            self._missing += dropped
            self.ring.drop(dropped, self._clock.wall())

    def settle(self) -> None:
        """Read the waiting lines as far as the rate allows. Call it from any thread."""
        with self._lock:
            self._read_some()

    def gap(self, text: str) -> None:
        """Put a line of the console's own between the log lines."""
        self.ring.notice(text, self._clock.wall())

    def trouble(self, text: str) -> None:
        """Show why nothing is read."""
        self._troubled = bool(text)
        self.ring.trouble(text)

    def _read_some(self) -> None:
        count = self._allowance.take(len(self._backlog))
        if not count:
            return
        arrived = self._clock.wall()
        if self._missing:
            # Lines that were not adjacent must not look as if they were.
            self.ring.notice(f"{self._missing:,} lines dropped", arrived)
            self._missing = 0
        raw = [self._backlog.popleft() for _ in range(count)]
        self._backlog_bytes -= sum(len(line.data) for line in raw)
        self.ring.add([parse(line, self._form, arrived) for line in raw], arrived, live=self._live)

    def _drop_oldest(self) -> int:
        """Drop what the backlog cannot hold. Returns how many lines were dropped."""
        count = 0
        while len(self._backlog) > BACKLOG or self._backlog_bytes > BACKLOG_BYTES:
            self._backlog_bytes -= len(self._backlog.popleft().data)
            count += 1
        return count
