"""Turns changes of a run into events of the timeline. Pure.

Invariant: each beginning, result and end gives one event; samples of a wait give none.
"""

from collections.abc import Iterator

from opsconsole.model.events import Event, EventCode
from opsconsole.model.runbooks.runbook import Runbook
from opsconsole.model.runbooks.runs import RunbookRun, RunOutcome, StepRun, StepState
from opsconsole.model.state import State

_COLOURS = {
    StepState.PASSED: State.OK,
    StepState.FAILED: State.DOWN,
    StepState.INCONCLUSIVE: State.UNKNOWN,
}


def news(before: RunbookRun | None, after: RunbookRun, runbook: Runbook | None) -> Iterator[Event]:
    """What is new in ``after``."""
    if before is after:
        return
    if before is None:
        yield _event(after, after.began_at, f"begun, by {after.who}")
    known = {step.id: step for step in before.steps} if before else {}
    for number, step in enumerate(after.steps, 1):
        words = _words(known.get(step.id), step)
        if words:
            written = runbook.step(step.id) if runbook else None
            title = written.title if written else step.id
            at = step.ended_at if step.ended_at is not None else after.updated_at
            message = f"{number}. {title}: {words}"
            yield _event(after, at, message, _COLOURS.get(step.state))
    if after.ended_at is not None and (before is None or before.open):
        yield _event(after, after.ended_at, after.said, _of_end(after))


def _words(before: StepRun | None, after: StepRun) -> str:
    """What to say of a step; '' if nothing is new."""
    result = after.state not in {StepState.PENDING, StepState.RUNNING}
    same = before and (before.state, before.ended_at) == (after.state, after.ended_at)
    if not result or same:
        return ""
    by = f", by {after.who}" if after.who else ""
    if after.state is StepState.SKIPPED:
        return f"skipped{by}"
    return f"{after.state}{by}: {after.said}" if after.said else f"{after.state}{by}"


def _of_end(run: RunbookRun) -> State | None:
    if run.outcome is not RunOutcome.FINISHED:
        return State.UNKNOWN
    states = {step.state for step in run.steps}
    return State.OK if not states & {StepState.FAILED, StepState.INCONCLUSIVE} else State.DEGRADED


def _event(run: RunbookRun, at: float, message: str, state: State | None = None) -> Event:
    return Event(at, EventCode.RUNBOOK, f"{run.title}: {message}", run.service, run.service, state)
