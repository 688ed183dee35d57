"""Following a file of this host, also when it is rotated, truncated or created again.

Invariant: every byte that is in the file when it is looked at is read once. A file that was
renamed is read to its end before the one in its place is begun; one that became shorter is begun
again. What was removed before it was looked at is not seen, and not guessed. A link of another
user's, such as a deploy's ``current``, is followed to files of that user alone.
"""

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from opsconsole import durable
from opsconsole.model.running.machine import Chunk, Followed, Turn, Unreadable

EVERY: Final = 0.25
"""Seconds between looks."""

RESTS_AFTER: Final = 1.0
"""Seconds without a byte after which a file rests: what is not a whole line may stay so."""

_CHUNK: Final = 1 << 20


class LocalFollowing:
    """Follows the file at ``path`` from the first whole line of its last ``tail`` bytes."""

    def __init__(self, path: Path, tail: int, every: float = EVERY) -> None:
        self._path = path
        self._tail = tail
        self._every = every
        self._stopping = threading.Event()
        self._begun = False
        self._why = ""

    def close(self) -> None:
        """End soon; idempotent, from any thread."""
        self._stopping.set()

    def __iter__(self) -> Iterator[Followed]:
        """Each piece and each turn of the file, without end."""
        while not self._stopping.is_set():
            try:
                file = os.fdopen(self._opened(), "rb", buffering=0)
            except OSError as error:
                # What appears after this is read from its beginning: all of it is new.
                self._begun = True
                yield from self._cannot(error)
                self._stopping.wait(self._every)
                continue
            with file:
                yield from self._until_replaced(file)

    def _opened(self) -> int:
        return durable.open_file(self._path, os.O_RDONLY, follow=True, owners_links=True)

    def _until_replaced(self, file: BinaryIO) -> Iterator[Followed]:
        live = self._begun
        if not live:
            self._begun = True
            self._seek_tail(file)
        written_at: float | None = time.monotonic()
        while not self._stopping.is_set():
            before = file.tell()
            yield from self._what_is_there(file, live=live)
            live = True
            if file.tell() != before:
                written_at = time.monotonic()
            elif written_at is not None and time.monotonic() - written_at >= RESTS_AFTER:
                written_at = None
                yield Turn.RESTING
            if os.fstat(file.fileno()).st_size < file.tell():
                file.seek(0)
                yield Turn.TRUNCATED
            elif self._replaced(file):
                # What was written between the last look and the renaming.
                yield from self._what_is_there(file, live=True)
                yield Turn.REPLACED
                return
            else:
                self._stopping.wait(self._every)

    def _what_is_there(self, file: BinaryIO, *, live: bool) -> Iterator[Followed]:
        """Everything up to the file's end as it is now."""
        while not self._stopping.is_set():
            try:
                data = file.read(_CHUNK)
            except OSError as error:
                yield from self._cannot(error)
                return
            yield from self._can()
            if not data:
                return
            yield Chunk(data, live)

    def _cannot(self, error: OSError) -> Iterator[Followed]:
        why = error.strerror or type(error).__name__
        if why != self._why:
            self._why = why
            yield Unreadable(why)

    def _can(self) -> Iterator[Followed]:
        if self._why:
            self._why = ""
            yield Unreadable("")

    def _replaced(self, file: BinaryIO) -> bool:
        """Whether another file is at the path; one that is only missing may come back."""
        here = os.fstat(file.fileno())
        try:
            there = self._path.stat()
        except OSError:
            return False
        return (there.st_dev, there.st_ino) != (here.st_dev, here.st_ino)

    def _seek_tail(self, file: BinaryIO) -> None:
        """Go to the beginning of the first whole line of the last bytes."""
        size = os.fstat(file.fileno()).st_size
        if size <= self._tail:
            return
        file.seek(size - self._tail - 1)
        block = file.read(self._tail + 1) or b""
        start = block.find(b"\n") + 1
        file.seek(size - self._tail - 1 + start)
