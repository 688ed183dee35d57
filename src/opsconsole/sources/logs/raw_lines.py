"""Bytes into lines, bounded.

Invariant: no line takes more than ``LINE_BYTES`` of memory however long it is; what is cut off
is counted. Nothing is lost or doubled where a line is split over several chunks.
"""

from typing import Final, NamedTuple

from opsconsole.dataclass import dataclass

LINE_BYTES: Final = 64 << 10
"""Bytes that are kept of one line; a JSON line up to this size is understood."""


class RawLine(NamedTuple):
    """A line without its line feed; ``over`` counts the bytes that were cut off its end.

    ``at`` is the time that the place it came from gives it, in Unix seconds, if it does.
    ``matched`` names the declared patterns that it matches, once they were tried. ``replica`` is
    whose line it is where several write the one log.
    """

    data: bytes
    over: int = 0
    at: float | None = None
    matched: tuple[str, ...] = ()
    replica: str = ""


@dataclass(slots=True)
class LineSplitter:
    """Collects chunks into lines; the last, without a line feed, waits for its rest."""

    _rest: bytes = b""
    _over: int = 0

    @property
    def pending(self) -> int:
        """Bytes of the line that is not whole yet."""
        return len(self._rest) + self._over

    @property
    def so_far(self) -> RawLine:
        """The line that is not whole yet; it is not taken out."""
        return RawLine(self._rest, self._over)

    def feed(self, chunk: bytes) -> list[RawLine]:
        """The lines that ``chunk`` completes."""
        first, found, after = chunk.partition(b"\n")
        self._append(first)
        if not found:
            return []
        lines = [self._take()]
        *whole, rest = after.split(b"\n")
        lines.extend(map(cut, whole))
        self._append(rest)
        return lines

    def flush(self) -> list[RawLine]:
        """The line that will not be completed, if there is one."""
        return [self._take()] if self.pending else []

    def _append(self, part: bytes) -> None:
        room = LINE_BYTES - len(self._rest)
        self._rest += part[:room]
        self._over += max(0, len(part) - room)

    def _take(self) -> RawLine:
        line = RawLine(self._rest, self._over)
        self._rest, self._over = b"", 0
        return line


def cut(data: bytes) -> RawLine:
    """A whole line, cut to what is kept of it."""
    return RawLine(data[:LINE_BYTES], max(0, len(data) - LINE_BYTES))
