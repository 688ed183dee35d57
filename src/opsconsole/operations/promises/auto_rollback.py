"""One rollback by itself after a change that was not verified, unless a person stops it.

Invariant: it is armed in the transaction that records the verdict, never for a rollback, and only
where a step was begun. It is claimed before it is performed, so that it is performed at most once
whoever dies, and it goes the way of every change, with a verdict of its own. Whatever somebody
has begun on the service in the meantime takes its place.

A process of its own counts down, so that the service is free in the meantime.
"""

import asyncio
import contextlib
import time
from pathlib import Path
from typing import Final

from opsconsole.errors import OpsconsoleError, StateError
from opsconsole.model.operation import (
    SILENCING,
    ActionKind,
    ActionRequest,
    Operation,
    OperationState,
    Plan,
    Refusal,
)
from opsconsole.operations.journal.journal import Journal
from opsconsole.operations.journal.reader import Intent
from opsconsole.operations.planning.policy import REASON_LIMIT
from opsconsole.operations.promises import automatic as by_itself
from opsconsole.operations.running import detached, lock

LATEST: Final = 600.0
"""Seconds after its time at which a rollback that nobody began is not begun any more."""

BEGUN: Final = "begun"

_LOOK_EVERY: Final = 0.2
_UNVERIFIED: Final = frozenset({OperationState.FAILED, OperationState.INCONCLUSIVE})
_NEVER: Final = SILENCING | {
    ActionKind.ROLLBACK, ActionKind.RESTORE, ActionKind.BACKUP, ActionKind.TEST,
}  # fmt: skip
_LEAVE_IT_AS_IT_IS: Final = frozenset({ActionKind.TEST, ActionKind.BACKUP})


def can_follow(kind: ActionKind) -> bool:
    """Whether a rollback of the service makes any sense after ``kind``."""
    return kind not in _NEVER


def countdown_after(journal: Journal, operation: str, plan: Plan, state: OperationState) -> float:
    """Seconds after the verdict ``state`` at which to roll back; 0 for not at all."""
    begun = any(step.started_at is not None for step in journal.step_records(operation))
    return plan.rollback_after if begun and state in _UNVERIFIED else 0.0


def begin(journal: Journal, operation: str) -> None:
    """Start the process that counts down for an operation that has a rollback armed."""
    # The next console starts another one where this cannot be started.
    with contextlib.suppress(StateError):
        detached.start("rollback", journal.folder, operation, fresh=True, hand_over=())


def revive(journal: Journal) -> int:
    """Start a process for each armed rollback that has none; how many were started."""
    waiting = [
        operation
        for operation in journal.armed_rollbacks()
        if not lock.is_held(lock.rollback_lock(journal.folder, operation))
    ]
    for operation in waiting:
        detached.start("rollback", journal.folder, operation, fresh=False, hand_over=())
    return len(waiting)


def keep(folder: Path, operation: str) -> int:
    """Count down, then roll back unless it was stopped; the task of a process of its own."""
    by_itself.outlive_terminals()
    path = lock.rollback_lock(folder, operation)
    held = lock.take(path, patience=1.0)
    if held is None:
        return 0
    journal = Journal(folder)
    try:
        _count_down(journal, operation)
        path.unlink(missing_ok=True)
    finally:
        journal.close()
        held.release()
    return 0


def _count_down(journal: Journal, operation: str) -> None:
    found, intent = journal.operation(operation), journal.intent(operation)
    if found is None or intent is None or found.rollback_at is None:
        return
    # The wall may be stepped meanwhile; the countdown goes on.
    ends = time.monotonic() + min(found.rollback_at - time.time(), intent.plan.rollback_after)
    while time.monotonic() < ends or _is_looked_at(journal, found):
        time.sleep(_LOOK_EVERY)
        if operation not in journal.armed_rollbacks():
            return
    why_not = _why_not(journal, found)
    if not journal.settle_rollback(operation, why_not or BEGUN, time.time()) or why_not:
        return
    try:
        outcome = asyncio.run(_roll_back(journal, intent, found))
    except OpsconsoleError as error:
        outcome = f"not done: {error}"
    journal.tell_rollback(operation, outcome, time.time())


def _is_looked_at(journal: Journal, failed: Operation) -> bool:
    """Whether what leaves the service as it is has its lock, so that the rollback is to wait."""
    held = lock.holder(journal.folder, failed.service)
    found = journal.operation(held.operation) if held is not None else None
    if found is None or failed.rollback_at is None:
        return False
    return found.kind in _LEAVE_IT_AS_IT_IS and time.time() - failed.rollback_at <= LATEST


def _why_not(journal: Journal, failed: Operation) -> str:
    """Why the rollback of ``failed`` must not be begun any more, or ''."""
    assert failed.ended_at is not None
    assert failed.rollback_at is not None
    if time.time() - failed.rollback_at > LATEST:
        return "not done: its time was long past before anybody could begin it"
    others = journal.since(failed.service, failed.ended_at)
    later = next((each for each in others if _is_later(each, failed)), None)
    if later is None:
        return ""
    return f"not done: {later.kind} by {later.who} was begun since ({later.id})"


def _is_later(other: Operation, failed: Operation) -> bool:
    begun = other.started_at >= (failed.ended_at or 0.0)
    changes = other.kind not in _LEAVE_IT_AS_IT_IS and other.state is not OperationState.REFUSED
    return begun and changes and other.id != failed.id


async def _roll_back(journal: Journal, intent: Intent, failed: Operation) -> str:
    why = f"by itself after {failed.kind} by {intent.who.name} {failed.state}: {failed.summary}"
    request = ActionRequest(failed.service, ActionKind.ROLLBACK, reason=why[:REASON_LIMIT])

    def begun(operation: Operation) -> None:
        journal.tell_rollback(failed.id, f"{BEGUN} as {operation.id}", time.time())

    outcome = await by_itself.perform(journal.folder, intent, request, begun)
    if isinstance(outcome, Refusal):
        return f"refused ({outcome.code}): {outcome}"
    return f"{outcome.state} as {outcome.id}"
