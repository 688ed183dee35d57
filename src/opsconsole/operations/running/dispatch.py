"""Handing an operation to a runner: locks first, then the mandate and the intent, then the process.

Invariant: when ``dispatch`` has recorded the intent, either a runner that holds both locks is on
its own, or the operation is recorded as failed with nothing done. ``take_up`` gives an operation
of this user's, whose runner is dead, to another one, which looks and does not repeat.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from opsconsole.clock import Clock
from opsconsole.errors import StateError
from opsconsole.model.change_subject import subject_of
from opsconsole.model.operation import Operation, OperationState, Plan, Refusal
from opsconsole.operations import spawn
from opsconsole.operations.journal.journal import Journal, PlanUsedError
from opsconsole.operations.journal.records import Intent
from opsconsole.operations.locks.locks import Held, Holder, LockKind, LockName
from opsconsole.operations.own_configuration import OwnConfiguration
from opsconsole.operations.promises.promising import start_keeper
from opsconsole.operations.state_place import StatePlace
from opsconsole.operations.who import Who

_EXITING: Final = 5.0
"""Seconds that a process may take to exit after its last output."""


def dispatch(
    state: StatePlace,
    journal: Journal,
    intent: Intent,
    clock: Clock,
    still_allowed: Callable[[], Refusal | None],
    then: tuple[Intent, ...] = (),
) -> Operation | Refusal:
    """Lock what is changed, ask ``still_allowed`` again, record the intent, start the runner.

    ``then`` is begun after it by this user's keeper, one after the other.
    """
    try:
        service = _take_service(state, journal, _holder(intent, intent.who, clock.now()))
    except StateError as error:
        return Refusal("audit-not-writable", error.what, error.remedy)
    if service is None:
        return _locked(state, intent, clock.now())
    try:
        refusal = still_allowed()
        if refusal is not None:
            return refusal
        started = _begin(state, journal, intent, then, clock, service)
        if then:
            # Where none can be started now, the runner or the next console does.
            with suppress(StateError):
                start_keeper(state, OwnConfiguration(intent.config_path, intent.base))
        return started
    except PlanUsedError as error:
        return Refusal("plan-used", error.what, error.remedy)
    except StateError as error:
        return Refusal("audit-not-writable", error.what, error.remedy)
    finally:
        service.release()


def take_up(
    state: StatePlace,
    journal: Journal,
    own: OwnConfiguration,
    operation: Operation,
    who: Who,
    clock: Clock,
) -> bool:
    """Give an open operation to another runner if its own is dead; whether one was started.

    Only what this user confirmed is resumed, and only under the configuration that it was confirmed
    under or one that declares the same; all else waits for a console that does. What no process
    can resume any more is ended by whose console sees it, without a look.
    """
    mandate = state.mandates.get(operation.id)
    if mandate is None:
        _end_for_nobody(state, journal, operation, who, clock)
        return False
    if own.leaves(mandate.intent):
        return False
    runner = state.locks.take(runner_lock(operation.id))
    if runner is None:
        return False
    try:
        # The runner may have ended well between the caller's look and this lock.
        found = journal.operation(operation.id)
        if found is None or found.state.final:
            return False
        service = state.locks.take_service(_holder(mandate.intent, who, clock.now()))
        if service is None:
            return False
        try:
            _spawn("look", state, own, operation.id, runner, service)
        finally:
            service.release()
    finally:
        runner.release()
    return True


def _end_for_nobody(
    state: StatePlace, journal: Journal, operation: Operation, who: Who, clock: Clock
) -> None:
    """Say of an operation whose host is gone that its outcome is not known; nothing is done.

    Otherwise its service could not be changed by anybody until that host comes back.
    """
    now = clock.now()
    quiet = now - operation.updated_at
    if not state.mandates.is_nobodys(operation.id, quiet):
        return
    runner = state.locks.take(runner_lock(operation.id))
    if runner is None:
        return
    try:
        found = journal.operation(operation.id)
        if found is None or found.state.final:
            return
        gone = f"{found.host}, where {found.who} began it, is out of reach"
        begun = []
        for record in journal.step_records(operation.id):
            if record.state == "running":
                begun.append(found.steps[record.ordinal].summary)
                journal.step_ends(operation.id, record.ordinal, "unknown", now, gone)
            elif record.state == "waiting":
                detail = f"not done: {gone}"
                journal.step_ends(operation.id, record.ordinal, "waiting", now, detail)
        journal.note(operation.id, "ended for another host", now, {"who": who.document()})
        if found.state is OperationState.INTENT:
            state_after, known = OperationState.FAILED, "nothing was done"
        else:
            state_after = OperationState.INCONCLUSIVE
            known = "nobody here can look: " + ("; ".join(begun) or "what was done is not known")
        journal.advance(operation.id, state_after, now, summary=f"{gone}; {known}")
    finally:
        runner.release()


def runner_lock(operation: str) -> LockName:
    """The lock that the runner of an operation holds as long as it lives."""
    return LockName(LockKind.RUNNER, operation)


def subject_lock(plan: Plan) -> LockName:
    """The lock of what a plan changes."""
    return LockName(LockKind.SERVICE, subject_of(plan.service, plan.kind, plan.parameters))


def _take_service(state: StatePlace, journal: Journal, holder: Holder) -> Held | None:
    """The service's lock, waited for only where its holder has its verdict and is about to exit."""
    ends = time.monotonic() + _EXITING
    while True:
        held = state.locks.take_service(holder)
        if held is not None or time.monotonic() > ends:
            return held
        other = state.locks.holder(holder.lock)
        found = journal.operation(other.operation) if other else None
        if other is not None and (found is None or not found.state.final):
            return None


def _record(
    state: StatePlace, journal: Journal, intent: Intent, then: tuple[Intent, ...], now: float
) -> None:
    """What is to be carried out, recorded before the caller hears that it will be."""
    state.mandates.give(intent, then)
    try:
        journal.submit(intent, now)
    except BaseException:
        state.mandates.end(intent.operation)
        raise


def _begin(
    state: StatePlace,
    journal: Journal,
    intent: Intent,
    then: tuple[Intent, ...],
    clock: Clock,
    service: Held,
) -> Operation | Refusal:
    """Record the intent and start its runner, whose lock is held before anybody knows of it."""
    operation, own = intent.operation, OwnConfiguration(intent.config_path, intent.base)
    runner = state.locks.take(runner_lock(operation))
    if runner is None:
        return Refusal("plan-used", "this plan is being performed already", "make a new plan")
    try:
        _record(state, journal, intent, then, clock.now())
    except BaseException:
        runner.release()
        state.locks.forget(runner_lock(operation))
        raise
    try:
        _spawn("run", state, own, operation, runner, service)
    except StateError as error:
        state.mandates.end(operation)
        journal.advance(
            operation, OperationState.FAILED, clock.now(), summary=f"{error}; nothing was done"
        )
    finally:
        runner.release()
    found = journal.operation(operation)
    assert found is not None
    return found


def _spawn(
    task: spawn.Task,
    state: StatePlace,
    own: OwnConfiguration,
    operation: str,
    runner: Held,
    service: Held,
) -> None:
    spawn.start(task, state, own, operation, hand_over=(runner, service))


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
        subject=subject_lock(intent.plan).id,
    )


def _locked(state: StatePlace, intent: Intent, now: float) -> Refusal:
    held = state.locks.holder(subject_lock(intent.plan).id)
    ended = f"another operation on {intent.plan.service} has just ended"
    who = held.sentence(now) if held else ended
    return Refusal("locked", who, "wait until it has ended")
