"""What a service has to be put back to after a degradation.

Invariant: it is what the oldest degradation since the last recovery found, because a later one
found what the first had made. This user's own records hold it, or the plans in the shared journal.
"""

from collections.abc import Iterator

from opsconsole.hiding import MASK
from opsconsole.model.operation import ActionKind, Step
from opsconsole.operations.driving import hearsay
from opsconsole.operations.driving.driver import DriverContext, ObserveError


def is_hearsay(context: DriverContext) -> bool:
    """Whether only the shared journal says what there was before."""
    return bool(hearsay.by_whom(context.past, ActionKind.RECOVER, {}))


def degraded_steps(context: DriverContext, driver: str) -> tuple[Step, ...]:
    """The steps of ``driver`` by which the service was first degraded. Raises ObserveError."""
    found: tuple[Step, ...] = ()
    for steps in _since_recovery(context):
        own = tuple(step for step in steps if step.driver == driver and not step.follows)
        found = own or found
    if any(MASK in str(step.call) for step in found):
        raise ObserveError(
            "what there was before is a secret, which only the record of who degraded it holds",
            remedy=f"have them recover {context.service}",
        )
    if not found:
        nothing = hearsay.nothing_to_recover(context.service)
        raise ObserveError(nothing.message, remedy=nothing.lifted_by, code=nothing.code)
    return found


def _since_recovery(context: DriverContext) -> Iterator[tuple[Step, ...]]:
    for past in hearsay.degradation(context.past):
        yield past.plan.steps
