"""A change that the keeper begins: the end of a degradation, of an acknowledgement, a rollback
after a failure.

Invariant: it is made like every change, under the configuration as it is now, and in
read-only it is refused like any other.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from opsconsole.clock import SystemClock
from opsconsole.config.loader import default_settings, load
from opsconsole.config.settings import Settings, effective_read_only
from opsconsole.model.operation import ActionRequest, Confirmation, Operation, Refusal
from opsconsole.operations.journal.records import Intent
from opsconsole.operations.operator import Operator
from opsconsole.operations.state_place import StatePlace

_LOOK_EVERY: Final = 0.2


def settings_of(intent: Intent) -> Settings:
    """The configuration that ``intent`` was made under, as it is now. Raises ConfigError."""
    return load(Path(intent.config_path)) if intent.config_path else default_settings()


async def perform(
    state: StatePlace,
    intent: Intent,
    request: ActionRequest,
    begun: Callable[[Operation], None] | None = None,
) -> Operation | Refusal:
    """Plan ``request`` and see it to its verdict, or say why it was refused.

    ``begun`` is called with the operation once it is under way.
    """
    settings = settings_of(intent)
    operator = Operator(
        settings,
        base=Path(intent.base),
        clock=SystemClock(),
        read_only=effective_read_only(settings, asked=False),
        state=state,
        config_path=Path(intent.config_path) if intent.config_path else None,
    )
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
