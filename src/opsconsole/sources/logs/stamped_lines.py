"""Lines that begin with the time that their place gives them, in nanoseconds.

Invariant: pure. Chunks may be cut anywhere; a line without a time is a line all the same.

Format: ``<RFC 3339 time> <text>``, as the Docker Engine and the kubelet write it where they are
asked for ``timestamps``.
"""

import re
from datetime import datetime
from typing import Final, NamedTuple

from opsconsole.sources.logs.raw_lines import LineSplitter, RawLine

NANO: Final = 1_000_000_000
"""Nanoseconds of a second."""

_STAMP: Final = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d) ?")


class StampedLine(NamedTuple):
    """A line and its place's own time of it in nanoseconds, 0 where there is none."""

    line: RawLine
    nanoseconds: int


class StampedSplitter:
    """Feeds on chunks of such lines."""

    def __init__(self) -> None:
        self._splitter = LineSplitter()

    def feed(self, chunk: bytes) -> list[StampedLine]:
        """The lines that ``chunk`` completes."""
        return [_bare(raw) for raw in self._splitter.feed(chunk)]

    def rest(self) -> list[StampedLine]:
        """The line that nothing will complete, once the log has ended."""
        return [_bare(raw) for raw in self._splitter.flush()]


def _bare(raw: RawLine) -> StampedLine:
    return stamped(raw._replace(data=raw.data.rstrip(b"\r")))


def stamped(raw: RawLine) -> StampedLine:
    """Take the time off the line's beginning."""
    found = _STAMP.match(raw.data)
    nanoseconds = _nanoseconds(found) if found else 0
    if found is None or not nanoseconds:
        return StampedLine(raw, 0)
    line = RawLine(raw.data[found.end() :], raw.over, nanoseconds / NANO)
    return StampedLine(line, nanoseconds)


_seconds_of: dict[bytes, int] = {}


def _nanoseconds(found: re.Match[bytes]) -> int:
    """Unix nanoseconds; lines of one second share the costly part."""
    key = found[1] + found[3]
    seconds = _seconds_of.get(key)
    if seconds is None:
        if len(_seconds_of) > 256:
            _seconds_of.clear()
        try:
            seconds = int(datetime.fromisoformat(key.decode()).timestamp())
        except (ValueError, OverflowError):
            return 0
        _seconds_of[key] = seconds
    return seconds * NANO + int((found[2] or b"0").ljust(9, b"0"))
