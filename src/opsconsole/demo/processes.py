"""Child servers: started in a process group of their own, waited for, stopped by pid.

Invariants:

* A server never outlives the process that started it, however that one ends: the kernel
  kills the child when its parent is gone (``PR_SET_PDEATHSIG``, prctl(2)).
* ``stop`` signals the whole process group, and only while its leader's pid is still held
  (not yet reaped), so that a pid used again by someone else is never signalled.
* What a server writes goes to its log file, never to the terminal.
"""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self

from opsconsole.errors import OpsconsoleError
from opsconsole.text import sanitize_bytes

LOOPBACK = "127.0.0.1"

_POLL = 0.02
_TAIL_BYTES = 2000
_TAIL_LINES = 12

# Runs in the child before the server: PR_SET_PDEATHSIG is 1, SIGKILL is 9. It is a program
# of its own, as code between fork and exec is unsafe in a process that has threads. A parent
# that died before the call is seen by its pid.
_LAUNCHER = """
import ctypes, os, sys
ctypes.CDLL(None, use_errno=True).prctl(1, 9, 0, 0, 0)
if os.getppid() != int(sys.argv[1]):
    os._exit(1)
os.execvp(sys.argv[2], sys.argv[2:])
"""


class ServerError(OpsconsoleError):
    """A child server ended, or did not answer in time. Carries the end of its log."""


class ServerProcess:
    """One running child server, the leader of its own process group."""

    def __init__(self, name: str, popen: subprocess.Popen[bytes], log: Path) -> None:
        self.name = name
        self.log = log
        self._popen = popen

    @property
    def pid(self) -> int:
        """The server's process id, which is its process group's id too."""
        return self._popen.pid

    def is_running(self) -> bool:
        """Whether the server has not ended yet. Does not reap it."""
        if self._popen.returncode is not None:
            return False
        flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, self.pid, flags) is None

    def wait_ready(self, ready: Callable[[], bool], *, deadline: float = 15.0) -> None:
        """Return once ``ready()`` is true; ``deadline`` seconds at most.

        Raises ServerError, after stopping the server, when it ended or did not answer.
        """
        try:
            wait_until(lambda: not self.is_running() or ready(), deadline=deadline)
        except TimeoutError:
            self._fail(f"{self.name} did not answer within {deadline:g} s")
        if not self.is_running():
            self._fail(f"{self.name} ended before it answered")

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to the whole group; nothing when the server was stopped already."""
        if self._popen.returncode is None:
            os.killpg(self.pid, number)

    def stop(self, *, grace: float = 5.0) -> None:
        """End the whole group: TERM, ``grace`` seconds, KILL. Harmless when stopped already."""
        if self._popen.returncode is not None:
            return
        self.send_signal(signal.SIGTERM)
        self.send_signal(signal.SIGCONT)  # a suspended process would never see the TERM
        # The KILL is for a leader that stayed, and for members that outlived it.
        with contextlib.suppress(TimeoutError):
            wait_until(lambda: not self.is_running(), deadline=grace)
        self.kill()

    def kill(self) -> None:
        """End the whole group at once, without notice."""
        self.send_signal(signal.SIGKILL)
        self._popen.wait()

    def log_tail(self) -> str:
        """The last lines of the log, safe for a terminal."""
        with self.log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
            lines = file.read().splitlines()[-_TAIL_LINES:]
        return "\n".join(sanitize_bytes(line) for line in lines)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _fail(self, what: str) -> None:
        self.stop()
        raise ServerError(f"{what}\n{self.log_tail()}", remedy=f"its log is {self.log}")


def spawn(
    name: str,
    argv: Sequence[str | os.PathLike[str]],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> ServerProcess:
    """Start a server and return at once; ``wait_ready`` returns when it answers.

    ``log`` is appended to. Raises ServerError when the program cannot be started.
    """
    command = [sys.executable, "-I", "-S", "-c", _LAUNCHER, str(os.getpid())]
    command += [os.fspath(word) for word in argv]
    with log.open("ab") as output:
        try:
            popen = _lasting_thread().submit(
                subprocess.Popen,
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=None if env is None else dict(env),
                cwd=folder,
                start_new_session=True,
            )
            return ServerProcess(name, popen.result(), log)
        except OSError as error:
            raise ServerError(f"{name} cannot be started: {error}") from error


def start(
    name: str,
    argv: Sequence[str | os.PathLike[str]],
    *,
    log: Path,
    ready: Callable[[], bool],
    deadline: float = 15.0,
    env: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> ServerProcess:
    """``spawn``, then ``wait_ready``: the server that is returned answers."""
    server = spawn(name, argv, log=log, env=env, folder=folder)
    server.wait_ready(ready, deadline=deadline)
    return server


def free_port() -> int:
    """A TCP port of the loopback address that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def answers_http(port: int, path: str = "/", *, host: str = LOOPBACK) -> bool:
    """Whether ``GET path`` is answered with status 200 within a second."""
    connection = http.client.HTTPConnection(host, port, timeout=1)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def wait_until(condition: Callable[[], bool], *, deadline: float, poll: float = _POLL) -> None:
    """Return once ``condition()`` is true; raise TimeoutError after ``deadline`` seconds."""
    end = time.monotonic() + deadline
    while not condition():
        if time.monotonic() >= end:
            raise TimeoutError(f"not so within {deadline:g} s")
        time.sleep(poll)


@cache
def _lasting_thread() -> ThreadPoolExecutor:
    """The one thread that starts servers, alive as long as the interpreter.

    The parent of PR_SET_PDEATHSIG is the thread that forked: a server started from a
    short-lived thread would die with it.
    """
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="server-parent")
