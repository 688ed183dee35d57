"""One rollback by itself after a change that was not verified, unless a person stops it.

Invariant: it is armed in the transaction that records the verdict, by ``rollback_rules``, and a
process of its own counts down, so that the service is free in the meantime.
"""

import contextlib

from opsconsole.errors import StateError
from opsconsole.operations import spawn
from opsconsole.operations.journal.journal import Journal
from opsconsole.operations.running import lock


def begin(journal: Journal, operation: str) -> None:
    """Start the process that counts down for an operation that has a rollback armed."""
    # The next console starts another one where this cannot be started.
    with contextlib.suppress(StateError):
        spawn.start("rollback", journal.folder, operation, fresh=True, hand_over=())


def revive(journal: Journal) -> int:
    """Start a process for each armed rollback that has none; how many were started."""
    waiting = [
        operation
        for operation in journal.armed_rollbacks()
        if not lock.is_held(lock.rollback_lock(journal.folder, operation))
    ]
    for operation in waiting:
        spawn.start("rollback", journal.folder, operation, fresh=False, hand_over=())
    return len(waiting)
