"""What a service has to be put back to after a degradation.

Invariant: it is what the oldest degradation since the last recovery found, because a later one
found what the first had made. The plans in the journal hold it.
"""

from collections.abc import Iterator

from opsconsole.model.operation import ActionKind, OperationState, Step
from opsconsole.operations.planning.driver import DriverContext, ObserveError

_NOTHING_DONE = frozenset({OperationState.REFUSED, OperationState.INTENT})


def degraded_steps(context: DriverContext, driver: str) -> tuple[Step, ...]:
    """The steps of ``driver`` by which the service was first degraded. Raises ObserveError."""
    found: tuple[Step, ...] = ()
    for steps in _since_recovery(context):
        own = tuple(step for step in steps if step.driver == driver and not step.follows)
        found = own or found
    if not found:
        raise ObserveError(
            f"{context.service} was not degraded here",
            remedy="look at its operations; there is nothing to recover from",
        )
    return found


def _since_recovery(context: DriverContext) -> Iterator[tuple[Step, ...]]:
    for past in context.past:
        if past.plan.kind is ActionKind.RECOVER and past.state is OperationState.VERIFIED:
            return
        if past.plan.kind is ActionKind.DEGRADE and past.state not in _NOTHING_DONE:
            yield past.plan.steps
