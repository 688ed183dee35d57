"""A line to a server that a test can cut. The server itself is not touched."""

import contextlib
import socket
import threading
from types import TracebackType
from typing import Final, Self

from opsconsole.demo.processes import LOOPBACK

_PIECE: Final = 65536


class Line:
    """Listens at ``port`` and passes everything to and from the server at ``far``."""

    def __init__(self, far: int) -> None:
        self._far = far
        self._door = socket.create_server((LOOPBACK, 0))
        self.port: int = self._door.getsockname()[1]
        self.carried = 0
        """Connections so far."""
        self._ends: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._passes = threading.Event()
        self._passes.set()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """End every connection at once; new ones are passed on as before."""
        with self._lock:
            ends = list(self._ends)
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def hold(self) -> None:
        """Let nothing through, and say so to nobody: what is sent arrives when it may."""
        self._passes.clear()

    def let_through(self) -> None:
        """Let through what was held and what comes."""
        self._passes.set()

    def lead_to(self, far: int) -> None:
        """Lead to another server from now on; every connection ends."""
        self._far = far
        self.cut()

    def close(self) -> None:
        """End everything."""
        self._passes.set()
        with contextlib.suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        self.cut()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._door.accept()
            except OSError:
                return
            self.carried += 1
            try:
                far = socket.create_connection((LOOPBACK, self._far), timeout=5)
            except OSError:
                near.close()
                continue
            far.settimeout(None)
            for one, other in ((near, far), (far, near)):
                with self._lock:
                    self._ends.add(one)
                threading.Thread(target=self._pass, args=(one, other), daemon=True).start()

    def _pass(self, one: socket.socket, other: socket.socket) -> None:
        """From ``one`` to the ``other``, until one of them ends."""
        with contextlib.suppress(OSError):
            while piece := one.recv(_PIECE):
                self._passes.wait()
                other.sendall(piece)
        for end in (one, other):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        with self._lock:
            self._ends.discard(one)
        one.close()
