"""Making the promises of an operation, and ending those that are fulfilled.

Invariant: a promise is in its user's mandate before it is in the journal. Before a
degradation's first side effect its end is on the disk and a process of its own waits for it. The
journal records the outcome of a promise once: the first one to settle it wins.
"""

import contextlib
import time
from typing import Final

from opsconsole.errors import StateError
from opsconsole.model.alerting.silences import OWN_RULES
from opsconsole.model.operation import ActionKind, Degradation, OperationState, Plan
from opsconsole.operations import spawn
from opsconsole.operations.journal.journal import Journal
from opsconsole.operations.journal.records import Promise, PromiseKind
from opsconsole.operations.mandates import Mandate
from opsconsole.operations.own_configuration import OwnConfiguration
from opsconsole.operations.promises.due import due_at, due_in
from opsconsole.operations.state_place import StatePlace

NOT_NEEDED: Final = "not needed: nothing was degraded"

_ACTED: Final = frozenset({"done", "unknown", "running"})


def promise_end(
    state: StatePlace, journal: Journal, own: OwnConfiguration, operation: str, plan: Plan
) -> None:
    """Promise the end of a degradation, in place of earlier ones, and have it kept.

    Raises StateError: nothing may then be degraded.
    """
    assert plan.ends_at is not None
    lasts = plan.ends_at - plan.created_at
    promise = due_in(Promise(operation, PromiseKind.END, plan.service, 0.0), lasts)
    state.mandates.arm(promise)
    journal.arm(promise, time.time())
    start_keeper(state, own)


def promise_rollback(state: StatePlace, operation: str, plan: Plan, countdown: float) -> None:
    """Promise a rollback after a verdict that is about to be recorded."""
    due = time.time() + countdown
    state.mandates.arm(Promise(operation, PromiseKind.ROLLBACK, plan.service, due))


def conclude(
    state: StatePlace,
    journal: Journal,
    own: OwnConfiguration,
    operation: str,
    plan: Plan,
    verdict: OperationState,
) -> None:
    """After the verdict: settle what is fulfilled, have kept what is left, or end the mandate."""
    steps = {step.state for step in journal.step_records(operation)}
    now = time.time()
    if plan.kind is ActionKind.RECOVER and steps == {"done"}:
        for each in journal.promises():
            if (each.kind, each.service) == (PromiseKind.END, plan.service):
                journal.settle(each.operation, each.kind, operation, now)
    elif plan.kind is ActionKind.DEGRADE and not steps & _ACTED:
        # A degradation none of whose calls can have taken effect has nothing to end.
        journal.settle(operation, PromiseKind.END, NOT_NEEDED, now)
        state.mandates.drop(operation, PromiseKind.END)
    elif (
        plan.kind is ActionKind.ACKNOWLEDGE
        and plan.service != OWN_RULES
        and verdict is OperationState.VERIFIED
    ):
        watch = Promise(operation, PromiseKind.WATCH, plan.service, plan.ends_at or now)
        state.mandates.arm(watch)
        journal.arm(watch, now)
    mandate = state.mandates.get(operation)
    if mandate is not None and not mandate.promises:
        state.mandates.end(operation)
    elif mandate is not None:
        # The next console starts a keeper where none can be started now.
        with contextlib.suppress(StateError):
            start_keeper(state, own)


def start_keeper(state: StatePlace, own: OwnConfiguration) -> bool:
    """Start the process that keeps promises of ``own`` for this user, unless it is there."""
    if state.mandates.keeper_is_there(own.path):
        return False
    spawn.start("keep", state, own)
    return True


def revive(state: StatePlace, journal: Journal, own: OwnConfiguration) -> int:
    """Start a keeper for promises that have none, as after a reboot; how many were started.

    It keeps those that were made under ``own``, and of the others what ``own`` declares alike.
    A mandate that its runner left behind with its verdict, as on a full disk, is ended.
    """
    mandates = state.mandates.all()
    for each in mandates:
        operation = each.intent.operation
        found = None if each.promises else journal.operation(operation)
        if found is not None and found.state.final:
            state.mandates.end(operation)
    promised = [each for each in mandates if each.promises and is_kept_by(state, own, each)]
    return int(start_keeper(state, own)) if promised else 0


def is_kept_by(state: StatePlace, own: OwnConfiguration, mandate: Mandate) -> bool:
    """Whether a keeper of ``own`` keeps what ``mandate`` promises.

    It does for what was confirmed under it, and in place of a keeper that is not there for
    what it declares alike.
    """
    intent = mandate.intent
    if own.is_of(intent):
        return True
    return not state.mandates.keeper_is_there(intent.config_path) and not own.leaves(intent)


def lasting(journal: Journal) -> tuple[Degradation, ...]:
    """Every degradation that was neither recovered nor replaced by a later one, by when it ends.

    One whose end has passed is listed until it is recovered. Raises StateError.
    """
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
