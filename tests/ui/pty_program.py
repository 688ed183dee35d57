"""A program on a pseudo-terminal, for tests of what reaches a terminal and how it is left."""

import contextlib
import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Sequence
from typing import Any

import pyte

ENTERED = ("?1049h", "?25l", "?1000h", "?1003h", "?2004h")
LEFT = ("?1049l", "?25h", "?1000l", "?1003l", "?2004l")


class Session:
    """The master's side: bytes so far, an emulator's screen, and the slave's modes."""

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        size: tuple[int, int] = (120, 40),
        environment: dict[str, str] | None = None,
        prepare: Callable[[], None] | None = None,
    ) -> None:
        self.screen = pyte.Screen(*size)
        self._stream = pyte.ByteStream(self.screen)
        self.master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        self.modes: list[Any] = termios.tcgetattr(self.slave)
        self.bytes = bytearray()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.ui.program", *arguments],
            stdin=self.slave, stdout=self.slave, stderr=self.slave,
            start_new_session=True, preexec_fn=prepare,  # noqa: PLW1509  # no thread runs here
            env=os.environ | {"COLORTERM": "truecolor"} | (environment or {}),
        )  # fmt: skip

    def read(self, seconds: float) -> bytes:
        """What arrives within so long."""
        out = bytearray()
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if not select.select([self.master], [], [], left)[0]:
                break
            try:
                data = os.read(self.master, 65536)
            except OSError:
                break
            out += data
        self.bytes += out
        return bytes(out)

    def until(self, text: str, seconds: float = 20.0) -> None:
        """Read until ``text`` has been sent."""
        wanted = text.encode()
        end = time.monotonic() + seconds
        while wanted not in self.bytes:
            if time.monotonic() > end:
                raise AssertionError(f"{text!r} never came: {bytes(self.bytes[-600:])!r}")
            self.read(0.1)

    def type(self, raw: bytes) -> None:
        """Send input."""
        os.write(self.master, raw)

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
        raise AssertionError(f"still there after {seconds} s")

    @property
    def modes_now(self) -> list[Any]:
        """The terminal's modes at this moment."""
        return termios.tcgetattr(self.slave)

    def assert_given_back(self) -> None:
        """Modes equal, and each thing that was turned on turned off after it."""
        assert self.modes_now == self.modes
        text = self.bytes.decode("utf-8", "replace")
        for on, off in zip(ENTERED, LEFT, strict=True):
            assert on in text
            assert text.rfind(off) > text.rfind(on), off
        assert text.rfind("\x1b[<u") > text.rfind("\x1b[>")

    def close(self) -> None:
        """End the program if it has not ended."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for descriptor in (self.master, self.slave):
            if descriptor >= 0:
                with contextlib.suppress(OSError):
                    os.close(descriptor)
