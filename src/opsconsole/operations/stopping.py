"""Ending what an operation does by itself: its verifying, or the rollback that is to follow it.

Invariant: neither is a change of a service, so there is no plan; each is recorded with who asked.
"""

from typing import Final

from opsconsole.model.operation import Operation, Refusal
from opsconsole.operations.journal.journal import Journal
from opsconsole.operations.journal.records import PromiseKind
from opsconsole.operations.who import whoami
from opsconsole.text import sanitize

_SHOWN: Final = 40


def give_up(journal: Journal, operation: str, now: float) -> Operation | Refusal:
    """End verifying ``operation``, or say why not. Raises StateError."""
    who = whoami()
    if journal.give_up(operation, f"{who.name}@{who.host}", now):
        found = journal.operation(operation)
        assert found is not None
        return found
    return Refusal(
        "nothing-to-do",
        f"operation {sanitize(operation, limit=_SHOWN)} is not being verified",
        "opsconsole operations lists those that are",
    )


def stop_rollback(journal: Journal, operation: str, now: float) -> Operation | Refusal:
    """Keep the rollback after ``operation`` from being begun, or say why not.

    Raises StateError.
    """
    who = whoami()
    outcome = f"stopped by {who.name}@{who.host}"
    if journal.settle(operation, PromiseKind.ROLLBACK, outcome, now, who.document()):
        found = journal.operation(operation)
        assert found is not None
        return found
    return Refusal(
        "nothing-to-do",
        f"no automatic rollback waits after operation {sanitize(operation, limit=_SHOWN)}",
        "opsconsole operations lists those that do, and what became of the others",
    )
