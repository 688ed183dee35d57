"""Following a file, also when it is rotated, truncated or made anew.

Invariant: every byte that is in the file when it is looked at is read once. A file that was
renamed is read to its end before the one in its place is begun; one that became shorter is begun
again. What was removed before it was looked at is not seen, and is not guessed.

It starts with the last ``TAIL`` bytes, from a line's beginning.
"""

import os
from pathlib import Path
from typing import BinaryIO, Final

from opsconsole import durable
from opsconsole.sources.logs.follower import Follower, LogSink
from opsconsole.sources.logs.raw_lines import LineSplitter
from opsconsole.text import sanitize

TAIL: Final = 256 << 10
EVERY: Final = 0.25
"""Seconds between looks."""

_CHUNK: Final = 1 << 20
_MOST_AT_ONCE: Final = 32 << 20
"""Bytes of one look; what a file grew beyond is read at the next, at once."""


class FileFollower(Follower):
    """Follows the file at ``path``, which need not be there yet."""

    def __init__(self, path: Path, sink: LogSink, *, every: float = EVERY) -> None:
        super().__init__(path.name, sink)
        self._path = path
        self._every = every
        self._begun = False
        self._troubled = False

    def follow(self) -> None:
        """Open the file and read it until another is in its place."""
        try:
            file = _open(self._path)
        except OSError as error:
            self._cannot(error.strerror or type(error).__name__)
            return
        with file:
            self._can()
            self._read_for_ever(file, LineSplitter())

    def _cannot(self, why: str) -> None:
        # What appears after this is read from its beginning: it is all news.
        self._begun = True
        self._troubled = True
        self.sink.trouble(f"cannot read {sanitize(str(self._path), limit=200)}: {why}")
        self.wait(self._every)

    def _can(self) -> None:
        if self._troubled:
            self._troubled = False
            self.sink.trouble("")

    def _read_for_ever(self, file: BinaryIO, splitter: LineSplitter) -> None:
        live = self._begun
        if not live:
            self._begun = True
            _seek_tail(file)
        while not self.stopping:
            grew = self._read_new(file, splitter, live=live)
            live = True
            if grew:
                continue
            if self._truncated(file):
                splitter.flush()
                self.sink.gap("the file was truncated")
                file.seek(0)
                continue
            if self._replaced(file):
                # What was written between the last look and the renaming.
                while self._read_new(file, splitter, live=True):
                    pass
                self.sink.lines(splitter.flush(), live=True)
                return
            self.wait(self._every)

    def _read_new(self, file: BinaryIO, splitter: LineSplitter, *, live: bool) -> bool:
        """Read what is there; whether there may be more already."""
        left = _MOST_AT_ONCE
        while left > 0 and not self.stopping:
            try:
                chunk = file.read(_CHUNK)
            except OSError as error:
                self._cannot(error.strerror or type(error).__name__)
                return False
            if not chunk:
                return False
            left -= len(chunk)
            self._can()
            lines = splitter.feed(chunk)
            if lines:
                self.sink.lines(lines, live=live)
        return not self.stopping

    @staticmethod
    def _truncated(file: BinaryIO) -> bool:
        return os.fstat(file.fileno()).st_size < file.tell()

    def _replaced(self, file: BinaryIO) -> bool:
        """Whether another file is at the path; one that is merely gone may come back."""
        here = os.fstat(file.fileno())
        try:
            there = self._path.stat()
        except OSError:
            return False
        return (there.st_dev, there.st_ino) != (here.st_dev, here.st_ino)


def _open(path: Path) -> BinaryIO:
    """Open a regular file; a pipe or a device would make the reader wait. Raises OSError."""
    return os.fdopen(durable.open_file(path, os.O_RDONLY, follow=True), "rb", buffering=0)


def _seek_tail(file: BinaryIO) -> None:
    """Go to the beginning of the first whole line of the last ``TAIL`` bytes."""
    size = os.fstat(file.fileno()).st_size
    if size <= TAIL:
        return
    file.seek(size - TAIL - 1)
    block = file.read(TAIL + 1) or b""
    start = block.find(b"\n") + 1
    file.seek(size - TAIL - 1 + start)
