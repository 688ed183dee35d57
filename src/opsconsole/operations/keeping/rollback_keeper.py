"""Counting down to an automatic rollback, and performing it unless a person stopped it.

Invariant: it is claimed before it is performed, so that it is performed at most once whoever
dies, and it goes the way of every change, with a verdict of its own.
"""

import asyncio
import time
from pathlib import Path
from typing import Final

from opsconsole.errors import OpsconsoleError
from opsconsole.model.operation import ActionKind, ActionRequest, Operation, Refusal
from opsconsole.operations.journal.journal import Journal
from opsconsole.operations.journal.reader import Intent
from opsconsole.operations.keeping import automatic as by_itself
from opsconsole.operations.planning.policy import REASON_LIMIT
from opsconsole.operations.promises import rollback_rules
from opsconsole.operations.running import lock

BEGUN: Final = "begun"

_LOOK_EVERY: Final = 0.2


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
    assert found.ended_at is not None
    since = journal.since(found.service, found.ended_at)
    why_not = rollback_rules.why_not(found, since, time.time())
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
    return (
        found.kind in rollback_rules.LEAVE_IT_AS_IT_IS
        and time.time() - failed.rollback_at <= rollback_rules.LATEST
    )


async def _roll_back(journal: Journal, intent: Intent, failed: Operation) -> str:
    why = f"by itself after {failed.kind} by {intent.who.name} {failed.state}: {failed.summary}"
    request = ActionRequest(failed.service, ActionKind.ROLLBACK, reason=why[:REASON_LIMIT])

    def begun(operation: Operation) -> None:
        journal.tell_rollback(failed.id, f"{BEGUN} as {operation.id}", time.time())

    outcome = await by_itself.perform(journal.folder, intent, request, begun)
    if isinstance(outcome, Refusal):
        return f"refused ({outcome.code}): {outcome}"
    return f"{outcome.state} as {outcome.id}"
