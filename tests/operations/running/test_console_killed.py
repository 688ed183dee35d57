"""The console dies; its operation does not."""

import fcntl
import os
import signal
import subprocess
import sys
import termios
from collections.abc import Callable

import pytest

from opsconsole.model.operation import OperationState
from tests.operations.place import Place, ended, http_config
from tests.operations.recording_server import RecordingServer
from tests.patience import soon as until

Serve = Callable[[], RecordingServer]


def _become_foreground() -> None:
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _console(place: Place, terminal: int) -> "subprocess.Popen[bytes]":
    argv = [sys.executable, "-m", "opsconsole", "restart", "web", "--yes", "--reason", "a test"]
    return subprocess.Popen(
        [*argv, "-c", str(place.config)],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        preexec_fn=_become_foreground,  # noqa: PLW1509 - only system calls are made
    )


@pytest.mark.parametrize("death", ["kill", "hangup"])
async def test_the_operation_ends_with_a_verdict(death: str, place: Place, serve: Serve) -> None:
    servers = [serve(), serve()]
    for server in servers:
        server.behaviour.answer = "slow"
    place.write(f"state_dir: {place.state}\n" + http_config(*servers))
    ours, theirs = os.openpty()
    console = _console(place, theirs)
    os.close(theirs)
    await until(lambda: bool(servers[0].changes))
    if death == "kill":
        console.send_signal(signal.SIGKILL)
    os.close(ours)
    console.wait(10)
    assert servers[1].changes == [], "it was killed in the middle"
    operator = place.operator()
    operation = await ended(operator, operator.operations()[0].id)
    assert operation.state is OperationState.VERIFIED, operation
    assert [len(server.changes) for server in servers] == [1, 1]
