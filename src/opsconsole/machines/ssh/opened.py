"""Files of another host that stay open: read from anywhere, or followed as they grow.

Invariant: the far end holds the file itself, so that what was renamed or removed is read on; as
``machines.file_following`` has it. A line that breaks is said, and reading goes on from the same
place once there is one again, if the file at the path is still the same. Everything here blocks.
"""

import io
import threading
import time
from collections.abc import Iterator
from pathlib import PurePath
from typing import Final

from opsconsole.machines.base import FileFollowing
from opsconsole.machines.ssh.files import LOOK, Files
from opsconsole.machines.ssh.line import LostError, TooMuchError
from opsconsole.machines.ssh.lines import Lines, Stop, broken
from opsconsole.model.running.machine import (
    Chunk,
    Failure,
    Followed,
    MachineError,
    Turn,
    Unreadable,
)
from opsconsole.text import sanitize

EVERY: Final = 0.5
"""Seconds between looks at a file that is followed."""

AGAIN: Final = 5.0
"""Seconds before a line that broke is replaced."""

RESTS_AFTER: Final = 1.0
_BLOCK: Final = 4096
_BLOCKS: Final = 64
_LIMIT: Final = _BLOCK * (_BLOCKS + 1)
_MISSING: Final = b"-"


class _Held:
    """A file that the far end of a line holds open, as its descriptor 7."""

    def __init__(self, lines: Lines, files: Files, path: PurePath, *, foreign: bool) -> None:
        self._lines, self.path = lines, path
        ends = time.monotonic() + LOOK
        self._there = files.located(path, ends, foreign=foreign)
        self.line = lines.fresh(ends)
        try:
            code = f"[ -f {self._there} ] && command exec 7<{self._there}"
            answer = self._ask(code, ends)
            if answer[0]:
                raise MachineError(Failure.OTHER, f"{sanitize(str(path))}: not a regular file")
        except BaseException:
            lines.discard(self.line)
            raise

    def look(self) -> tuple[bytes, int, bytes]:
        """Which file is held, how long it is, and which is at the path; ``-`` for none."""
        code = (
            "stat -L -c '%d:%i %s' /proc/self/fd/7 && "
            f"{{ stat -L -c '%d:%i' {self._there} 2>/dev/null || echo -; }}"
        )
        status, said = self._ask(code, time.monotonic() + LOOK)
        words = said.split()
        if status or len(words) != 3 or not words[1].isdigit():
            raise MachineError(Failure.OTHER, f"{sanitize(str(self.path))}: cannot be looked at")
        return words[0], int(words[1]), words[2]

    def read(self, offset: int) -> bytes:
        """Some bytes from ``offset`` on; none at its end."""
        code = (
            f"dd if=/proc/self/fd/7 bs={_BLOCK} skip={offset // _BLOCK} count={_BLOCKS} 2>/dev/null"
        )
        return self._ask(code, time.monotonic() + LOOK)[1][offset % _BLOCK :]

    def close(self) -> None:
        self._lines.discard(self.line)

    def _ask(self, code: str, ends: float) -> tuple[int, bytes]:
        try:
            answer = self.line.ask(code, limit=_LIMIT, ends=ends)
        except (LostError, TooMuchError, TimeoutError) as error:
            raise broken(error, self._lines.target, begun=False) from error
        return answer.status, answer.output


class SshFile(io.RawIOBase):
    """A file to be read and sought in. A line that breaks is an OSError."""

    def __init__(self, lines: Lines, files: Files, path: PurePath) -> None:
        self._held = _Held(lines, files, path, foreign=False)
        self._at = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at}.get(whence)
        self._at = max(0, (self._size() if base is None else base) + offset)
        return self._at

    def readinto(self, buffer: "memoryview | bytearray") -> int:  # type: ignore[override]
        """Some of it."""
        try:
            data = self._held.read(self._at)[: len(buffer)]
        except MachineError as error:
            raise OSError(str(error)) from error
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def close(self) -> None:
        """Release the line."""
        if not self.closed:
            self._held.close()
        super().close()

    def _size(self) -> int:
        try:
            return self._held.look()[1]
        except MachineError as error:
            raise OSError(str(error)) from error


class SshFollowing(FileFollowing):
    """Follows the file at ``path`` from the first whole line of its last ``tail`` bytes."""

    def __init__(self, lines: Lines, files: Files, path: PurePath, tail: int) -> None:
        self._lines, self._files, self._path, self._tail = lines, files, path, tail
        self._stopping = threading.Event()
        self._stop = Stop()
        self._begun = False
        self._why = ""
        self._held, self._offset = b"", 0

    def close(self) -> None:
        """End soon; idempotent, from any thread."""
        self._stopping.set()
        self._stop.set()

    def __iter__(self) -> Iterator[Followed]:
        """Each piece and each turn of the file, without end."""
        while not self._stopping.is_set():
            try:
                held = _Held(self._lines, self._files, self._path, foreign=True)
            except MachineError as error:
                missing = error.failure is Failure.NOT_FOUND
                # What appears after this is read from its beginning: all of it is new.
                self._begun = self._begun or missing
                yield from self._cannot(error)
                self._stopping.wait(EVERY if missing else AGAIN)
                continue
            self._stop.watch(held.line)
            try:
                yield from self._until_replaced(held)
            except MachineError as error:
                if not self._stopping.is_set():
                    yield from self._cannot(error)
                    self._stopping.wait(AGAIN)
            finally:
                self._stop.watch(None)
                held.close()

    def _until_replaced(self, held: _Held) -> Iterator[Followed]:
        identity, size, _ = held.look()
        live = self._begun
        self._offset = self._first(held, identity, size)
        self._begun = True
        if self._why:
            self._why = ""
            yield Unreadable("")
        written_at: float | None = time.monotonic()
        while not self._stopping.is_set():
            before = self._offset
            yield from self._what_is_there(held, live=live)
            live, self._held = True, identity
            if self._offset != before:
                written_at = time.monotonic()
            elif written_at is not None and time.monotonic() - written_at >= RESTS_AFTER:
                written_at = None
                yield Turn.RESTING
            _, size, there = held.look()
            if size < self._offset:
                self._offset = 0
                yield Turn.TRUNCATED
            elif there not in (_MISSING, identity):
                # What was written between the last look and the renaming.
                yield from self._what_is_there(held, live=True)
                self._held = b""
                yield Turn.REPLACED
                return
            elif size == self._offset:
                self._stopping.wait(EVERY)

    def _first(self, held: _Held, identity: bytes, size: int) -> int:
        """Where reading begins: where it was before the line broke, at the beginning, or near the
        end."""
        if identity == self._held and self._offset <= size:
            return self._offset
        return 0 if self._begun else self._whole_line(held, size)

    def _what_is_there(self, held: _Held, *, live: bool) -> Iterator[Followed]:
        """Everything up to the file's end as it is now."""
        while not self._stopping.is_set() and (data := held.read(self._offset)):
            self._offset += len(data)
            yield Chunk(data, live)

    def _whole_line(self, held: _Held, size: int) -> int:
        """Where the first whole line of the last bytes begins."""
        if size <= self._tail:
            return 0
        offset = start = size - self._tail - 1
        while offset < size and (data := held.read(offset)):
            at = data.find(b"\n")
            if at >= 0:
                return offset + at + 1
            offset += len(data)
        return start

    def _cannot(self, error: MachineError) -> Iterator[Followed]:
        why = str(error).rpartition(": ")[2] if error.failure is Failure.NOT_FOUND else str(error)
        if why != self._why:
            self._why = why
            yield Unreadable(why)
