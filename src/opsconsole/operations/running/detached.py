"""Starting a process that outlives the terminal, and being one.

Invariant: the started process has its own session, no terminal, its output in a private log, and
init for a parent; it holds its locks from before it exists until it ends, because the starter
hands them over. As a program this file does the least there can be before it detaches, so that
the starter waits for milliseconds.

``python -m opsconsole.operations.running.detached TASK STATE_DIR OPERATION fresh|again``, where
TASK is run, keep, watch or rollback.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from opsconsole.errors import StateError

START_LIMIT: Final = 10.0
"""Seconds in which the started process must have detached itself."""


def start(
    task: str, state_dir: Path, operation: str, *, fresh: bool, hand_over: tuple[int, ...]
) -> None:
    """Start ``task`` (run, keep, watch or rollback) for ``operation``.

    ``hand_over`` are its locks' descriptors. Returns when it is on its own.
    Raises StateError when it could not be started.
    """
    argv = [
        sys.executable, "-P", "-m", "opsconsole.operations.running.detached",
        task, str(state_dir), operation, "fresh" if fresh else "again",
        ",".join(str(descriptor) for descriptor in hand_over),
    ]  # fmt: skip
    log = os.open(
        state_dir / "logs" / f"{operation}.log",
        os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW,
        0o600,
    )
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


def main(arguments: list[str]) -> int:
    """Detach, then carry out the task."""
    task, folder, operation, how, descriptors = arguments
    if os.fork() > 0:
        os._exit(0)
    for descriptor in filter(None, descriptors.split(",")):
        os.set_inheritable(int(descriptor), False)
    if task == "keep":
        from opsconsole.operations.promises.degradation_end import keep

        return keep(Path(folder), operation)
    if task == "watch":
        from opsconsole.operations.promises.ack_keeper import keep as watch

        return watch(Path(folder), operation)
    if task == "rollback":
        from opsconsole.operations.promises.auto_rollback import keep as count_down

        return count_down(Path(folder), operation)
    from opsconsole.operations.running.runner import run_locked

    return run_locked(Path(folder), operation, fresh=how == "fresh")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
