"""The last lines of one log, bounded, with an exact count of those that are not held.

Invariant: ``seen = held + pushed_out + dropped`` in lines, continuations counted with the line
that they continue; never more than ``capacity`` lines nor ``CHARACTERS``, and what is kept longer
of those pushed out. A last line that is not whole is shown and not counted. Touched by one writer
and any number of readers, under its own lock.
"""

import threading
from collections import deque
from dataclasses import replace
from typing import Final

from opsconsole.engine.logs.assembly import Assembly
from opsconsole.engine.logs.kept import Kept
from opsconsole.model.logs import LINES_KEPT, LogLevel, LogLine, LogStatus
from opsconsole.sources.logs.parsed_line import ParsedLine, Part

CHARACTERS: Final = 8_000_000
"""The most characters held of one log."""

_ENTRY_CHARACTERS: Final = 64_000
_TOGETHER: Final = 5.0
"""Seconds after a line within which a line without its own time belongs to the same moment."""

_RATE_OVER: Final = 2.0
"""Seconds over which the rate of dropped lines is computed."""


class LogRing:
    """The ring of ``source``."""

    def __init__(self, source: str, capacity: int = LINES_KEPT) -> None:
        self.source = source
        self._capacity = capacity
        self._lines: deque[LogLine] = deque()
        self._sizes: deque[int] = deque()
        self._matched: deque[tuple[str, ...]] = deque()
        self._kept = Kept()
        self._unfinished: LogLine | None = None
        self._lock = threading.Lock()
        self._version = 0
        self._number = 0
        self._held = 0
        self._characters = 0
        self._pushed_out = 0
        self._dropped = 0
        self._drops: deque[tuple[float, int]] = deque()
        self._lag: float | None = None
        self._assembly = Assembly()
        self._latest: float | None = None
        self._blank = 0
        self._trouble = ""

    @property
    def version(self) -> int:
        """A number that changes with every change."""
        return self._version

    def add(self, parsed: list[ParsedLine], now: float, *, live: bool) -> None:
        """Take in lines that arrived at ``now``; ``live`` ones show how far behind the log is."""
        with self._lock:
            self._version += 1
            self._unfinished = None
            for each in parsed:
                if self._lines and each.replica != self._lines[-1].replica:
                    self._assembly.interrupt()
                if not (self._assembly.take(each) and self._continue(each)):
                    self._append(each, self._arrival(each, now, live), notice=False, count=1)
            stamped = [each.at for each in parsed if each.at is not None]
            if live and stamped:
                self._lag = max(0.0, now - stamped[-1])

    def unfinished(self, parsed: ParsedLine, now: float) -> None:
        """Show a last line until it, or another one, is taken in whole."""
        with self._lock:
            self._version += 1
            at = now if parsed.at is None else parsed.at
            self._unfinished = LogLine(
                self.source, self._number + 1, at, parsed.level, parsed.text,
                stamped=parsed.at is not None, replica=parsed.replica,
            )  # fmt: skip

    def notice(self, text: str, now: float) -> None:
        """Put a line of the console's own between the others; it is not counted."""
        with self._lock:
            self._version += 1
            self._assembly.interrupt()
            self._append(ParsedLine(text), now, notice=True, count=0)

    def drop(self, count: int, now: float) -> None:
        """Note lines that were dropped unread."""
        if count <= 0:
            return
        with self._lock:
            self._version += 1
            self._dropped += count
            self._drops.append((now, count))
            while self._drops[0][0] <= now - _RATE_OVER:
                self._drops.popleft()

    def trouble(self, text: str) -> None:
        """Note why nothing is read; '' when it is."""
        with self._lock:
            if text != self._trouble:
                self._version += 1
                self._trouble = text

    def lines(self) -> tuple[LogLine, ...]:
        """What is held, oldest first, and before it what is kept longer."""
        with self._lock:
            return (*self._kept.lines(), *self._last())

    def held(self) -> tuple[LogLine, ...]:
        """The last lines, oldest first, without any that is kept longer."""
        with self._lock:
            return self._last()

    def _last(self) -> tuple[LogLine, ...]:
        return (*self._lines, *(() if self._unfinished is None else (self._unfinished,)))

    def take(self, *, all_of_it: bool) -> list[LogLine]:
        """Take out what is held: all, or all but the last entry, which may continue."""
        with self._lock:
            count = len(self._lines) if all_of_it else len(self._lines) - 1
            taken = [self._lines.popleft() for _ in range(count)]
            self._held -= sum(self._sizes.popleft() for _ in taken)
            self._characters -= sum(len(line.text) for line in taken)
            for _ in taken:
                self._matched.popleft()
            return taken

    def status(self, now: float) -> LogStatus:
        """The counts at this moment."""
        with self._lock:
            recent = sum(count for at, count in self._drops if at > now - _RATE_OVER)
            return LogStatus(
                self.source,
                seen=self._held + self._pushed_out + self._dropped,
                held=self._held,
                pushed_out=self._pushed_out,
                dropped=self._dropped,
                drop_rate=recent / _RATE_OVER,
                lag=self._lag,
                trouble=self._trouble,
            )

    def _arrival(self, parsed: ParsedLine, now: float, live: bool) -> float:
        """The time of a line without a timestamp: that of the previous line, if that was just
        now, or if both are of the past."""
        if parsed.at is not None:
            self._latest = parsed.at
        elif self._latest is not None and (not live or now - self._latest < _TOGETHER):
            return self._latest
        return now

    def _append(self, parsed: ParsedLine, now: float, *, notice: bool, count: int) -> None:
        self._number += 1
        self._blank = 0
        at = now if parsed.at is None else parsed.at
        self._lines.append(
            LogLine(
                self.source, self._number, at, parsed.level, parsed.text,
                stamped=parsed.at is not None, notice=notice, replica=parsed.replica,
            )
        )  # fmt: skip
        self._sizes.append(count)
        self._matched.append(parsed.matched)
        self._held += count
        self._characters += len(parsed.text)
        self._trim()

    def _continue(self, parsed: ParsedLine) -> bool:
        """Append a line to the previous one; not if there is none or it is at its maximum
        length."""
        if not self._lines or self._lines[-1].notice:
            return False
        head = self._lines[-1]
        if len(head.text) + len(parsed.text) > _ENTRY_CHARACTERS or self._sizes[-1] >= 1000:
            return False
        level = head.level if head.level is not LogLevel.UNKNOWN else parsed.level
        self._sizes[-1] += 1
        if parsed.matched:
            self._matched[-1] = tuple(dict.fromkeys((*self._matched[-1], *parsed.matched)))
        if parsed.part is Part.BLANK:
            # Shown only where something follows it.
            self._blank += 1
            self._held += 1
            return True
        text = f"{head.text}\n{self._blanks()}{parsed.text}"
        self._lines[-1] = replace(head, text=text, level=level)
        self._held += 1
        self._characters += len(parsed.text) + 1
        self._trim()
        return True

    def _blanks(self) -> str:
        """The blank lines held back until the same entry continues."""
        waiting, self._blank = self._blank, 0
        return "\n" * waiting

    def _trim(self) -> None:
        while len(self._lines) > 1 and (
            self._held > self._capacity
            or len(self._lines) > self._capacity
            or self._characters > CHARACTERS
        ):
            gone, size = self._lines.popleft(), self._sizes.popleft()
            self._kept.take(gone, self._matched.popleft())
            self._held -= size
            self._pushed_out += size
            self._characters -= len(gone.text)
