"""What is held of a log for longer than the rest: errors, and the last matches of each pattern.

Invariant: a flood of harmless lines pushes none of these out; each share is bounded by itself, in
lines and in characters, so that a flood of errors costs only errors.
"""

from collections import deque
from typing import Final

from opsconsole.model.logs import LogLevel, LogLine

ERRORS: Final = 1_000
MATCHES: Final = 100
"""Lines held of each pattern."""

_ERROR_CHARACTERS: Final = 2_000_000
_MATCH_CHARACTERS: Final = 500_000

ALONE: Final = "of the lines before this, only errors and matches of patterns are held"


class _Share:
    """The last lines of one kind."""

    def __init__(self, most: int, characters: int) -> None:
        self.lines: deque[LogLine] = deque()
        self._most = most
        self._room = characters

    def take(self, line: LogLine) -> None:
        self.lines.append(line)
        self._room -= len(line.text)
        while len(self.lines) > self._most or (self._room < 0 and len(self.lines) > 1):
            self._room += len(self.lines.popleft().text)


class Kept:
    """Takes the lines that a ring pushes out, oldest first."""

    def __init__(self) -> None:
        self._errors = _Share(ERRORS, _ERROR_CHARACTERS)
        self._matches: dict[str, _Share] = {}

    def take(self, line: LogLine, matched: tuple[str, ...]) -> None:
        """Keep ``line`` if it is an error or matches one of the patterns named ``matched``."""
        if line.notice:
            return
        if line.level >= LogLevel.ERROR:
            self._errors.take(line)
        for name in matched:
            if name not in self._matches:
                self._matches[name] = _Share(MATCHES, _MATCH_CHARACTERS)
            self._matches[name].take(line)

    def lines(self) -> list[LogLine]:
        """Each line once, in the order in which they were written; at their end it is said that
        others stood between them."""
        shares = (self._errors, *self._matches.values())
        found = {line.number: line for share in shares for line in share.lines}
        lines = [found[number] for number in sorted(found)]
        if lines:
            last = lines[-1]
            lines.append(LogLine(last.source, last.number, last.at, last.level, ALONE, notice=True))
        return lines
