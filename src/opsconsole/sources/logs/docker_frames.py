"""A container's log as the Docker Engine sends it, into lines with their times.

Invariant: pure. Chunks may be cut anywhere. A frame takes no more memory than a line may,
whatever size its head claims; a long line that the engine split over several frames is one line
again.

Format: without a terminal, frames of an 8-byte head (stream, three zeros, size in big endian) and
``<RFC 3339 time> <text>``; with a terminal, bare lines of the same. See "Stream format" in the
Docker Engine API, ContainerAttach.
"""

from collections.abc import Iterator
from typing import Final

from opsconsole.sources.logs.raw_lines import LINE_BYTES, RawLine, cut
from opsconsole.sources.logs.stamped_lines import NANO, StampedLine, StampedSplitter, stamped

_HEAD: Final = 8


class NotFramesError(ValueError):
    """The bytes are not frames of a log."""


class FrameReader:
    """Feeds on chunks of a log. ``terminal``: the container has a terminal."""

    def __init__(self, *, terminal: bool) -> None:
        self._terminal = terminal
        self._buffer = b""
        self._stream = 0
        self._left = 0
        self._frame = b""
        self._over = 0
        self._partial: dict[int, tuple[bytes, int, int]] = {}
        self._splitter = StampedSplitter()

    def feed(self, chunk: bytes) -> list[StampedLine]:
        """The lines that ``chunk`` completes. Raises NotFramesError."""
        if self._terminal:
            return self._splitter.feed(chunk)
        return list(self._frames(chunk))

    def rest(self) -> list[StampedLine]:
        """The lines that nothing will complete, once the log has ended."""
        if self._terminal:
            return self._splitter.rest()
        partial, self._partial = self._partial, {}
        return [
            StampedLine(RawLine(data, over, at / NANO or None), at)
            for data, at, over in partial.values()
        ]

    def _frames(self, chunk: bytes) -> Iterator[StampedLine]:
        data = self._buffer + chunk
        position = 0
        while True:
            if self._left:
                position = self._take(data, position)
                if self._left:
                    break
                yield from self._whole()
            if len(data) - position < _HEAD:
                break
            self._begin(data[position : position + _HEAD])
            position += _HEAD
        self._buffer = data[position:]

    def _begin(self, head: bytes) -> None:
        if head[0] > 3 or head[1:4] != b"\0\0\0":
            raise NotFramesError("the engine's log is not in frames")
        self._stream = head[0]
        self._left = int.from_bytes(head[4:], "big")
        self._frame, self._over = b"", 0

    def _take(self, data: bytes, position: int) -> int:
        end = min(len(data), position + self._left)
        part = data[position:end]
        room = LINE_BYTES - len(self._frame)
        self._frame += part[:room]
        self._over += max(0, len(part) - room)
        self._left -= len(part)
        if not self._left and part.endswith(b"\n") and self._over:
            self._frame, self._over = self._frame + b"\n", self._over - 1
        return end

    def _whole(self) -> Iterator[StampedLine]:
        """The line or lines of the frame that is complete."""
        text, over = self._frame, self._over
        first, found, rest = text.partition(b"\n")
        line, at = stamped(RawLine(first, over))
        before = self._partial.pop(self._stream, None)
        if before is not None:
            data, at, over_before = before
            whole = cut(data + line.data)
            line = RawLine(whole.data, whole.over + over_before + line.over, at / NANO or None)
        if not found:
            self._partial[self._stream] = (line.data, at, line.over)
            return
        yield StampedLine(line, at)
        for more in rest.split(b"\n")[:-1]:
            yield StampedLine(RawLine(more, 0, line.at), at)
