"""Handing an operation to a runner: locks first, then the intent, then the process.

Invariant: when ``dispatch`` has recorded the intent, either a runner that holds both locks is on
its own, or the operation is recorded as failed with nothing done. ``take_up`` gives an operation
whose runner is dead to another one, which looks and does not repeat.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from opsconsole.clock import Clock
from opsconsole.errors import StateError
from opsconsole.model.operation import Operation, OperationState, Refusal
from opsconsole.operations import spawn
from opsconsole.operations.journal.journal import Journal, PlanUsedError
from opsconsole.operations.journal.reader import Intent
from opsconsole.operations.running import lock
from opsconsole.operations.running.lock import HeldLock, Holder
from opsconsole.operations.who import Who

_EXITING: Final = 5.0
"""Seconds that a process may take to exit after its last word."""


def dispatch(
    journal: Journal, intent: Intent, clock: Clock, still_allowed: Callable[[], Refusal | None]
) -> Operation | Refusal:
    """Lock the service, ask ``still_allowed`` again, record the intent, start the runner."""
    folder = journal.folder
    holder = _holder(intent, intent.who, clock.now())
    service = _take_service(journal, holder)
    if service is None:
        return _locked(folder, intent.plan.service, clock.now())
    try:
        refusal = still_allowed()
        if refusal is not None:
            return refusal
        journal.submit(intent, clock.now())
        return _start(journal, intent.operation, clock, service)
    except PlanUsedError as error:
        return Refusal("plan-used", error.what, error.remedy)
    except StateError as error:
        return Refusal("audit-not-writable", error.what, error.remedy)
    finally:
        service.release()


def take_up(journal: Journal, operation: Operation, who: Who, clock: Clock) -> bool:
    """Give an open operation to another runner if its own is dead; whether one was started."""
    folder = journal.folder
    runner = lock.take(lock.runner_lock(folder, operation.id))
    if runner is None:
        return False
    try:
        # The runner may have ended well between the caller's look and this lock.
        found, intent = journal.operation(operation.id), journal.intent(operation.id)
        if found is None or found.state.final or intent is None:
            return False
        service = lock.take_service(folder, _holder(intent, who, clock.now()))
        if service is None:
            return False
        try:
            _spawn(folder, operation.id, runner, service, fresh=False)
        finally:
            service.release()
    finally:
        runner.release()
    return True


def _take_service(journal: Journal, holder: Holder) -> HeldLock | None:
    """The service's lock, waited for only where its holder has its verdict and is about to exit."""
    ends = time.monotonic() + _EXITING
    while True:
        held = lock.take_service(journal.folder, holder)
        if held is not None or time.monotonic() > ends:
            return held
        other = lock.holder(journal.folder, holder.service)
        found = journal.operation(other.operation) if other else None
        if other is not None and (found is None or not found.state.final):
            return None


def _start(
    journal: Journal, operation: str, clock: Clock, service: HeldLock
) -> Operation | Refusal:
    runner = lock.take(lock.runner_lock(journal.folder, operation))
    assert runner is not None, "nobody else knows the operation yet"
    try:
        _spawn(journal.folder, operation, runner, service, fresh=True)
    except StateError as error:
        journal.advance(
            operation, OperationState.FAILED, clock.now(), summary=f"{error}; nothing was done"
        )
    finally:
        runner.release()
    found = journal.operation(operation)
    assert found is not None
    return found


def _spawn(
    folder: Path, operation: str, runner: HeldLock, service: HeldLock, *, fresh: bool
) -> None:
    hand_over = (runner.descriptor, service.descriptor)
    spawn.start("run", folder, operation, fresh=fresh, hand_over=hand_over)


def _holder(intent: Intent, who: Who, now: float) -> Holder:
    return Holder(
        operation=intent.operation,
        kind=intent.plan.kind.value,
        service=intent.plan.service,
        who=who.name,
        login_uid=who.login_uid,
        host=who.host,
        tty=who.tty,
        since=now,
    )


def _locked(folder: Path, service: str, now: float) -> Refusal:
    held = lock.holder(folder, service)
    who = held.sentence(now) if held else f"another operation on {service} has just ended"
    return Refusal("locked", who, "wait until it has ended")
