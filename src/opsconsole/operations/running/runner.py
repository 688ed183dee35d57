"""The process that carries out one operation, detached from the process that asked for it.

Invariant: it ends in a recorded final state, or it was killed, and then the next one ends the
operation by looking at the world. It trusts the journal for what was confirmed and nothing for
how the world is: configuration, read-only and every observed fact are checked again before
anything is done. Secrets are resolved here, from references.
"""

import asyncio
import contextlib
import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from opsconsole.clock import SystemClock
from opsconsole.config.settings import Settings
from opsconsole.errors import OpsconsoleError, StateError
from opsconsole.machines.machines import Machines
from opsconsole.model.operation import SILENCING, ActionKind, OperationState, Refusal
from opsconsole.operations.driving.driver import Driver, ObserveError
from opsconsole.operations.driving.instance_probes import InstanceProbes
from opsconsole.operations.journal.audit_sinks import sinks_of
from opsconsole.operations.journal.journal import Journal
from opsconsole.operations.journal.records import Intent, Scope, StepRecord
from opsconsole.operations.journal.transitions import TransitionError
from opsconsole.operations.locks.locks import Held
from opsconsole.operations.own_configuration import OwnConfiguration
from opsconsole.operations.planning import policy, rollback_rules
from opsconsole.operations.planning.declared import Declared, find
from opsconsole.operations.planning.planner import make_driver, request_of
from opsconsole.operations.promises.promising import conclude, promise_end, promise_rollback
from opsconsole.operations.running.afterwards import look_on
from opsconsole.operations.running.dispatch import runner_lock, subject_lock
from opsconsole.operations.running.execution import NOT_OF_HEALTH, Execution, Record, away
from opsconsole.operations.running.next_steps import next_steps
from opsconsole.operations.running.out_of_reach import (
    CUT_OFF,
    after_it,
    is_reached_again,
    wait_for_others,
)
from opsconsole.operations.running.verification import Baseline, Verdict, Verifier
from opsconsole.operations.state_place import StatePlace
from opsconsole.threads import BoundedExecutor

EXIT_CODES: Final = {
    OperationState.VERIFIED: 0,
    OperationState.FAILED: 1,
    OperationState.REFUSED: 2,
    OperationState.INCONCLUSIVE: 3,
}

_S = OperationState
_THREADS: Final = 2
_ATTEMPTS: Final = 3
_KILLED: Final = "its runner was killed"
_ABANDONED: Final = "its runner ended before it began; nothing was done"


def run(
    state: StatePlace,
    own: OwnConfiguration,
    operation: str,
    *,
    fresh: bool,
    held: Sequence[Held] = (),
) -> int:
    """Carry out an operation that this user confirmed, or end what another runner began.

    For a process that holds the operation's locks, which are ``held``. ``fresh``: started by the
    process that recorded the intent. Otherwise the runner before it is dead, and no step is begun
    any more.

    Returns 0 verified, 1 failed, 2 refused, 3 inconclusive. Returns at once with the recorded
    verdict when there is one. Raises StateError when this user gave no mandate for it. Where what
    was restarted may die again, the locks are let go of, and it is looked on.
    """
    _ignore_the_terminal()
    journal = state.journal()
    try:
        found = journal.operation(operation)
        if found is not None and found.state.final:
            return EXIT_CODES[found.state]
        mandate = state.mandates.get(operation)
        if found is None or mandate is None:
            raise StateError(f"this user has confirmed no operation {operation} in {state.name}")
        intent = mandate.intent
        journal.use_scope(
            Scope(None if state.of_hosts else intent.config_path, (intent.plan.environment,))
        )
        fresh = fresh and found.state is _S.INTENT
        verdict = _carry_out(state, journal, own, intent, held, fresh=fresh)
        _tidy(state, intent)
        _release(held)
        if verdict is _S.VERIFIED and intent.plan.watch:
            _look_on(state, journal, own, intent)
    finally:
        _release(held)
        journal.close()
    return EXIT_CODES[verdict]


def _release(held: Sequence[Held]) -> None:
    """Let go at once, of the runner's own lock last: one on a server does not end by itself."""
    for each in reversed(held):
        each.release()


def _look_on(state: StatePlace, journal: Journal, own: OwnConfiguration, intent: Intent) -> None:
    """See whether it dies again; a defect here changes no verdict."""
    try:
        asyncio.run(_looked_on(state, journal, own, intent))
    except Exception as error:  # noqa: BLE001 - the verdict is recorded, and stands
        _log_without_values(error)


async def _looked_on(
    state: StatePlace, journal: Journal, own: OwnConfiguration, intent: Intent
) -> None:
    fleet = own.fleet(intent.plan.service)
    action = own.declared(fleet, intent)
    if isinstance(action, Refusal):
        return
    machines, threads = Machines(intent.operation), BoundedExecutor("runner", _THREADS)
    driver = _driver(state, journal, own, fleet.settings, action, intent, machines, threads)
    probes = InstanceProbes(fleet.settings, intent.plan.service, Path(own.base))
    try:
        clock = SystemClock()
        await look_on(state, journal, intent.operation, intent.plan, driver, probes, clock)
    finally:
        await driver.close()
        await probes.close()
        threads.close()
        machines.close()


def _ignore_the_terminal() -> None:
    """A lost terminal or ^C in it is no reason to stop halfway."""
    for each in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        signal.signal(each, signal.SIG_IGN)


def _tidy(state: StatePlace, intent: Intent) -> None:
    """Remove the locks' files, which nobody asks for after a verdict, and an empty log."""
    # There is one for each silence. Where it is another user's, it stays.
    with contextlib.suppress(StateError):
        state.locks.forget(runner_lock(intent.operation))
        if intent.plan.kind in SILENCING:
            state.locks.forget(subject_lock(intent.plan))
    log = state.log_of(intent.operation)
    with contextlib.suppress(OSError):
        if log.stat().st_size == 0:
            log.unlink()


def _carry_out(
    state: StatePlace,
    journal: Journal,
    own: OwnConfiguration,
    intent: Intent,
    held: Sequence[Held],
    *,
    fresh: bool,
) -> OperationState:
    verdict = _verdict(state, journal, own, intent, held, fresh=fresh)
    wait_for_others(state, intent.operation, held)
    for _ in range(_ATTEMPTS):
        try:
            return _recorded(state, journal, own, intent, verdict)
        except StateError:
            if not is_reached_again(state, journal, intent):
                raise
    return _recorded(state, journal, own, intent, verdict)


def _verdict(
    state: StatePlace,
    journal: Journal,
    own: OwnConfiguration,
    intent: Intent,
    held: Sequence[Held],
    *,
    fresh: bool,
) -> Verdict:
    """What came of it; it is not recorded here."""
    try:
        return asyncio.run(_operate(state, journal, own, intent, held, fresh=fresh))
    except Exception as error:  # noqa: BLE001 - the runner's boundary: whatever it is, a verdict is due
        _log_without_values(error)
        if not isinstance(error, StateError) or not is_reached_again(state, journal, intent):
            return _after_defect(journal, intent, error)
    try:
        verdict = asyncio.run(_operate(state, journal, own, intent, held, fresh=False, why=CUT_OFF))
        begun = any(step.begun for step in journal.step_records(intent.operation))
        return after_it(verdict) if begun else verdict
    except Exception as error:  # noqa: BLE001 - as above
        _log_without_values(error)
        return _after_defect(journal, intent, error)


def _recorded(
    state: StatePlace, journal: Journal, own: OwnConfiguration, intent: Intent, verdict: Verdict
) -> OperationState:
    """Record the verdict and what follows it, unless another runner did meanwhile."""
    operation, plan = intent.operation, intent.plan
    found = journal.operation(operation)
    if found is not None and found.state.final:
        return found.state
    begun = any(step.begun for step in journal.step_records(operation))
    left = found is not None and found.given_up
    # Who gave up verifying has not asked for another change.
    countdown = 0.0 if left else rollback_rules.countdown_after(plan, verdict.state, begun=begun)
    can_roll_back = _can_roll_back(own, intent, verdict.state)
    offered = next_steps(plan, verdict.state, operation, can_roll_back, countdown)
    if countdown:
        promise_rollback(state, operation, plan, countdown)
    journal.advance(
        operation,
        verdict.state,
        SystemClock().now(),
        summary=verdict.summary,
        evidence=verdict.evidence,
        next_steps=offered,
        rollback_after=countdown,
    )
    # A full disk takes the record with it; the journal alone then says it.
    with contextlib.suppress(StateError):
        state.mandates.remember(intent, verdict.state)
    conclude(state, journal, own, operation, plan, verdict.state)
    return verdict.state


def _can_roll_back(own: OwnConfiguration, intent: Intent, state: OperationState) -> bool:
    """Whether a rollback can be offered after a verdict that needs one."""
    if state is _S.VERIFIED or not rollback_rules.can_follow(intent.plan.kind):
        return False
    try:
        found = find(
            own.fleet(intent.plan.service).settings, intent.plan.service, ActionKind.ROLLBACK, ""
        )
    except OpsconsoleError:
        return False
    return found is not None


async def _operate(
    state: StatePlace,
    journal: Journal,
    own: OwnConfiguration,
    intent: Intent,
    held: Sequence[Held],
    *,
    fresh: bool,
    why: str = _KILLED,
) -> Verdict:
    found = journal.operation(intent.operation)
    if not fresh and found is not None and found.state is _S.INTENT:
        return Verdict(_S.FAILED, _ABANDONED)
    machines, threads = Machines(intent.operation), BoundedExecutor("runner", _THREADS)
    try:
        fleet = own.fleet(intent.plan.service)
        settings = fleet.settings
        action = own.declared(fleet, intent)
        if isinstance(action, Refusal):
            return _refused(journal, intent, action)
        journal.use_sinks(sinks_of(settings, Path(own.base)))
        driver = _driver(state, journal, own, settings, action, intent, machines, threads)
        # Neither a silence nor a backup changes the service, so its health decides nothing.
        watched = "" if action.kind in NOT_OF_HEALTH else action.service
        probes = InstanceProbes(settings, watched, Path(own.base), away(intent.plan))
        try:
            execution = _execution(journal, intent, action, driver, probes, held)
            verdict = await (_begin(state, own, execution) if fresh else _take_up(execution, why))
            return await execution.conclude(verdict)
        finally:
            await driver.close()
            await probes.close()
    finally:
        threads.close()
        machines.close()


async def _begin(state: StatePlace, own: OwnConfiguration, execution: Execution) -> Verdict:
    """Look again; refuse when the world moved; else carry out the plan."""
    plan = execution.plan
    try:
        observed = await execution.driver.observe()
    except ObserveError as error:
        return Verdict(_S.REFUSED, f"{error}; nothing was done")
    stale = policy.refuse_stale(plan.fingerprint, observed)
    if stale is not None:
        return Verdict(_S.REFUSED, f"{stale}; nothing was done")
    if plan.ends_at is not None and plan.kind not in SILENCING:
        promise_end(state, execution.journal, own, execution.operation, plan)
    return await execution.run()


async def _take_up(execution: Execution, why: str) -> Verdict:
    """End what was begun and interrupted: look up the step it was at, begin no other."""
    journal, plan = execution.journal, execution.plan
    steps = journal.step_records(execution.operation)
    record = Record(evidence=[f"{why}; what it left was looked at afterwards"])
    for step in steps:
        if step.state in {"done", "failed"}:
            record.evidence.append(f"{plan.steps[step.ordinal].summary}: {step.detail}")
        elif step.state in {"running", "unknown"}:
            outcome = await execution.reconcile(
                step.ordinal, plan.steps[step.ordinal], step.before, why
            )
            record.add(plan.steps[step.ordinal], outcome)
    return await _end_of(execution, steps, record, why)


async def _end_of(
    execution: Execution, steps: tuple[StepRecord, ...], record: Record, why: str
) -> Verdict:
    after = execution.journal.step_records(execution.operation)
    waiting = [step.ordinal for step in after if step.state == "waiting"]
    failed = [step for step in after if step.state == "failed"]
    evidence = tuple(record.evidence)
    if failed:
        execution.drop(waiting, "stopped at the first failure")
        summary = execution.plan.steps[failed[0].ordinal].summary
        return Verdict(_S.FAILED, f"{summary}: {failed[0].detail}", evidence)
    if waiting:
        execution.drop(waiting, f"{why} before it")
        done = f"{len(steps) - len(waiting)} of {len(steps)} steps done"
        state = _S.INCONCLUSIVE if record.doubts else _S.FAILED
        return Verdict(state, f"interrupted: {done}, the rest was not begun", evidence)
    started = [step.started_at for step in after if step.started_at is not None]
    return await execution.verify(Baseline({}, {}), max(started), record)


def _refused(journal: Journal, intent: Intent, refusal: Refusal) -> Verdict:
    """What was not begun is refused; what was begun can no longer be looked up."""
    found = journal.operation(intent.operation)
    if found is not None and found.state is _S.INTENT:
        return Verdict(_S.REFUSED, f"{refusal}; nothing was done")
    return Verdict(_S.INCONCLUSIVE, f"the runner was killed, and {refusal}")


def _driver(
    state: StatePlace,
    journal: Journal,
    own: OwnConfiguration,
    settings: Settings,
    action: Declared,
    intent: Intent,
    machines: Machines,
    threads: BoundedExecutor,
) -> Driver:
    request = request_of(intent.plan, intent.reason)
    performed = state.mandates.believed(journal.past_plans(intent.plan.service))
    past = tuple(each for each in performed if each.plan.id != intent.plan.id)
    base, operation = Path(own.base), intent.operation
    return make_driver(settings, action, request, base, machines, threads, past, operation)


def _execution(
    journal: Journal,
    intent: Intent,
    found: Declared,
    driver: Driver,
    probes: InstanceProbes,
    held: Sequence[Held],
) -> Execution:
    clock = SystemClock()
    action = found.action
    # A backup that was read back stays as it is: one look at it is enough.
    steady = 0.0 if found.kind is ActionKind.BACKUP else action.min_healthy

    def given_up() -> str:
        operation = journal.operation(intent.operation)
        return operation.given_up if operation is not None else ""

    verifier = Verifier(driver, probes, clock, found.kind, steady, action.deadline, given_up)
    return Execution(intent.operation, intent.plan, driver, verifier, journal, clock, held)


def _after_defect(journal: Journal, intent: Intent, error: Exception) -> Verdict:
    """The verdict when the runner itself failed: what was not begun is refused."""
    found = journal.operation(intent.operation)
    match error:
        case OpsconsoleError():
            what = str(error)
        case TransitionError():
            what = "another one looked at it meanwhile"
        case _:
            what = f"{type(error).__name__} in it"
    if found is not None and found.state is _S.INTENT:
        return Verdict(_S.REFUSED, f"the runner could not begin: {what}; nothing was done")
    return Verdict(_S.INCONCLUSIVE, f"the runner failed halfway: {what}; look at the service")


def _log_without_values(error: Exception) -> None:
    """Where it happened and of what type; messages and locals may hold secrets."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    print(f"{frames}{type(error).__name__}", file=sys.stderr, flush=True)  # noqa: T201
