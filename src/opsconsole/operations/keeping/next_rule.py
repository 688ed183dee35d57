"""A group of operations: beginning the next one once the one before it is verified.

Invariant: each of a group is begun once at most and in its turn, by its own intent, whichever
process dies; after one that is not verified, or not begun, none is begun. What is not begun is
recorded as refused, with what stood before it. Everything is asked again when its turn comes.
"""

import time
from collections.abc import Sequence
from typing import Final

from opsconsole.clock import SystemClock
from opsconsole.model.operation import Operation, OperationState, Refusal
from opsconsole.operations.journal.journal import Journal
from opsconsole.operations.journal.records import Intent
from opsconsole.operations.keeping.automatic import operator_of
from opsconsole.operations.mandates import Mandate
from opsconsole.operations.own_configuration import OwnConfiguration
from opsconsole.operations.running import dispatch
from opsconsole.operations.state_place import StatePlace

LOOK_EVERY: Final = 0.2
_AGAIN: Final = 10.0
NOT_STARTED: Final = "not-started"
"""The code of a refusal that says that it may be under way all the same."""
_NOT_BEGUN: Final = frozenset({OperationState.INTENT, OperationState.REFUSED})
_INTERRUPTED: Final = Refusal("interrupted", "recording why it was refused was interrupted")


class NextRule:
    """What follows one operation of a group."""

    def __init__(
        self, state: StatePlace, journal: Journal, own: OwnConfiguration, mandate: Mandate
    ) -> None:
        self._state = state
        self._journal = journal
        self._own = own
        self._mandate = mandate

    async def turn(self) -> float | None:
        """Wait for the verdict, then begin what follows, or record that nothing does."""
        intent, then = self._mandate.intent, self._mandate.then
        run = self._journal.operation(intent.operation)
        if run is None and self._is_being_recorded():
            return LOOK_EVERY
        if run is None or not then:
            return None
        if not run.state.final:
            self._take_up(run)
            return LOOK_EVERY
        if self._has_begun(then[0]):
            return None
        self._own.stand_for(then[0])
        if run.state is not OperationState.VERIFIED:
            self._leave(then, f"not begun: {run.service} before it was {run.state}")
            return None
        refusal = await self._refused(then)
        if refusal is None:
            return None
        if refusal.code == NOT_STARTED:
            return _AGAIN
        self._leave(then[:1], f"{refusal}; nothing was done")
        self._leave(then[1:], f"not begun: {then[0].plan.service} before it was refused")
        return None

    def _is_being_recorded(self) -> bool:
        """Whether who gave the mandate is about to record its operation, or just did."""
        operation = self._mandate.intent.operation
        held = self._state.locks.is_held(dispatch.runner_lock(operation))
        return held or self._journal.operation(operation) is not None

    def _take_up(self, run: Operation) -> None:
        """Have it looked at what a dead runner left; nothing while the runner lives."""
        dispatch.take_up(
            self._state, self._journal, self._own, run, self._mandate.intent.who, SystemClock()
        )

    def _has_begun(self, following: Intent) -> bool:
        """Whether it was begun, by this process or one before it; what it left goes on there."""
        found = self._journal.operation(following.operation)
        if found is None:
            # What a process that was killed gave and did not record commands nothing.
            self._state.mandates.end(following.operation)
            return False
        given = self._state.mandates.get(following.operation) is not None
        if given and not found.state.final:
            # Who recorded it may have been killed before its runner was there.
            self._take_up(found)
        return given or found.state not in _NOT_BEGUN

    async def _refused(self, then: Sequence[Intent]) -> Refusal | None:
        """Why the first of ``then`` may not be begun now; None once it is under way."""
        if self._journal.operation(then[0].operation) is not None:
            return _INTERRUPTED
        still = self._own.declared(self._own.fleet(then[0].plan.service), then[0])
        if isinstance(still, Refusal):
            return still
        operator = operator_of(self._state, self._own, self._own.settings())
        try:
            answer = await operator.perform_next(then[0], tuple(then[1:]))
        finally:
            operator.close()
        if isinstance(answer, Operation) or self._has_begun(then[0]):
            return None
        return answer

    def _leave(self, then: Sequence[Intent], why: str) -> None:
        """Record that these are not begun; what was recorded before is not recorded again."""
        for each in then:
            found = self._journal.operation(each.operation)
            if found is None:
                self._journal.submit(each, time.time())
            if found is None or not found.state.final:
                state = OperationState.REFUSED
                self._journal.advance(each.operation, state, time.time(), summary=why)
