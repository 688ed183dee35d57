"""Starting a process that outlives the terminal.

Invariant: the started process has its own session, no terminal, its output in a private log, and
init for a parent; it holds its locks from before it exists until it ends, because the starter
passes them on: open files as such, what it needs to know on its input, never in its arguments,
which every user of the host can read. What it then does is in ``opsconsole.operations.detached``,
which is not imported here: the starter of a process need not know what it does.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Final, Literal

from opsconsole import durable
from opsconsole.errors import StateError
from opsconsole.operations.locks.locks import Held
from opsconsole.operations.own_configuration import OwnConfiguration
from opsconsole.operations.state_place import StatePlace

START_LIMIT: Final = 10.0
"""Seconds in which the started process must have detached itself."""

Task = Literal["run", "look", "keep"]
"""Carry an operation out; end by looking what a dead runner left; keep this user's promises."""


def start(
    task: Task,
    state: StatePlace,
    own: OwnConfiguration,
    operation: str = "",
    *,
    hand_over: Sequence[Held] = (),
) -> None:
    """Start ``task`` under this process's own configuration, for ``operation`` if it is about one.

    It holds the locks ``hand_over`` as well; once it was started, they end with it and no more
    with this process. Returns when it is on its own. Raises StateError when it could not be
    started.
    """
    path = state.log_of(operation or f"{task}-{os.geteuid()}")
    inherited = [descriptor for held in hand_over for descriptor in held.descriptors]
    descriptors = ",".join(map(str, inherited))
    grants = json.dumps([held.grant for held in hand_over if held.grant])
    argv = [
        sys.executable, "-P", "-m", "opsconsole.operations.detached",
        task, state.name, own.path, own.base, operation, descriptors,
    ]  # fmt: skip
    try:
        log = durable.open_file(path, os.O_WRONLY | os.O_APPEND, 0o600)
    except OSError as error:
        raise StateError(f"cannot write the log {path}: {error.strerror}") from error
    said = _readable(grants)
    try:
        code = subprocess.run(
            argv,
            stdin=said,
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,
            pass_fds=inherited,
            timeout=START_LIMIT,
            check=False,
        ).returncode
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StateError(f"cannot start a process of its own: {type(error).__name__}") from error
    finally:
        os.close(said)
        os.close(log)
    if code != 0:
        raise StateError(
            f"a process of its own could not be started (exit {code})", remedy=f"look at {path}"
        )
    for held in hand_over:
        held.handed_over()


def _readable(text: str) -> int:
    """An open file in memory, to be read from its beginning.

    Who starts a process may be killed before it would have written to a pipe.
    """
    descriptor = os.memfd_create("grants", os.MFD_CLOEXEC)
    os.write(descriptor, text.encode())
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor
