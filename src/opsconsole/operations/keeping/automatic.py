"""A change that the keeper begins: the end of a degradation, of an acknowledgement, a rollback
after a failure.

Invariant: it is made like every change, under this process's own configuration as it is now, which
must still declare what was confirmed, and in read-only it is refused like any other.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from opsconsole.clock import SystemClock
from opsconsole.config.settings import Settings, effective_read_only
from opsconsole.discovery.look import look
from opsconsole.model.operation import ActionRequest, Confirmation, Operation, Refusal
from opsconsole.operations.journal.records import Intent
from opsconsole.operations.operator import Operator
from opsconsole.operations.own_configuration import OwnConfiguration
from opsconsole.operations.state_place import StatePlace

_LOOK_EVERY: Final = 0.2


def operator_of(state: StatePlace, own: OwnConfiguration, settings: Settings) -> Operator:
    """What makes a change under ``settings``, which are what ``own`` says now."""
    return Operator(
        settings,
        base=Path(own.base),
        clock=SystemClock(),
        read_only=effective_read_only(settings, asked=False),
        state=state,
        config_path=own.file,
    )


async def perform(
    state: StatePlace,
    own: OwnConfiguration,
    intent: Intent,
    request: ActionRequest,
    begun: Callable[[Operation], None] | None = None,
) -> Operation | Refusal:
    """Plan ``request``, which follows ``intent``, and see it to its verdict, or say why not.

    It is refused where ``own`` no longer declares what was confirmed.
    ``begun`` is called with the operation once it is under way.
    """
    settings = own.settings()
    still = own.declared(look(settings, about=(intent.plan.service,)), intent)
    if isinstance(still, Refusal):
        return still
    operator = operator_of(state, own, settings)
    try:
        plan = await operator.plan(request, None)
        if isinstance(plan, Refusal):
            return plan
        confirmation = Confirmation(typed=plan.service, reason=request.reason)
        started = await operator.perform(plan, confirmation)
        if isinstance(started, Refusal):
            return started
        if begun is not None:
            begun(started)
        outcome = started
        async for seen in operator.follow(started, _LOOK_EVERY):
            outcome = seen
        return outcome
    finally:
        operator.close()
