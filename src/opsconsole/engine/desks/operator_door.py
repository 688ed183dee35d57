"""Follows what the operator recorded: operations, degradations and what is allowed.

Invariant: the operator's files and database are never read on the engine's loop; one slow look at
them delays only the next look. If the journal cannot be read, the last known values stay, and
``fault`` says why. Without an operator there are no values.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Final, TypeVar

from opsconsole.config.settings import Settings
from opsconsole.engine.judge.events import operation_missed, operation_moved, promise_left
from opsconsole.errors import StateError
from opsconsole.model.alerting.silences import SilenceView
from opsconsole.model.events import Event
from opsconsole.model.operation import (
    ActionView,
    Degradation,
    LeftToOthers,
    Operation,
    OperationState,
)
from opsconsole.model.snapshot import Snapshot
from opsconsole.threads import BoundedExecutor, QueueFullError

if TYPE_CHECKING:
    from opsconsole.operations.operator import Operator

DEADLINE: Final = 5.0
"""Deadline for one look at the journal, in seconds."""

ACTIONS_EVERY: Final = 5.0
"""Seconds between looks at what is allowed, because cooldowns end over time."""

RECONCILE_EVERY: Final = 3.0
"""Seconds between looks for what a dead runner left unfinished."""

T = TypeVar("T")


class OperatorDoor:
    """The operator's last answers."""

    def __init__(
        self,
        operator: "Operator | None",
        add_event: Callable[[Event], None],
        *,
        deadline: float = DEADLINE,
    ) -> None:
        self._operator = operator
        self._deadline = deadline
        self._add_event = add_event
        self._executor = BoundedExecutor("operations", 1)
        self._states: dict[str, OperationState] | None = None
        self._actions_at: float | None = None
        self._left: set[LeftToOthers] = set()
        self._reconciled_at: float | None = None
        self.operations: tuple[Operation, ...] = ()
        self.degradations: tuple[Degradation, ...] = ()
        self.acknowledgements: tuple[SilenceView, ...] = ()
        self.missed: tuple[Operation, ...] = ()
        self.fault = self._trouble = ""

    def use(self, settings: Settings, declared: Settings) -> None:
        """Use ``settings`` from now on, of which ``declared`` is what the configuration says."""
        if self._operator is not None:
            self._operator.use(settings, declared)
            self._actions_at = None

    async def poll(self) -> bool:
        """Read the journal if it changed. Returns whether any operation changed."""
        if self._operator is None:
            return False
        self._trouble = ""
        moved = await self._read(self._operator)
        self.fault = self._trouble
        return moved

    async def _read(self, operator: "Operator") -> bool:
        if self._states is not None and not await self._call(operator.changed, False):
            return False
        operations = await self._call(operator.operations, None)
        if operations is None:
            return False
        lasting = await self._call(operator.degradations, self.degradations)
        self.acknowledgements = await self._call(operator.acknowledgements, self.acknowledgements)
        same = operations == self.operations and lasting == self.degradations
        if same and self._states is not None:
            return False
        self.degradations = lasting
        await self._catch_up(operator)
        self._note(operations)
        self._actions_at = None
        return True

    async def poll_actions(
        self, services: Iterable[str], snapshot: Snapshot, now: float
    ) -> Mapping[str, tuple[ActionView, ...]]:
        """What is allowed for each service if it is time to ask again, else nothing."""
        operator = self._operator
        if operator is None:
            return {}
        if self._actions_at is not None and now - self._actions_at < ACTIONS_EVERY:
            return {}
        self._actions_at = now
        names = tuple(services)

        def ask() -> Mapping[str, tuple[ActionView, ...]]:
            return {name: operator.actions(name, snapshot) for name in names}

        nothing: Mapping[str, tuple[ActionView, ...]] = {}
        allowed = await self._call(ask, nothing)
        if allowed is nothing:
            self._actions_at = None
        return allowed

    async def reconcile(self, now: float) -> None:
        """Have the operator finish what dead runners left, when it is time to."""
        due = self._reconciled_at is None or now - self._reconciled_at >= RECONCILE_EVERY
        if self._operator is not None and due:
            self._reconciled_at = now
            await self._operator.reconcile()
            await self._tell_left(self._operator)

    def close(self) -> None:
        """Release the thread and the operator; operations continue."""
        self._executor.close()
        if self._operator is not None:
            self._operator.close()

    async def _tell_left(self, operator: "Operator") -> None:
        """What waits for a console of another configuration, once each."""
        nothing: tuple[LeftToOthers, ...] = ()
        for each in await self._call(operator.left_to_others, nothing):
            if each not in self._left:
                self._left.add(each)
                self._add_event(promise_left(each))

    async def _catch_up(self, operator: "Operator") -> None:
        """Operations that ended before the first look were missed; later ones are seen."""
        nothing: tuple[Operation, ...] = ()
        missed = await self._call(operator.catch_up, nothing)
        if self._states is None:
            self.missed = missed
            for each in missed:
                self._add_event(operation_missed(each))

    async def _call(self, function: Callable[[], T], otherwise: T) -> T:
        try:
            return await self._executor.run(function, deadline=self._deadline)
        except (TimeoutError, QueueFullError):
            # The journal's disk hangs: the last known values stay, and the next look tries again.
            self._trouble = "the journal does not answer"
        except StateError as error:
            self._trouble = str(error)
        return otherwise

    def _note(self, operations: tuple[Operation, ...]) -> None:
        before = self._states
        self._states = {each.id: each.state for each in operations}
        self.operations = operations
        for each in operations:
            # What the journal held before this console started is not news.
            if before is not None and before.get(each.id) is not each.state:
                event = operation_moved(each, before.get(each.id))
                if event is not None:
                    self._add_event(event)
