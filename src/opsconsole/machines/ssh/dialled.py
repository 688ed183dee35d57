"""A socket whose other end is a program of another host, over an ``ssh`` of its own.

Invariant: as of a line (``line``): nobody is asked for anything, and nothing that a login shell
prints before is taken for the program's. The program reads and writes nothing but the socket, so
that it and ssh end once that is closed, however this process ends; where it does not, ssh is ended.
A dial is a login: few at a time, and a host that failed is left alone for a while. Everything here
blocks.
"""

import contextlib
import secrets
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Final

from opsconsole import programs
from opsconsole.machines.ssh.line import LostError, StrangeError
from opsconsole.machines.ssh.logins import GATE, WITHIN, Patience, Target, explained
from opsconsole.model.running.machine import Failure, MachineError

_PIECE: Final = 4096
_JUNK: Final = 64 * 1024
_COMPLAINT: Final = 2000
_LAST_WORDS: Final = 2.0

ENDS_WITHIN: Final = 2 * _LAST_WORDS
"""Seconds after which an ssh is ended whose socket is closed: a host may say nothing for ever."""


class _Socket(socket.socket):
    """Calls ``closed`` once nobody reads of it any more."""

    closed: Callable[[], None]

    def _real_close(self) -> None:
        super()._real_close()  # type: ignore[misc]  # what a file made of it calls at its end
        self.closed()


class Dialled:
    """``socket`` is the caller's to close."""

    def __init__(self, target: Target, code: str) -> None:
        self._mark = b"\x16%s\n" % secrets.token_hex(16).encode()
        greeting = self._mark.decode()[1:-1]
        # It holds nothing that sh, csh or fish read differently.
        command = f"exec /bin/sh -c 'printf \"\\026%s\\n\" {greeting}; {code}'"
        near, far = socket.socketpair()
        self.socket = _Socket(fileno=near.detach())
        self.socket.closed = lambda: None
        try:
            self._ssh = programs.begin((*target.argv, command), far.fileno())
        except BaseException:
            self.socket.close()
            raise
        finally:
            far.close()
        self._complained = bytearray()
        self._drains = threading.Thread(target=self._drain, name="hears an ssh", daemon=True)
        self._drains.start()
        self.socket.closed = partial(_end_later, self._ssh)

    def complaint(self, within: float = _LAST_WORDS) -> bytes:
        """The end of what ssh and the program complained, once they have ended or time is up."""
        self._drains.join(within)
        return bytes(self._complained)

    def end(self) -> None:
        """Close the socket and end ssh at once."""
        self.socket.close()
        self._ssh.kill()

    def greeted(self, ends: float) -> None:
        """Return once the program is begun. Raises LostError, StrangeError, TimeoutError."""
        said = b""
        while not said.endswith(self._mark):
            left = ends - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self.socket.settimeout(left)
            piece = self.socket.recv(_PIECE)
            if not piece:
                raise LostError(self.complaint(), self._ssh.poll())
            said += piece
            if len(said) > _JUNK or self._mark in said[:-1]:
                raise StrangeError(said[:200])
        self.socket.settimeout(None)
        self._complained.clear()

    def _drain(self) -> None:
        """Hear what is complained, so that it never fills its pipe, and collect ssh."""
        pipe = self._ssh.stderr
        assert pipe is not None
        with pipe, contextlib.suppress(OSError):
            while data := pipe.read(_PIECE):
                self._complained += data
                del self._complained[:-_COMPLAINT]
        self._ssh.wait()


def _end_later(ssh: "subprocess.Popen[bytes]") -> None:
    ends = threading.Timer(ENDS_WITHIN, ssh.kill)
    ends.daemon = True
    ends.start()


def dial(target: Target, code: str, within: float) -> Dialled:
    """Log in, at most ``within`` seconds, and begin ``code``. Raises MachineError.

    ``code`` is a line for ``sh`` without a quote and without ``!``; it ends by ``exec``.
    """
    within = min(within, WITHIN)
    ends = time.monotonic() + within
    patience = _patience(target)
    patience.check()
    if not GATE.enter(ends):
        raise MachineError(Failure.TIMED_OUT, f"{target.name}: too many logins are under way")
    try:
        dialled = _dialled(target, code, ends, within)
    except MachineError as error:
        patience.failed(error)
        raise
    finally:
        GATE.leave()
    patience.succeeded()
    return dialled


def _dialled(target: Target, code: str, ends: float, within: float) -> Dialled:
    try:
        dialled = Dialled(target, code)
    except OSError as error:
        raise explained(error, target) from error
    try:
        dialled.greeted(ends)
    except (LostError, StrangeError, OSError) as error:
        dialled.end()
        raise explained(error, target, within) from error
    except BaseException:
        dialled.end()
        raise
    return dialled


@lru_cache(maxsize=1000)
def _patience(target: Target) -> Patience:
    return Patience()
