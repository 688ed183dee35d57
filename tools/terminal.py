"""A program on a pseudo-terminal, with its bytes fed to a terminal emulator.

Invariant: what ``lines`` and ``screen`` show is what the program's own bytes made of the screen;
``sent`` holds every byte. The program leads a session of its own, as a login shell does.
"""

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import pyte

# pyte would print these: CSI with ``<``, ``=``, ``>``, and mode reports.
_BEYOND_PYTE: Final = re.compile(rb"\x1b\[[><=][0-9;]*[a-zA-Z]|\x1b\[\?[0-9;]*\$p")
_PARTIAL: Final = re.compile(rb"\x1b(\[[><=?]?[0-9;]*\$?)?$")
_CHUNK: Final = 65536
LONGEST: Final = 300.0
"""Seconds after which what is waited for never comes."""

PAUSE: Final = 0.1
"""Seconds without a byte by which a repaint is known to have ended."""

PAINTED_WITHIN: Final = 2.0
"""Seconds for which the end of a repaint is waited for, on a screen that never rests."""


_FROM_TERMINAL: Final = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT)


def _as_at_login(prepare: Callable[[], None] | None) -> None:
    """Be controlled by the terminal and obey what it sends, whatever our own starter ignores."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    for each in _FROM_TERMINAL:
        signal.signal(each, signal.SIG_DFL)
    if prepare is not None:
        prepare()


def child_of(pid: int) -> int:
    """The first child of a process: the console of its guardian, the job of a shell."""
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


class Terminal:
    """One run of ``argv``. ``size`` is columns by rows.

    ``environment`` adds to ours; None takes a name away.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        size: tuple[int, int] = (120, 40),
        environment: Mapping[str, str | None] | None = None,
        prepare: Callable[[], None] | None = None,
    ) -> None:
        self.screen = pyte.Screen(*size)
        self.sent = bytearray()
        self._stream = pyte.ByteStream(self.screen)
        self._partial = b""
        self.master, self.slave = pty.openpty()
        self._resize(size)
        self.modes: list[Any] = termios.tcgetattr(self.slave)
        ours: dict[str, str | None] = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
        wanted = {**os.environ, **ours, **(environment or {})}
        self.process = subprocess.Popen(
            argv,
            stdin=self.slave,
            stdout=self.slave,
            stderr=self.slave,
            start_new_session=True,
            preexec_fn=partial(_as_at_login, prepare),  # noqa: PLW1509 - the tests start no threads before it
            env={name: value for name, value in wanted.items() if value is not None},
        )

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def lines(self) -> list[str]:
        """The screen's rows, without the blanks at their ends."""
        cells, columns = self.screen.buffer, range(self.screen.columns)
        rows = range(self.screen.lines)
        return ["".join(cells[y][x].data for x in columns).rstrip() for y in rows]

    @property
    def text(self) -> str:
        """The screen as one text."""
        return "\n".join(self.lines)

    @property
    def modes_now(self) -> list[Any]:
        """The terminal's modes at this moment."""
        return termios.tcgetattr(self.slave)

    def read(self, seconds: float) -> bytes:
        """Feed the emulator with what arrives until nothing has come for ``seconds``."""
        out = bytearray()
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if not select.select([self.master], [], [], left)[0]:
                break
            try:
                data = os.read(self.master, _CHUNK)
            except OSError:
                break
            if not data:
                break
            out += data
            self._feed(data)
        self.sent += out
        return bytes(out)

    def take(self, *, unseen: bool = False) -> bool:
        """Take what has arrived, without waiting; whether there was any.

        The emulator is fed with it unless it is to stay ``unseen``, which costs far less.
        """
        if self.master < 0 or not select.select([self.master], [], [], 0)[0]:
            return False
        try:
            data = os.read(self.master, _CHUNK)
        except OSError:
            return False
        if not unseen:
            self._feed(data)
        self.sent += data
        return bool(data)

    @property
    def is_full(self) -> bool:
        """Whether the program can write no more until somebody reads."""
        return not select.select([], [self.slave], [], 0)[1]

    @property
    def processes(self) -> list[int]:
        """The processes of the program's session that are still there."""
        found = []
        for each in Path("/proc").iterdir():
            if each.name.isdecimal():
                with contextlib.suppress(OSError):
                    fields = (each / "stat").read_text().rpartition(") ")[2].split()
                    if int(fields[3]) == self.process.pid and fields[0] != "Z":
                        found.append(int(each.name))
        return sorted(found)

    def wait_for_bytes(self, most: float) -> bytes:
        """What comes first within ``most`` seconds, unread by the emulator, so as not to wait."""
        if not select.select([self.master], [], [], most)[0]:
            return b""
        data = os.read(self.master, _CHUNK)
        self.sent += data
        return data

    def read_for(self, seconds: float) -> None:
        """Take what comes for so long, unread by the emulator."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.wait_for_bytes(left)

    def until(self, wanted: Callable[[str], bool] | str) -> None:
        """Read until the screen holds ``wanted`` and is painted whole, however slow the machine is.

        Raises AssertionError with the screen where it never does.
        """
        holds = wanted if callable(wanted) else lambda text: wanted in text
        end = time.monotonic() + LONGEST
        while not holds(self.text):
            if time.monotonic() > end:
                raise AssertionError(f"{wanted!r} was never seen:\n{self.text}")
            self.read(0.1)
        end = time.monotonic() + PAINTED_WITHIN
        while self.read(PAUSE) and time.monotonic() < end:
            pass

    def settle(self, quiet: float = 0.7, most: float = 12.0) -> None:
        """Read until nothing has come for ``quiet`` seconds after the first byte."""
        end = time.monotonic() + most
        while time.monotonic() < end:
            if not self.read(quiet) and self.sent:
                return

    def press(self, keys: str | bytes) -> None:
        """Send input."""
        os.write(self.master, keys.encode() if isinstance(keys, str) else keys)

    def resize(self, size: tuple[int, int]) -> None:
        """Change the terminal's size, and notify the program."""
        self._resize(size)
        self.screen.resize(lines=size[1], columns=size[0])

    def hang_up(self) -> None:
        """Take the terminal away."""
        os.close(self.slave)
        os.close(self.master)
        self.master = self.slave = -1

    def wait(self, seconds: float) -> tuple[int, float]:
        """Exit code and how long it took, reading meanwhile."""
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            if self.process.poll() is not None:
                if self.master >= 0:
                    self.read(0.2)
                return self.process.returncode, time.monotonic() - began
            if self.master >= 0:
                self.read(0.05)
            else:
                time.sleep(0.05)
        raise AssertionError(f"still there after {seconds:g} s:\n{self.text}")

    def close(self) -> None:
        """End the program, kindly first, and give the terminal back."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.wait(5)
            except AssertionError:
                self.process.kill()
                self.process.wait()
        for descriptor in (self.master, self.slave):
            if descriptor >= 0:
                with contextlib.suppress(OSError):
                    os.close(descriptor)
        self.master = self.slave = -1

    def _feed(self, data: bytes) -> None:
        """Give the emulator whole sequences, without those that it would print."""
        data = self._partial + data
        cut = _PARTIAL.search(data)
        self._partial = data[cut.start() :] if cut else b""
        self._stream.feed(_BEYOND_PYTE.sub(b"", data[: cut.start()] if cut else data))

    def _resize(self, size: tuple[int, int]) -> None:
        columns, rows = size
        packed = struct.pack("HHHH", rows, columns, 0, 0)
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, packed)
