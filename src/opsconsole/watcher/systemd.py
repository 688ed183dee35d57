"""Notifies systemd that this watcher is ready, lives, and ends.

Invariant: without ``NOTIFY_SOCKET`` nothing is sent; sending never waits and never fails.

Protocol: sd_notify(3): datagrams of lines to a unix socket, whose name begins with ``@`` where it
is abstract.
"""

import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

READY: Final = "READY=1"
ALIVE: Final = "WATCHDOG=1"
STOPPING: Final = "STOPPING=1"


class Systemd:
    """The service manager that started this process, if one did."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._address = environ.get("NOTIFY_SOCKET", "")
        self.pause = _pause(environ)

    def say(self, *lines: str) -> None:
        """Send ``lines`` at once."""
        if not self._address.startswith(("/", "@")):
            return
        address = f"\0{self._address[1:]}" if self._address.startswith("@") else self._address
        with (
            suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out,
        ):
            out.setblocking(False)
            out.sendto("\n".join(lines).encode(), address)


def _pause(environ: Mapping[str, str]) -> float | None:
    """Seconds between two signs of life: half of what systemd waits; None where it does not."""
    if environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    try:
        limit = int(environ.get("WATCHDOG_USEC", ""))
    except ValueError:
        return None
    return limit / 2e6 if limit > 0 else None
