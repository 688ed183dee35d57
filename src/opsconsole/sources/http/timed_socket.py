"""A socket that knows when the bytes that it gave had arrived.

Invariant: ``arrived`` is a moment on the steady clock, never in the future, at which the kernel had
the last bytes that were read: however long they lay unread because this process was busy. It is
None where the kernel does not say (SO_TIMESTAMPNS of socket(7), on Linux).
"""

import contextlib
import socket
import struct
import sys
import time
from typing import Any, Final

_TIMESTAMPS: Final = 35
"""SO_TIMESTAMPNS, which Python has no name for."""

_SAYS: Final = sys.platform == "linux"
_STAMP: Final = struct.Struct("@ll")
_ROOM: Final = socket.CMSG_SPACE(_STAMP.size)
_MOMENT: Final = 1e-4
"""Seconds that two clocks may be read apart."""

_TRIES: Final = 5


class TimedSocket(socket.socket):
    """A TCP socket; what asyncio calls to read is all that differs."""

    arrived: float | None = None

    def note_times(self) -> None:
        """Ask the kernel to say when bytes arrive; call it once connected."""
        if _SAYS:
            with contextlib.suppress(OSError):
                self.setsockopt(socket.SOL_SOCKET, _TIMESTAMPS, 1)

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        """As a socket's."""
        data, notes, _flags, _peer = self.recvmsg(bufsize, _ROOM, flags)
        self._note(notes)
        return data

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        """As a socket's."""
        room = memoryview(buffer)[:nbytes] if nbytes else buffer
        count, notes, _flags, _peer = self.recvmsg_into([room], _ROOM, flags)
        self._note(notes)
        return count

    def _note(self, notes: list[tuple[int, int, bytes]]) -> None:
        for level, kind, data in notes:
            if (level, kind) == (socket.SOL_SOCKET, _TIMESTAMPS) and len(data) >= _STAMP.size:
                seconds, nanoseconds = _STAMP.unpack_from(data)
                wall, steady = _both_clocks()
                self.arrived = steady - max(0.0, wall - (seconds + nanoseconds / 1e9))


def _both_clocks() -> tuple[float, float]:
    """The wall clock and the steady one at one moment: this process may lose its core between
    reading the one and the other."""
    for _ in range(_TRIES):
        before = time.monotonic()
        wall = time.time()
        if time.monotonic() - before < _MOMENT:
            break
    return wall, before
