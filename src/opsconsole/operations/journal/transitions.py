"""The states of an operation and how one follows another.

Invariant: an operation only moves forward, and every state that is not final can still reach a
final one. ``unknown`` leaves only by looking at the world: to ``dispatched`` when the call's
outcome was found, or to a verdict.
"""

from collections.abc import Mapping
from typing import Final

from opsconsole.model.operation import OperationState

_S = OperationState

ALLOWED: Final[Mapping[OperationState, frozenset[OperationState]]] = {
    _S.PLANNED: frozenset({_S.INTENT, _S.REFUSED}),
    _S.INTENT: frozenset({_S.DISPATCHED, _S.REFUSED, _S.FAILED}),
    _S.DISPATCHED: frozenset({_S.UNKNOWN, _S.VERIFYING, _S.FAILED, _S.INCONCLUSIVE}),
    _S.UNKNOWN: frozenset({_S.DISPATCHED, _S.VERIFYING, _S.FAILED, _S.INCONCLUSIVE}),
    _S.VERIFYING: frozenset({_S.VERIFIED, _S.FAILED, _S.INCONCLUSIVE}),
    _S.VERIFIED: frozenset(),
    _S.FAILED: frozenset(),
    _S.INCONCLUSIVE: frozenset(),
    _S.REFUSED: frozenset(),
}


class TransitionError(ValueError):
    """A program tried to move an operation in a way that does not exist."""


def check(now: OperationState, then: OperationState) -> None:
    """Return when ``then`` may follow ``now``; raise TransitionError otherwise."""
    if then not in ALLOWED[now]:
        raise TransitionError(f"an operation that is {now} cannot become {then}")
