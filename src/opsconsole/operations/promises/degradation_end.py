"""The end of a degradation, kept though every console is closed and after a reboot.

Invariant: before a degradation's first side effect its end is on the disk and a process of its
own waits for it. The end is reached once: whoever recovers first marks it. Time is measured on
``CLOCK_BOOTTIME`` while the machine stays up, so a stepped clock or a suspended laptop changes
nothing; after a reboot the wall decides.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from opsconsole.model.operation import ActionKind, Plan
from opsconsole.operations import spawn
from opsconsole.operations.journal.journal import Journal
from opsconsole.operations.running import lock

ATTEMPTS: Final = 20
"""Tries to recover before it is left to a person; about a day."""

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
    spawn.start("keep", journal.folder, operation, fresh=True, hand_over=())


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
            spawn.start("keep", journal.folder, end.operation, fresh=False, hand_over=())
            started += 1
    return started


def _boot_id() -> str:
    try:
        return _BOOT_ID.read_text("ascii").strip()
    except OSError:
        return ""
