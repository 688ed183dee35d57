"""The end of a degradation, kept though every console is closed and after a reboot.

Invariant: before a degradation's first side effect its end is on the disk and a process of its
own waits for it. The end is reached once: whoever recovers first marks it. Time is measured on
``CLOCK_BOOTTIME`` while the machine stays up, so a stepped clock or a suspended laptop changes
nothing; after a reboot the wall decides.
"""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from opsconsole.errors import OpsconsoleError, StateError
from opsconsole.model.operation import (
    END_REACHED,
    ActionKind,
    ActionRequest,
    Plan,
    Refusal,
)
from opsconsole.operations.journal.journal import Journal
from opsconsole.operations.journal.reader import Intent
from opsconsole.operations.planning.policy import REASON_LIMIT
from opsconsole.operations.promises import automatic as by_itself
from opsconsole.operations.running import detached, lock

ATTEMPTS: Final = 20
"""Tries to recover before it is left to a person; about a day."""

_LOOK_EVERY: Final = 15.0
_FIRST_PAUSE: Final = 10.0
_LONGEST_PAUSE: Final = 3600.0
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
_ACTED: Final = frozenset({"done", "unknown", "running"})


@dataclass(frozen=True, slots=True)
class End:
    """When a degradation ends. ``ended_by`` is the operation that ended it, '' while it lasts."""

    operation: str
    service: str
    due_wall: float
    boot_id: str
    due_boottime: float
    attempts: int
    ended_by: str

    def left(self) -> float:
        """Seconds until it is due; negative when it is overdue."""
        if self.boot_id and self.boot_id == _boot_id():
            return self.due_boottime - time.clock_gettime(time.CLOCK_BOOTTIME)
        return self.due_wall - time.time()


def arm(journal: Journal, operation: str, plan: Plan) -> None:
    """Record the end of ``plan``, take the place of earlier ends, and start the keeper.

    Raises StateError: nothing may then be degraded.
    """
    assert plan.ends_at is not None
    lasts = plan.ends_at - plan.created_at
    boottime = time.clock_gettime(time.CLOCK_BOOTTIME)
    values = (operation, plan.service, time.time() + lasts, _boot_id(), boottime + lasts)
    with journal.database.transaction() as connection:
        connection.execute(
            "UPDATE ends SET ended_by = ? WHERE service = ? AND ended_by = ''",
            (operation, plan.service),
        )
        connection.execute(
            "INSERT INTO ends (operation, service, due_wall, boot_id, due_boottime)"
            " VALUES (?,?,?,?,?)",
            values,
        )
    detached.start("keep", journal.folder, operation, fresh=True, hand_over=())


def conclude(journal: Journal, operation: str, plan: Plan) -> None:
    """Mark ends as reached by a recovery all of whose steps were done, or as never needed.

    A degradation none of whose calls can have taken effect has nothing to end.
    """
    states = {step.state for step in journal.step_records(operation)}
    if plan.kind is ActionKind.RECOVER and states == {"done"}:
        where, value = "service = ?", plan.service
    elif plan.kind is ActionKind.DEGRADE and not states & _ACTED:
        where, value = "operation = ?", operation
    else:
        return
    with journal.database.transaction() as connection:
        connection.execute(
            f"UPDATE ends SET ended_by = ? WHERE {where} AND ended_by = ''",  # noqa: S608
            (operation, value),
        )


def active(journal: Journal) -> tuple[End, ...]:
    """The degradations that last, by when they end."""
    rows = journal.database.read(
        "SELECT operation, service, due_wall, boot_id, due_boottime, attempts, ended_by FROM ends"
        " WHERE ended_by = '' ORDER BY due_wall"
    )
    return tuple(End(*row) for row in rows)


def revive(journal: Journal) -> int:
    """Start a keeper for each end that has none, as after a reboot; how many were started."""
    started = 0
    for end in active(journal):
        if end.attempts < ATTEMPTS and not lock.is_held(
            lock.keeper_lock(journal.folder, end.operation)
        ):
            detached.start("keep", journal.folder, end.operation, fresh=False, hand_over=())
            started += 1
    return started


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


def _boot_id() -> str:
    try:
        return _BOOT_ID.read_text("ascii").strip()
    except OSError:
        return ""
