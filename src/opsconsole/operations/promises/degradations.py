"""The degradations that last, as every console shows them.

Invariant: what is listed has neither been recovered nor been replaced by a later degradation;
one whose end has passed stays listed until it is recovered.
"""

from opsconsole.model.operation import Degradation
from opsconsole.operations.journal.journal import Journal
from opsconsole.operations.journal.records import Promise, PromiseKind
from opsconsole.operations.promises.due import due_at


def lasting(journal: Journal) -> tuple[Degradation, ...]:
    """Every degradation under way, by when it ends. Raises StateError."""
    ends = (each for each in journal.promises() if each.kind is PromiseKind.END)
    return tuple(_degradation(journal, end) for end in ends)


def _degradation(journal: Journal, end: Promise) -> Degradation:
    began = journal.operation(end.operation)
    return Degradation(
        operation=end.operation,
        service=end.service,
        ends_at=due_at(end),
        who=began.who if began else "somebody",
        host=began.host if began else "",
        reason=began.reason if began else "",
        attempts=end.attempts,
    )
