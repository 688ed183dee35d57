"""Starting a process that outlives the terminal.

Invariant: the started process has its own session, no terminal, its output in a private log, and
init for a parent; it holds its locks from before it exists until it ends, because the starter
hands them over. What it then is stands in ``opsconsole.operations.detached``, which is not
imported here: whoever starts a process need not know what it does.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final, Literal

from opsconsole import durable
from opsconsole.errors import StateError

START_LIMIT: Final = 10.0
"""Seconds in which the started process must have detached itself."""

Task = Literal["run", "keep", "watch", "rollback"]


def start(
    task: Task, state_dir: Path, operation: str, *, fresh: bool, hand_over: tuple[int, ...]
) -> None:
    """Start ``task`` for ``operation``.

    ``hand_over`` are its locks' descriptors. Returns when it is on its own.
    Raises StateError when it could not be started.
    """
    argv = [
        sys.executable, "-P", "-m", "opsconsole.operations.detached",
        task, str(state_dir), operation, "fresh" if fresh else "again",
        ",".join(str(descriptor) for descriptor in hand_over),
    ]  # fmt: skip
    try:
        path = state_dir / "logs" / f"{operation}.log"
        log = durable.open_file(path, os.O_WRONLY | os.O_APPEND, 0o600)
    except OSError as error:
        raise StateError(f"cannot write a runner's log: {error.strerror}") from error
    try:
        code = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,
            pass_fds=hand_over,
            timeout=START_LIMIT,
            check=False,
        ).returncode
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StateError(f"cannot start a runner: {type(error).__name__}") from error
    finally:
        os.close(log)
    if code != 0:
        raise StateError(
            f"the runner could not be started (exit {code})",
            remedy=f"look at {state_dir / 'logs' / f'{operation}.log'}",
        )
