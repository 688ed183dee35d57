"""What a plan takes from the shared journal alone: said by whose word, and done by no process.

Invariant: anyone of the group may have written a row, so that what guides a plan and stands in no
record of this user's is named in it, for a person to judge. What is done by itself, at the end of a
degradation or after a failure, is not done on such a word. Pure.
"""

from collections.abc import Mapping

from opsconsole.model.operation import (
    BY_PROMISE,
    ActionKind,
    ActionRequest,
    OperationState,
    Refusal,
)
from opsconsole.operations.driving.driver import ObserveError
from opsconsole.operations.journal.records import Past

_NOTHING_DONE = frozenset({OperationState.REFUSED, OperationState.INTENT})


def degradation(past: tuple[Past, ...]) -> tuple[Past, ...]:
    """The degradations since the last recovery, newest first."""
    found: list[Past] = []
    for each in past:
        if each.plan.kind is ActionKind.RECOVER and each.state is OperationState.VERIFIED:
            break
        if each.plan.kind is ActionKind.DEGRADE and each.state not in _NOTHING_DONE:
            found.append(each)
    return tuple(found)


def nothing_to_recover(service: str) -> Refusal:
    """Why there is no recovery of what was not degraded."""
    said = f"{service} was not degraded here, so that there is nothing to recover from"
    return Refusal("nothing-to-do", said, "degrade it first; its operations are listed")


def by_whom(past: tuple[Past, ...], kind: ActionKind, goals: Mapping[str, str]) -> str:
    """By whose word it is known what there was before; '' by this user's own, or by none."""
    if kind is ActionKind.RECOVER:
        found = degradation(past)
        return found[-1].said_by if found else ""
    if kind is not ActionKind.ROLLBACK:
        return ""
    for fact, goal in goals.items():
        saying = [each for each in past if goal in _said(each, fact)]
        if saying and all(each.said_by for each in saying):
            return saying[0].said_by
    return ""


def warnings_of(
    past: tuple[Past, ...], kind: ActionKind, goals: Mapping[str, str]
) -> tuple[str, ...]:
    """What a person should know of it before confirming."""
    who = by_whom(past, kind, goals)
    if not who:
        return ()
    what = "what is put back" if kind is ActionKind.RECOVER else "which version was before"
    return (
        f"{what} is known by the shared journal alone, as {who} has it there: look at it first",
    )


def refuse_by_itself(
    past: tuple[Past, ...], request: ActionRequest, goals: Mapping[str, str]
) -> None:
    """Raise ObserveError where nobody would read the warning."""
    who = by_whom(past, request.kind, goals)
    if who and BY_PROMISE in request.parameters:
        raise ObserveError(
            f"what there was before is known by the shared journal alone, as {who} has it there",
            remedy=f"{request.kind} it by hand, after a look at the plan",
            code="said-by-others",
        )


def _said(past: Past, fact: str) -> tuple[str, str]:
    return past.plan.fingerprint.get(fact, ""), past.plan.goals.get(fact, "")
