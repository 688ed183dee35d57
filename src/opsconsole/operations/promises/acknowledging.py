"""An acknowledgement ends by itself when its alert resolves, though every console is closed.

Invariant: from the verdict of an acknowledgement until its silence has ended, a process of its own
watches the alert; when the Alertmanager was seen twice in a row without it, the silence is ended
by the way every change goes. The silence has an end of its own, so a keeper that is killed leaves
nothing for ever; the next console starts another.

A file in ``runners/`` says which acknowledgements are watched.
"""

from pathlib import Path
from typing import Final

from opsconsole.model.operation import ActionKind, OperationState, Plan
from opsconsole.operations import spawn
from opsconsole.operations.journal.journal import Journal
from opsconsole.operations.running import lock

_MARK: Final = ".acknowledged"


def begin(journal: Journal, operation: str, plan: Plan, state: OperationState) -> None:
    """Start the keeper of a verified acknowledgement; nothing for any other operation."""
    if plan.kind is not ActionKind.ACKNOWLEDGE or state is not OperationState.VERIFIED:
        return
    mark_of(journal.folder, operation).touch(mode=0o600)
    spawn.start("watch", journal.folder, operation, fresh=True, hand_over=())


def revive(folder: Path) -> int:
    """Start a keeper for each acknowledgement that has none, as after a reboot; how many."""
    started = 0
    for mark in sorted((folder / "runners").glob(f"*{_MARK}")):
        operation = mark.name.removesuffix(_MARK)
        if not lock.is_held(lock.keeper_lock(folder, operation)):
            spawn.start("watch", folder, operation, fresh=False, hand_over=())
            started += 1
    return started


def mark_of(folder: Path, operation: str) -> Path:
    """The file that says that an acknowledgement is watched."""
    return folder / "runners" / f"{operation}{_MARK}"
