"""Finds the operation that a step of a run began. Pure.

Invariant: an operation belongs to a step when it runs the step's action, was started by the user
who opened the plan, after the plan was opened, and belongs to no other step. The step's result is
the operation's verdict.
"""

from collections.abc import Sequence
from typing import Final

from opsconsole.model.operation import Operation, OperationState
from opsconsole.model.runbooks.runbook import OperationCall
from opsconsole.model.runbooks.runs import RunbookRun, StepRun, StepState

OPEN_FOR: Final = 1800.0
"""Seconds that a plan may stay open and still count as the step's."""

_SLACK: Final = 1.0
_VERDICTS: Final = {
    OperationState.VERIFIED: StepState.PASSED,
    OperationState.FAILED: StepState.FAILED,
    OperationState.REFUSED: StepState.FAILED,
    OperationState.INCONCLUSIVE: StepState.INCONCLUSIVE,
}


def found_operation(
    run: RunbookRun, at: StepRun, call: OperationCall, operations: Sequence[Operation]
) -> Operation | None:
    """The first operation that was started from the plan of the step."""
    if at.planned_at is None:
        return None
    taken = {step.operation for step in run.steps}
    earliest, latest = at.planned_at - _SLACK, at.planned_at + OPEN_FOR
    found = [
        each
        for each in operations
        if each.id not in taken
        and (each.service, each.kind) == (call.service or run.service, call.kind)
        and (not call.name or each.name == call.name)
        and (each.who, each.host) == (at.who, at.host)
        and earliest <= each.started_at <= latest
    ]
    return min(found, key=lambda each: each.started_at, default=None)


def verdict(
    at: StepRun, operations: Sequence[Operation]
) -> tuple[StepState, str, tuple[str, ...]] | None:
    """The result of the step's operation; None while that is not known."""
    found = next((each for each in operations if each.id == at.operation), None)
    if found is None:
        older = (
            operations
            and at.started_at is not None
            and (min(each.started_at for each in operations) > at.started_at)
        )
        said = "its operation is not among the latest any more: opsconsole operations has it"
        return (StepState.INCONCLUSIVE, said, ()) if older else None
    state = _VERDICTS.get(found.state)
    if state is None:
        return None
    said = f"{found.state}: {found.summary}" if found.summary else str(found.state)
    return state, said, found.evidence
