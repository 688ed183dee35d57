"""A fleet that fails by a script, what acts on it, and a door that counts what was done.

Time is a fake clock's. What is recorded is kept in memory, as it would be in a state, by however
many watchers; each call of the door and of the state is one at which a watcher can be killed.
"""

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, cast

from opsconsole.config.settings import Settings
from opsconsole.model.maintenance import Maintenance
from opsconsole.model.operation import (
    ActionRequest,
    Confirmation,
    ConfirmLevel,
    Operation,
    OperationState,
    Plan,
    Refusal,
    Step,
)
from opsconsole.model.remedies.episodes import Episode
from opsconsole.model.snapshot import InstanceView, ServiceView, Snapshot
from opsconsole.model.state import State
from opsconsole.operations.locks.locks import Holder
from opsconsole.operations.remedies.book import RemedyBook
from opsconsole.operations.state_place import StatePlace
from opsconsole.watcher.remedies.acting import Remedies
from tests.fakes import FakeClock
from tests.operations.journal.memory_journal import MemoryJournal, MemoryStore

LOCKED: Final = Refusal("locked", "kim@bastion is restarting web", "wait until it has ended")
RESTART: Final[dict[str, object]] = {
    "when": "state == down", "service": "web", "action": "restart", "mode": "auto",
}  # fmt: skip


class Killed(BaseException):
    """The watcher's process has ended at this very point."""


class MemoryPlace:
    """A state in memory."""

    def __init__(self, point: Callable[[], None] = lambda: None) -> None:
        self.store, self.point = MemoryStore(), point

    def exists(self) -> bool:
        """It is there from the first."""
        return True

    def journal(self) -> MemoryJournal:
        """Another view of it."""
        return _Pointed(self.store, self)


class _Pointed(MemoryJournal):
    """Each record is one point before which, and one after which, a process may end."""

    def __init__(self, store: MemoryStore, place: MemoryPlace) -> None:
        super().__init__(store)
        self._place = place

    def begin_ledger(self, *arguments: Any) -> None:
        self._place.point()
        super().begin_ledger(*arguments)
        self._place.point()

    def extend_ledger(self, *arguments: Any) -> Any:
        self._place.point()
        answer = super().extend_ledger(*arguments)
        self._place.point()
        return answer


class Door:
    """What changes are made through: it records each, once, and cures what the script lets it."""

    def __init__(self, theatre: "Theatre") -> None:
        self._theatre = theatre
        self.done: list[Operation] = []
        self.confirmed: list[Confirmation] = []
        self.refusals: dict[str, Refusal] = {}
        self.locked: dict[str, str] = {}
        self.verdict = OperationState.VERIFIED
        self.cures = True
        self._ids = itertools.count(1)

    def use(self, settings: Settings) -> None:
        """It goes by the same settings throughout."""

    async def plan(self, request: ActionRequest, snapshot: Snapshot | None) -> Plan | Refusal:
        self._theatre.point()
        if request.service in self.locked:
            return LOCKED
        return self.refusals.get(request.service) or Plan(
            f"plan-{next(self._ids)}", request.service, request.kind, request.name,
            self._theatre.clock.now(), "production", "high",
            (Step(f"{request.kind} {request.service}", "command", "x"),), {},
            ConfirmLevel.TYPED_NAME, (), "", request.reason,
        )  # fmt: skip

    async def perform(
        self, plan: Plan, confirmation: Confirmation, then: tuple[Plan, ...] = ()
    ) -> Operation | Refusal:
        self._theatre.point()
        if plan.service in self.locked:
            return LOCKED
        assert all(each.plan_id != plan.id for each in self.done), "a plan is performed once"
        now = self._theatre.clock.now()
        done = Operation(
            f"{len(self.done) + 1:016x}", plan.id, plan.service, plan.kind, "",
            OperationState.VERIFYING, f"auto, rule {confirmation.rule}", "b", now, now,
            confirmation.reason,
        )  # fmt: skip
        self.done.append(done)
        self.confirmed.append(confirmation)
        self._theatre.acted(done)
        self._theatre.point()
        return done

    def settle(self) -> None:
        """Give each operation its verdict."""
        now = self._theatre.clock.now()
        self.done = [
            each
            if each.state.final
            else replace(each, state=self.verdict, ended_at=now, updated_at=now)
            for each in self.done
        ]

    def operations(self, limit: int = 50) -> tuple[Operation, ...]:
        return tuple(reversed((*self._theatre.by_hand, *self.done)))[:limit]

    def operation(self, operation: str) -> Operation | None:
        return next((each for each in self.operations(1000) if each.id == operation), None)

    def holder(self, subject: str) -> Holder | None:
        by = self.locked.get(subject)
        now = self._theatre.clock.now()
        return None if by is None else Holder("", "restart", subject, by, 1, "bastion", "", now)


class Theatre:
    """``count`` services beside ``web``; ``point`` is called wherever a watcher may be killed."""

    def __init__(self, *remedies: dict[str, object], count: int = 9, **more: object) -> None:
        names = ["web", *(f"s{number}" for number in range(count))]
        declared = {"restart": {"command": ["true"]}, "degrade": {"command": ["true"]}}
        self.settings = Settings.model_validate(
            {
                "services": {
                    name: {"instances": ["http://127.0.0.1:1"], "actions": declared}
                    for name in names
                },
                "remedies": list(remedies) or [RESTART],
                "docker": [],
                **more,
            }
        )
        self.clock = FakeClock()
        self.begun = self.clock.now()
        self.states = dict.fromkeys(names, State.OK)
        self.since = dict.fromkeys(names, self.begun - 86400)
        self.by_hand: list[Operation] = []
        self.maintenances: tuple[Maintenance, ...] = ()
        self.when_acted: Callable[[Operation], None] = lambda operation: self.heal(
            operation.service
        )
        self.point: Callable[[], None] = lambda: None
        self.place = MemoryPlace(self._at_a_point)
        self.door = Door(self)
        self.leads = True
        self.book = self._book()
        self.watcher = self.another()

    def _at_a_point(self) -> None:
        self.point()

    def _book(self) -> RemedyBook:
        return RemedyBook(cast(StatePlace, self.place), None)

    def another(self) -> Remedies:
        """A watcher that has just begun to lead."""
        return Remedies(self.settings, self.door, self._book(), self.clock, lambda: self.leads)

    def fail(self, *names: str, state: State = State.DOWN) -> None:
        """From now on they are down."""
        for name in names:
            self.states[name], self.since[name] = state, self.clock.now()

    def heal(self, *names: str) -> None:
        """From now on they are ok."""
        self.fail(*names, state=State.OK)

    def acted(self, operation: Operation) -> None:
        """Something was done."""
        self.when_acted(operation)

    def hand(self, operation: Operation) -> None:
        """Somebody did something from a console."""
        self.by_hand.append(operation)
        self.acted(operation)

    @property
    def snapshot(self) -> Snapshot:
        """What is seen now."""
        now = self.clock.now()
        return Snapshot(
            1,
            now,
            services=tuple(
                ServiceView(
                    name,
                    state,
                    self.since[name],
                    (InstanceView(name, name, "", state, self.since[name], taken_at=now),),
                    reason="" if state is State.OK else "connection refused",
                )
                for name, state in self.states.items()
            ),
            operations=self.door.operations(),
            maintenances=self.maintenances,
        )

    async def go(self, seconds: float, step: float = 5.0) -> None:
        """Let time pass; each operation has its verdict a step after it began."""
        ends = self.clock.now() + seconds
        while self.clock.now() < ends:
            self.clock.move(step)
            await self.watcher.consider(self.snapshot, self.clock.now())
            self.door.settle()

    @property
    def episodes(self) -> tuple[Episode, ...]:
        """What was recorded, the oldest first."""
        return self.book.episodes()[::-1]

    @property
    def times(self) -> list[float]:
        """When something was done, in seconds since the beginning."""
        return [each.started_at - self.begun for each in self.door.done]
