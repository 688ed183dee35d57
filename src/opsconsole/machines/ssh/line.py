"""One line to a host: an ``ssh`` of the system and the loop at its far end.

Invariant: nobody is ever asked for anything: no terminal, no password, no prompt. What comes is
bounded in time and bytes; a line on which anything is not as it must be is ended and never used
again. Everything here blocks, but ``end``; one thread at a time uses a line, any may end it.
"""

import contextlib
import os
import re
import secrets
import select
import signal
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Final

from opsconsole import programs
from opsconsole.dataclass import dataclass
from opsconsole.machines.ssh import far_end

_PIECE: Final = 64 * 1024
_JUNK: Final = 64 * 1024
"""Bytes that a login shell may say before the loop answers."""

_COMPLAINT: Final = 2000
_HELLO: Final = re.compile(
    rb"hello ([0-9]{1,15}) ([0-9]+) ([0-9]+) ([0-9]+) ([0-9]+)"
    rb" x([a-z,]*) (\S{1,200}) ([^\n]{0,4000})"
)


class LostError(Exception):
    """The line broke, or was ended. ``said`` is the end of what ssh and the far end complained."""

    def __init__(self, said: bytes = b"", code: int | None = None) -> None:
        super().__init__("the line is gone")
        self.said, self.code = said, code


class StrangeError(Exception):
    """What answers is not the loop. ``said`` is the beginning of what it says."""

    def __init__(self, said: bytes) -> None:
        super().__init__("what answers is not the loop")
        self.said = said


class TooMuchError(Exception):
    """More came than is kept. The line is ended."""


@dataclass(frozen=True, slots=True)
class FarEnd:
    """What the far end says of itself; ``seconds`` are what its clock says."""

    user: int
    group: int
    ticks: int
    page: int
    signals: bool
    setsid: bool
    own_group: bool
    seconds: int = 0

    @classmethod
    def parsed(cls, words: bytes) -> "FarEnd | None":
        """Of the hello; None where it is no hello."""
        match = _HELLO.fullmatch(words)
        if match is None:
            return None
        has = match[6].split(b",")
        name, _, rest = match[8].partition(b":")
        members = rest.rpartition(b":")[2].strip()
        own = name == match[7] and members in (b"", match[7]) and int(match[2]) != 0
        return cls(
            user=int(match[2]),
            group=int(match[3]),
            ticks=int(match[4]) or 100,
            page=int(match[5]),
            signals=b"signals" in has,
            setsid=b"setsid" in has,
            own_group=own,
            seconds=int(match[1]),
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """What an ask was answered."""

    status: int
    output: bytes
    complaint: bytes = b""


@dataclass(frozen=True, slots=True)
class Frame:
    """A mark in what comes: what it says, such as ``end 0``."""

    words: tuple[bytes, ...]

    @property
    def kind(self) -> bytes:
        """Its first word."""
        return self.words[0]

    @property
    def number(self) -> int:
        """Its second word. Raises LostError where that is no number."""
        if len(self.words) < 2 or not self.words[1].isdigit() or len(self.words[1]) > 10:
            raise LostError(b"an answer that is not understood")
        return int(self.words[1])


class Line:
    """A line that is open. Raises LostError where it breaks, and OSError without an ssh.

    Its loop has the ``errand`` that it is for, if any, and its own ``name`` among its arguments.
    """

    def __init__(self, argv: tuple[str, ...], errand: str = "") -> None:
        self._mark = secrets.token_hex(16)
        self.name = secrets.token_hex(8)
        script = far_end.script(self._mark)
        names = (far_end.NAME, errand, self.name) if errand else ()
        self._ssh = programs.begin((*argv, far_end.bootstrap(len(script), names)))
        assert self._ssh.stdin is not None
        assert self._ssh.stdout is not None
        assert self._ssh.stderr is not None
        self._in = self._ssh.stdin.fileno()
        self._out, self._err = self._ssh.stdout.fileno(), self._ssh.stderr.fileno()
        for each in (self._in, self._out, self._err):
            os.set_blocking(each, False)
        self._poll = select.poll()
        self._poll.register(self._out, select.POLLIN)
        self._poll.register(self._err, select.POLLIN)
        self._errors = True
        self._number = 0
        self._said = bytearray()
        self._complained = bytearray()
        self._lock = threading.Lock()
        self._collected = False
        self.is_ended = False
        self._hello = script
        self.far_end: FarEnd | None = None
        self.used = time.monotonic()

    def greet(self, ends: float) -> FarEnd:
        """Log in and begin the loop. Raises LostError, StrangeError, TimeoutError at ``ends``."""
        self._send(self._hello, ends)
        mark = self._prefix(0)
        while (at := self._said.find(mark)) < 0 or self._said.find(b"\n", at + len(mark)) < 0:
            if len(self._said) > _JUNK:
                raise StrangeError(bytes(self._said[:200]))
            self._receive(ends)
        stop = self._said.find(b"\n", at + len(mark))
        hello = FarEnd.parsed(bytes(self._said[at + len(mark) : stop]))
        if hello is None:
            raise StrangeError(bytes(self._said[at + len(mark) : stop]))
        del self._said[: stop + 1]
        self._complained.clear()
        self.far_end = hello
        return hello

    def ask(self, code: str, *, limit: int, ends: float, data: bytes = b"") -> Answer:
        """What ``code`` says, run by the loop itself.

        Raises LostError, TooMuchError and TimeoutError: after each of them the line is of no use.
        """
        self.begin(f"{code}\nocA $?", ends, data)
        output = bytearray()
        for each in self.frames(limit, ends):
            if isinstance(each, Frame):
                status = each.number
                complaint = self.complaint(ends) if status else b""
                return Answer(status, bytes(output), complaint)
            output += each
        raise LostError(self._last_words(), self._code())

    def begin(self, code: str, ends: float, data: bytes = b"") -> None:
        """Send ``code``; what it says is to be read by ``frames``. ``data`` is further lines."""
        self._number += 1
        self._complained.clear()
        self.used = time.monotonic()
        whole = f"ocN={self._number}\n{code}"
        self._send(far_end.escaped(far_end.as_bytes(whole)) + b"\n" + data, ends)

    def order(self, code: str, ends: float) -> None:
        """Send ``code`` while something runs; it says nothing."""
        self._send(far_end.escaped(far_end.as_bytes(code)) + b"\n", ends)

    def frames(self, limit: int | None, ends: float | None) -> Iterator[bytes | Frame]:
        """What comes of the last code, as it comes: its bytes, and the marks between them.

        ``limit``: TooMuchError beyond.
        """
        mark = self._prefix(self._number)
        given = 0
        while True:
            at = self._said.find(mark)
            stop = self._said.find(b"\n", at + len(mark)) if at >= 0 else -1
            if stop >= 0:
                before = bytes(self._said[:at])
                words = tuple(bytes(self._said[at + len(mark) : stop]).split())
                del self._said[: stop + 1]
                if before:
                    given += len(before)
                    if limit is not None and given > limit:
                        raise TooMuchError
                    yield before
                if words:
                    yield Frame(words)
                continue
            # The beginning of a mark may be at the end of what has come.
            kept = len(self._said) - at if at >= 0 else _overlap(self._said, mark)
            ready = len(self._said) - kept
            if ready > 0:
                given += ready
                piece = bytes(self._said[:ready])
                del self._said[:ready]
                if limit is not None and given > limit:
                    raise TooMuchError
                yield piece
                continue
            self._receive(ends)

    def pour(
        self, chunks: Iterable[bytes], limit: int, ends: float
    ) -> tuple[int | None, bytes, bytes]:
        """Give ``chunks`` to what has taken the loop's place, and close; its code and what it says.

        The line is of no use afterwards. Raises TooMuchError, TimeoutError, and what ``chunks`` do.
        """
        left = memoryview(b"")
        pieces: Iterator[bytes] = filter(None, chunks)
        writing = select.POLLOUT
        self._poll.register(self._in, writing)
        try:
            while True:
                if writing and not left:
                    left = memoryview(next(pieces, b""))
                    if not left:
                        self._close_input()
                        writing = 0
                if len(self._said) > limit:
                    raise TooMuchError
                ready = dict(self._receive(ends))
                if writing and ready.get(self._in):
                    try:
                        left = left[os.write(self._in, left[:_PIECE]) :]
                    except BlockingIOError:
                        continue
                    except OSError:
                        # It does not read it all: its end says why.
                        left, pieces = memoryview(b""), iter(())
        except LostError as lost:
            return lost.code, bytes(self._said), lost.said[-_COMPLAINT:]

    def _close_input(self) -> None:
        self._poll.unregister(self._in)
        assert self._ssh.stdin is not None
        self._ssh.stdin.close()

    def unread(self, data: bytes) -> None:
        """Have ``data`` come once more."""
        self._said[:0] = data

    def complaint(self, ends: float) -> bytes:
        """The end of what the last code wrote to its standard error, all of which has come."""
        mark = b"\x16%s %d\n" % (self._mark.encode(), self._number)
        while (at := self._complained.find(mark)) < 0:
            self._receive(ends)
        found = bytes(self._complained[:at])[-_COMPLAINT:]
        del self._complained[: at + len(mark)]
        return found

    def end(self) -> None:
        """End it at once; what is run through it is ended at the far end. From any thread."""
        with self._lock, contextlib.suppress(ProcessLookupError, PermissionError):
            self.is_ended = True
            if not self._collected:
                os.killpg(self._ssh.pid, signal.SIGKILL)

    def close(self) -> None:
        """End it and release what it holds; by the thread that used it."""
        self.end()
        with self._lock:
            self._collected = True
        self._ssh.wait()
        for pipe in (self._ssh.stdin, self._ssh.stdout, self._ssh.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _prefix(self, number: int) -> bytes:
        return b"\x16%s %d " % (self._mark.encode(), number)

    def _send(self, data: bytes, ends: float) -> None:
        left = memoryview(data)
        while left:
            try:
                left = left[os.write(self._in, left[:_PIECE]) :]
            except BlockingIOError:
                writable = select.poll()
                writable.register(self._in, select.POLLOUT)
                if not writable.poll(_milliseconds(ends)):
                    raise TimeoutError from None
            except OSError:
                raise LostError(self._last_words(), self._code()) from None

    def _receive(self, ends: float | None) -> list[tuple[int, int]]:
        """Take what has come, once something has; which descriptors are ready for what."""
        if ends is not None and time.monotonic() >= ends:
            raise TimeoutError
        events = self._poll.poll(None if ends is None else _milliseconds(ends))
        if not events:
            raise TimeoutError
        for descriptor, _ in events:
            if descriptor == self._in:
                continue
            try:
                data = os.read(descriptor, _PIECE)
            except BlockingIOError:
                continue
            if descriptor == self._out:
                if not data:
                    raise LostError(self._last_words(), self._code())
                self._said += data
            elif data:
                self._complained += data
                del self._complained[: -4 * _COMPLAINT]
            else:
                self._poll.unregister(self._err)
                self._errors = False
        return events

    def _last_words(self) -> bytes:
        """What ssh says of its end: it is waited for no longer than a moment."""
        ends = time.monotonic() + 2.0
        reader = select.poll()
        reader.register(self._err, select.POLLIN)
        while self._errors and reader.poll(_milliseconds(ends)):
            with contextlib.suppress(BlockingIOError):
                data = os.read(self._err, _PIECE)
                if not data:
                    break
                self._complained += data
                del self._complained[: -4 * _COMPLAINT]
        return bytes(self._complained)

    def _code(self) -> int | None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._ssh.wait(1.0)
        return None


def _overlap(said: bytearray, mark: bytes) -> int:
    """How many bytes at the end of ``said`` begin ``mark``."""
    at = said.rfind(mark[:1], max(0, len(said) - len(mark)))
    return len(said) - at if at >= 0 and mark.startswith(bytes(said[at:])) else 0


def _milliseconds(ends: float) -> int:
    return max(0, int((ends - time.monotonic()) * 1000) + 1)
