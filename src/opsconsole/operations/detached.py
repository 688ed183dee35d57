"""The entry point of a detached process: an operation's runner, or the keeper of a promise.

Invariant: as a program this file does the least there can be before it detaches, so that the
starter waits for milliseconds. Nobody imports it; ``spawn`` starts it.

``python -m opsconsole.operations.detached TASK STATE_DIR OPERATION fresh|again DESCRIPTORS``,
where TASK is one of ``spawn.Task`` and DESCRIPTORS are those of the locks that are handed over.
"""

import os
import sys
from pathlib import Path


def main(arguments: list[str]) -> int:
    """Detach, then carry out the task."""
    task, folder, operation, how, descriptors = arguments
    if os.fork() > 0:
        os._exit(0)
    for descriptor in filter(None, descriptors.split(",")):
        os.set_inheritable(int(descriptor), False)
    if task == "keep":
        from opsconsole.operations.keeping.end_keeper import keep

        return keep(Path(folder), operation)
    if task == "watch":
        from opsconsole.operations.keeping.ack_keeper import keep as watch

        return watch(Path(folder), operation)
    if task == "rollback":
        from opsconsole.operations.keeping.rollback_keeper import keep as count_down

        return count_down(Path(folder), operation)
    from opsconsole.operations.running.runner import run_locked

    return run_locked(Path(folder), operation, fresh=how == "fresh")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
