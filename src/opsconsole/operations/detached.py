"""The entry point of a detached process: an operation's runner, or the keeper of promises.

Invariant: as a program this file does as little as possible before it detaches, so that the
starter waits for milliseconds. Nobody imports it; ``spawn`` starts it.

``python -m opsconsole.operations.detached TASK STATE CONFIG BASE OPERATION DESCRIPTORS``,
where TASK is one of ``spawn.Task``, STATE the name of a state, CONFIG and BASE are the starter's
own configuration and its folder, and DESCRIPTORS are those of the locks handed over. Its input is
a list, in JSON, of what must be known to hold those that are no open files.
"""

import json
import os
import sys


def main(arguments: list[str]) -> int:
    """Detach, then carry out the task."""
    task, name, config, base, operation, descriptors = arguments
    grants = json.load(sys.stdin)
    if os.fork() > 0:
        os._exit(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, sys.stdin.fileno())
    os.close(nothing)
    files = [int(descriptor) for descriptor in descriptors.split(",") if descriptor]
    for descriptor in files:
        os.set_inheritable(descriptor, False)
    # What follows is slow to import, and the starter waits no longer.
    from opsconsole.operations.locks.flock import HeldFlock
    from opsconsole.operations.own_configuration import OwnConfiguration
    from opsconsole.operations.state_place import place_of

    state, own = place_of(name), OwnConfiguration(config, base)
    if task == "keep":
        from opsconsole.operations.keeping.keeper import keep

        return keep(state, own)
    from opsconsole.operations.running.runner import run

    held = (*map(HeldFlock, files), *state.locks.inherit(grants))
    try:
        return run(state, own, operation, fresh=task == "run", held=held)
    finally:
        # What is no open file does not end with the process.
        for each in held:
            each.release()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
