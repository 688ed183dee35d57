"""When a service is rolled back by itself after a change, and when that is not done. Pure.

Invariant: never after a rollback, a restore, or what leaves the service as it is; only where a
step was begun; an operation that somebody has begun on the service in the meantime takes its place.
"""

from collections.abc import Iterable
from typing import Final

from opsconsole.model.operation import SILENCING, ActionKind, Operation, OperationState, Plan

LATEST: Final = 600.0
"""Seconds after its time at which a rollback that nobody began is not begun any more."""

LEAVE_IT_AS_IT_IS: Final = frozenset({ActionKind.TEST, ActionKind.BACKUP})
"""Kinds that neither take a rollback's place nor let it begin while they are under way."""

_UNVERIFIED: Final = frozenset({OperationState.FAILED, OperationState.INCONCLUSIVE})
_NEVER: Final = SILENCING | LEAVE_IT_AS_IT_IS | frozenset({ActionKind.ROLLBACK, ActionKind.RESTORE})


def can_follow(kind: ActionKind) -> bool:
    """Whether a rollback of the service makes any sense after ``kind``."""
    return kind not in _NEVER


def countdown_after(plan: Plan, state: OperationState, *, begun: bool) -> float:
    """Seconds after the verdict ``state`` at which to roll back; 0 for not at all.

    ``begun``: a step of ``plan`` was begun.
    """
    return plan.rollback_after if begun and state in _UNVERIFIED else 0.0


def why_not(failed: Operation, others: Iterable[Operation], now: float) -> str:
    """Why the rollback of ``failed`` must not be begun any more at ``now``, or ''.

    ``others`` are the operations of its service that were recorded after it.
    """
    assert failed.rollback_at is not None
    if now - failed.rollback_at > LATEST:
        return "not done: its time was long past before anybody could begin it"
    later = next((each for each in others if _is_later(each, failed)), None)
    if later is None:
        return ""
    return f"not done: {later.kind} by {later.who} was begun since ({later.id})"


def waits_for(failed: Operation, at_it: Operation, now: float) -> bool:
    """Whether the rollback of ``failed`` is to wait until ``at_it`` has let the service go."""
    if failed.rollback_at is None or now - failed.rollback_at > LATEST:
        return False
    return at_it.kind in LEAVE_IT_AS_IT_IS


def _is_later(other: Operation, failed: Operation) -> bool:
    changes = other.kind not in LEAVE_IT_AS_IT_IS and other.state is not OperationState.REFUSED
    return changes and other.id != failed.id
