"""Sits between a follower and a ring: counts, drops and reads lines.

Invariant: every line that arrives is read or counted as dropped, once. Lines that arrive faster
than ``RATE`` wait in a backlog, whose oldest lines are dropped: when a flood ends, its last lines
are there. Of those that would be dropped, matches of declared patterns and errors are read all the
same, up to ``SAVED`` a second. Patterns are counted over every line, including dropped ones, so
that a flood makes no rate look small.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from opsconsole.clock import Clock
from opsconsole.engine.logs.gravity import maybe_errors
from opsconsole.engine.logs.pattern import PatternCount
from opsconsole.engine.logs.ring import LogRing
from opsconsole.model.logs import LogLevel
from opsconsole.sources.logs.parsed_line import ParsedLine
from opsconsole.sources.logs.raw_lines import RawLine
from opsconsole.text import LINE_LIMIT

RATE: Final = 5_000.0
"""Lines that are read per second; more are dropped."""

SAVED: Final = 1_000.0
"""Lines that are read per second although there is no room for them."""

BACKLOG: Final = 5_000
"""The most lines that wait to be read."""

BACKLOG_BYTES: Final = 8 << 20


class Allowance:
    """A token bucket of ``rate`` lines a second that holds those of one second."""

    def __init__(self, rate: float) -> None:
        self._rate = self._tokens = rate
        self._filled_at = time.monotonic()

    def take(self, wanted: int) -> int:
        """How many of ``wanted`` may pass."""
        now = time.monotonic()
        self._tokens = min(self._rate, self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now
        given = min(wanted, int(self._tokens))
        self._tokens -= given
        return given


class LogIntake:
    """The sink of one follower. ``form`` is how the lines are written: auto, json or text.

    ``ahead`` is how many seconds the clock that they are written by is before this one: it is taken
    out, so that lines of several hosts are in the order in which they were written.
    """

    def __init__(
        self,
        ring: LogRing,
        clock: Clock,
        form: str,
        patterns: Mapping[str, str] | None = None,
        ahead: Callable[[], float] = lambda: 0.0,
    ) -> None:
        from opsconsole.sources.logs.line import parse_by

        self.ring = ring
        self._clock = clock
        self._parse_by = parse_by
        self._form, self._ahead = form, ahead
        self._allowance = Allowance(RATE)
        self._saved = Allowance(SAVED)
        self._counted: frozenset[str] = frozenset()
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
        if self.patterns:
            lines = self._matched(lines, live=live)
        self._counted = frozenset()
        with self._lock:
            self._live = live
            self._backlog.extend(lines)
            self._backlog_bytes += sum(len(line.data) for line in lines)
            self._read_some()
            self._drop_oldest()

    def unfinished(self, line: RawLine) -> None:
        """Show a last line that is not whole; the whole line takes its place."""
        if self.patterns:
            text = _text_of(line)
            now = self._clock.now()
            hit = {name for name, each in self.patterns.items() if each.find([text])}
            for name in hit - self._counted:
                self.patterns[name].count([text], now)
            self._counted |= hit
        with self._lock:
            arrived = self._clock.wall()
            self.ring.unfinished(self._parsed(line, arrived), arrived)

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
        raw = [self._backlog.popleft() for _ in range(count)]
        self._backlog_bytes -= sum(len(line.data) for line in raw)
        self._add([self._parsed(line, arrived) for line in raw], arrived)

    def _parsed(self, line: RawLine, arrived: float) -> ParsedLine:
        return self._parse_by(line, self._form, arrived, self._ahead())

    def _add(self, lines: list[ParsedLine], arrived: float) -> None:
        if self._missing:
            # Lines that were not adjacent must not look as if they were.
            self.ring.notice(f"{self._missing:,} lines dropped", arrived)
            self._missing = 0
        self.ring.add(lines, arrived, live=self._live)

    def _drop_oldest(self) -> None:
        """Drop what the backlog cannot hold, except for what is saved of it."""
        gone: list[RawLine] = []
        while len(self._backlog) > BACKLOG or self._backlog_bytes > BACKLOG_BYTES:
            line = self._backlog.popleft()
            self._backlog_bytes -= len(line.data)
            gone.append(line)
        if not gone:
            return
        arrived = self._clock.wall()
        begin = 0
        for position, parsed in self._to_be_saved(gone, arrived):
            self._drop(position - begin, arrived)
            self._add([parsed], arrived)
            begin = position + 1
        self._drop(len(gone) - begin, arrived)

    def _drop(self, count: int, arrived: float) -> None:
        self._missing += count
        self.ring.drop(count, arrived)

    def _to_be_saved(self, gone: Sequence[RawLine], arrived: float) -> list[tuple[int, ParsedLine]]:
        """Matches of patterns before errors, the latest first while the allowance lasts."""
        matched = [at for at, line in enumerate(gone) if line.matched]
        others = [at for at in maybe_errors(gone) if not gone[at].matched]
        saved: list[tuple[int, ParsedLine]] = []
        for position in (*reversed(matched), *reversed(others)):
            if not self._saved.take(1):
                break
            parsed = self._parsed(gone[position], arrived)
            if parsed.matched or parsed.level >= LogLevel.ERROR:
                saved.append((position, parsed))
        return sorted(saved, key=lambda each: each[0])

    def _matched(self, lines: Sequence[RawLine], *, live: bool) -> Sequence[RawLine]:
        """The lines with the names of the patterns that they match; live ones are counted.

        The first may have been counted before it was whole.
        """
        texts = [_text_of(line) for line in lines]
        names: dict[int, tuple[str, ...]] = {}
        for name, pattern in self.patterns.items():
            found = pattern.find(texts)
            for position in found:
                names[position] = (*names.get(position, ()), name)
            if live:
                first = 1 if name in self._counted else 0
                pattern.count([texts[at] for at in found if at >= first], self._clock.now())
        if not names:
            return lines
        return [line._replace(matched=names.get(at, ())) for at, line in enumerate(lines)]


def _text_of(line: RawLine) -> str:
    return line.data[:LINE_LIMIT].decode("utf-8", "replace")
