"""The end of a degradation: recovering when it is reached.

Invariant: the end is reached once: the first recovery settles it. It is tried until the service
has been recovered or ``ATTEMPTS`` tries have failed, and it recovers as every change is made.
"""

import time
from typing import Final

from opsconsole.errors import OpsconsoleError
from opsconsole.model.operation import BY_PROMISE, ActionKind, ActionRequest, Refusal
from opsconsole.operations.keeping import automatic
from opsconsole.operations.keeping.promise_rule import PromiseRule
from opsconsole.operations.planning.policy import REASON_LIMIT
from opsconsole.operations.promises.due import left

ATTEMPTS: Final = 20
"""Tries to recover before it is left to a person; about a day."""

_LOOK_EVERY: Final = 1.0
_FIRST_PAUSE: Final = 10.0
_LONGEST_PAUSE: Final = 3600.0


class EndRule(PromiseRule):
    """One degradation on its way to its end."""

    _tries = 0

    async def turn(self) -> float | None:
        """Wait, or try to recover."""
        stored = self._journal.promise(self._promise.operation, self._promise.kind)
        tries = max(self._tries, stored.attempts if stored else 0)
        if (stored is not None and stored.outcome) or tries >= ATTEMPTS:
            return None
        remaining = left(self._promise)
        if remaining > 0:
            return min(remaining, _LOOK_EVERY)
        self._own.stand_for(self._intent)
        outcome = await self._recover()
        stored = self._journal.promise(self._promise.operation, self._promise.kind)
        if not outcome or (stored is not None and stored.outcome):
            return None
        self._tries = tries + 1
        if stored is not None:
            self._journal.tried(stored.operation, stored.kind, outcome, time.time())
        return float(min(_FIRST_PAUSE * 2**tries, _LONGEST_PAUSE))

    async def _recover(self) -> str:
        """One try, made like every change; why it is not over, or ''."""
        who, why = self._intent.who.name, self._intent.reason
        reason = f"the end of the degradation that {who} began: {why}"
        service = self._intent.plan.service
        request = ActionRequest(
            service,
            ActionKind.RECOVER,
            reason=reason[:REASON_LIMIT],
            parameters={BY_PROMISE: "end"},
        )
        try:
            outcome = await automatic.perform(self._state, self._own, self._intent, request)
        except OpsconsoleError as error:
            return str(error)
        if isinstance(outcome, Refusal):
            return str(outcome)
        done = all(step.state == "done" for step in outcome.steps)
        return "" if done else f"{outcome.state}: {outcome.summary}"
