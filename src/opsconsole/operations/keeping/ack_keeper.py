"""Watching an acknowledged alert, in a process of its own."""

from pathlib import Path

from opsconsole.operations.journal.journal import Journal
from opsconsole.operations.journal.reader import Intent
from opsconsole.operations.keeping import automatic as by_itself
from opsconsole.operations.keeping.ack_watch import watch
from opsconsole.operations.promises.acknowledging import mark_of
from opsconsole.operations.running import lock


def keep(folder: Path, operation: str) -> int:
    """Watch until the alert has resolved or the silence has ended; a process of its own."""
    by_itself.outlive_terminals()
    held = lock.take(lock.keeper_lock(folder, operation), patience=1.0)
    if held is None:
        return 0
    try:
        intent = _intent(folder, operation)
        if intent is not None:
            watch(folder, intent)
        mark_of(folder, operation).unlink(missing_ok=True)
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
