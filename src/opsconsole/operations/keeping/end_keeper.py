"""Waiting for the end of a degradation, and recovering when it is reached.

Invariant: it goes on until somebody has recovered or ``ATTEMPTS`` tries have failed, and it
recovers by the way every change goes.
"""

import asyncio
import time
from pathlib import Path
from typing import Final

from opsconsole.errors import OpsconsoleError, StateError
from opsconsole.model.operation import END_REACHED, ActionKind, ActionRequest, Refusal
from opsconsole.operations.journal.journal import Journal
from opsconsole.operations.journal.reader import Intent
from opsconsole.operations.keeping import automatic as by_itself
from opsconsole.operations.planning.policy import REASON_LIMIT
from opsconsole.operations.promises.degradation_end import ATTEMPTS, End, active
from opsconsole.operations.running import lock

_LOOK_EVERY: Final = 15.0
_FIRST_PAUSE: Final = 10.0
_LONGEST_PAUSE: Final = 3600.0


def keep(folder: Path, operation: str) -> int:
    """Wait for the end of ``operation`` and recover; the task of a process of its own."""
    by_itself.outlive_terminals()
    held = lock.take(lock.keeper_lock(folder, operation), patience=1.0)
    if held is None:
        return 0
    try:
        while (end := _end(folder, operation)) is not None and end.attempts < ATTEMPTS:
            left = end.left()
            if left > 0:
                time.sleep(min(left, _LOOK_EVERY))
            elif not _recover(folder, end):
                time.sleep(min(_FIRST_PAUSE * 2**end.attempts, _LONGEST_PAUSE))
    finally:
        held.release()
    return 0


def _end(folder: Path, operation: str) -> End | None:
    journal = Journal(folder)
    try:
        return next((end for end in active(journal) if end.operation == operation), None)
    finally:
        journal.close()


def _recover(folder: Path, end: End) -> bool:
    """One try, by the way every change goes; whether the degradation is over."""
    try:
        outcome = asyncio.run(_perform(folder, end))
    except OpsconsoleError as error:
        outcome = str(error)
    if _end(folder, end.operation) is None:
        return True
    journal = Journal(folder)
    try:
        with journal.database.transaction() as connection:
            connection.execute(
                "UPDATE ends SET attempts = attempts + 1 WHERE operation = ?", (end.operation,)
            )
        record = {"service": end.service, "attempt": end.attempts + 1, "outcome": outcome}
        journal.note(end.operation, "recovery at the end failed", time.time(), record)
    finally:
        journal.close()
    return False


async def _perform(folder: Path, end: End) -> str:
    intent = _intent(folder, end.operation)
    reason = f"{END_REACHED} that {intent.who.name} began: {intent.reason}"
    request = ActionRequest(end.service, ActionKind.RECOVER, reason=reason[:REASON_LIMIT])
    outcome = await by_itself.perform(folder, intent, request)
    return str(outcome) if isinstance(outcome, Refusal) else f"{outcome.state}"


def _intent(folder: Path, operation: str) -> Intent:
    journal = Journal(folder)
    try:
        intent = journal.intent(operation)
    finally:
        journal.close()
    if intent is None:
        raise StateError(f"there is no operation {operation} in {folder}")
    return intent
