"""An automatic rollback: counting down to it, and performing it unless a person stopped it.

Invariant: it is claimed before it is performed, so that it is performed at most once whichever
process dies, and it is made like every change, with a verdict of its own. An operation that
somebody has begun on the service in the meantime takes its place.
"""

import time
from typing import Final

from opsconsole.errors import OpsconsoleError
from opsconsole.model.operation import BY_PROMISE, ActionKind, ActionRequest, Operation, Refusal
from opsconsole.operations.keeping import automatic
from opsconsole.operations.keeping.promise_rule import PromiseRule
from opsconsole.operations.planning import rollback_rules
from opsconsole.operations.planning.policy import REASON_LIMIT

BEGUN: Final = "begun"

_LOOK_EVERY: Final = 0.2


class RollbackRule(PromiseRule):
    """One countdown."""

    def _begin(self) -> None:
        # The wall may be stepped meanwhile; the countdown goes on.
        wait = min(self._promise.due - time.time(), self._intent.plan.rollback_after)
        self._ends = time.monotonic() + wait

    async def turn(self) -> float | None:
        """Count down, or roll back."""
        operation, kind = self._promise.operation, self._promise.kind
        failed = self._journal.operation(operation)
        if failed is None or (failed.state.final and failed.rollback_at is None):
            return None
        if not failed.state.final or time.monotonic() < self._ends or self._is_looked_at(failed):
            return _LOOK_EVERY
        self._own.stand_for(self._intent)
        others = self._journal.later(operation)
        why_not = rollback_rules.why_not(failed, others, time.time())
        claimed = self._journal.settle(operation, kind, why_not or BEGUN, time.time())
        if claimed and not why_not:
            self._journal.set_outcome(operation, kind, await self._roll_back(failed), time.time())
        return None

    def _is_looked_at(self, failed: Operation) -> bool:
        """Whether an operation that leaves the service as it is has its lock:

        the rollback waits.
        """
        held = self._state.locks.holder(failed.service)
        found = self._journal.operation(held.operation) if held is not None else None
        return found is not None and rollback_rules.waits_for(failed, found, time.time())

    async def _roll_back(self, failed: Operation) -> str:
        who = self._intent.who.name
        why = f"by itself after {failed.kind} by {who} {failed.state}: {failed.summary}"
        service = self._intent.plan.service
        parameters = {BY_PROMISE: "rollback"}
        request = ActionRequest(
            service, ActionKind.ROLLBACK, reason=why[:REASON_LIMIT], parameters=parameters
        )

        def begun(operation: Operation) -> None:
            said = f"{BEGUN} as {operation.id}"
            self._journal.set_outcome(failed.id, self._promise.kind, said, time.time())

        try:
            outcome = await automatic.perform(self._state, self._own, self._intent, request, begun)
        except OpsconsoleError as error:
            return f"not done: {error}"
        if isinstance(outcome, Refusal):
            return f"refused ({outcome.code}): {outcome}"
        return f"{outcome.state} as {outcome.id}"
