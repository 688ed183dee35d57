"""Which verdicts a user has seen, so that the next console shows those that they missed.

Invariant: nothing is written in read-only. Where nothing was recorded of a user nothing was
missed: there was no console to be away from.
"""

from collections.abc import Iterable

from opsconsole.model.operation import Operation, OperationState
from opsconsole.operations.journal.journal import People
from opsconsole.operations.who import Who


def catch_up(
    journal: People,
    who: Who,
    operations: Iterable[Operation],
    now: float,
    *,
    read_only: bool,
    of_hosts: bool = False,
) -> tuple[Operation, ...]:
    """The operations of ``who`` that ended since the last call, oldest first; then seen.

    Raises StateError when that cannot be remembered; they are then shown again.
    """
    uid = who.uid if who.login_uid is None else who.login_uid
    user = who.name if of_hosts else str(uid)
    until = journal.seen_until(user)
    mine = [each for each in operations if each.who == who.name and _has_verdict(each)]
    missed = [each for each in mine if until is not None and _ended(each) > until]
    if not read_only and (until is None or missed):
        journal.see(user, max((_ended(each) for each in missed), default=now))
    return tuple(sorted(missed, key=_ended))


def _has_verdict(operation: Operation) -> bool:
    state = operation.state
    return state.final and state is not OperationState.REFUSED and operation.ended_at is not None


def _ended(operation: Operation) -> float:
    return operation.ended_at or 0.0
