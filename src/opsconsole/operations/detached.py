"""The entry point of a detached process: an operation's runner, or the keeper of promises.

Invariant: as a program this file does as little as possible before it detaches, so that the
starter waits for milliseconds. Nobody imports it; ``spawn`` starts it.

``python -m opsconsole.operations.detached TASK STATE CONFIG BASE OPERATION DESCRIPTORS``,
where TASK is one of ``spawn.Task``, STATE the name of a state, CONFIG and BASE are the starter's
own configuration and its folder, and DESCRIPTORS are those of the locks handed over.
"""

import os
import sys


def main(arguments: list[str]) -> int:
    """Detach, then carry out the task."""
    task, name, config, base, operation, descriptors = arguments
    if os.fork() > 0:
        os._exit(0)
    for descriptor in filter(None, descriptors.split(",")):
        os.set_inheritable(int(descriptor), False)
    # What follows is slow to import, and the starter waits no longer.
    from opsconsole.operations.own_configuration import OwnConfiguration
    from opsconsole.operations.state_place import place_of

    state, own = place_of(name), OwnConfiguration(config, base)
    if task == "keep":
        from opsconsole.operations.keeping.keeper import keep

        return keep(state, own)
    from opsconsole.operations.running.runner import run

    def release() -> None:
        for descriptor in filter(None, descriptors.split(",")):
            os.close(int(descriptor))

    return run(state, own, operation, fresh=task == "run", release=release)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
