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
from opsconsole.operations.journal.journal import Journal
from opsconsole.operations.journal.reader import Intent
from opsconsole.operations.promises import automatic as by_itself
from opsconsole.operations.running import detached, lock

_MARK: Final = ".acknowledged"


def begin(journal: Journal, operation: str, plan: Plan, state: OperationState) -> None:
    """Start the keeper of a verified acknowledgement; nothing for any other operation."""
    if plan.kind is not ActionKind.ACKNOWLEDGE or state is not OperationState.VERIFIED:
        return
    _mark(journal.folder, operation).touch(mode=0o600)
    detached.start("watch", journal.folder, operation, fresh=True, hand_over=())


def revive(folder: Path) -> int:
    """Start a keeper for each acknowledgement that has none, as after a reboot; how many."""
    started = 0
    for mark in sorted((folder / "runners").glob(f"*{_MARK}")):
        operation = mark.name.removesuffix(_MARK)
        if not lock.is_held(lock.keeper_lock(folder, operation)):
            detached.start("watch", folder, operation, fresh=False, hand_over=())
            started += 1
    return started


def keep(folder: Path, operation: str) -> int:
    """Watch until the alert has resolved or the silence has ended; a process of its own."""
    by_itself.outlive_terminals()
    held = lock.take(lock.keeper_lock(folder, operation), patience=1.0)
    if held is None:
        return 0
    try:
        intent = _intent(folder, operation)
        if intent is not None:
            # What talks to the server is slow to import, and every runner and console imports this.
            from opsconsole.operations.promises.ack_watch import watch

            watch(folder, intent)
        _mark(folder, operation).unlink(missing_ok=True)
        lock.keeper_lock(folder, operation).unlink(missing_ok=True)
    finally:
        held.release()
    return 0


def _intent(folder: Path, operation: str) -> Intent | None:
    journal = Journal(folder)
    try:
        return journal.intent(operation)
    finally:
        journal.close()


def _mark(folder: Path, operation: str) -> Path:
    return folder / "runners" / f"{operation}{_MARK}"
