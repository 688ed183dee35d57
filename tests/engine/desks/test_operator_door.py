"""The engine's door to operations."""

import time
from dataclasses import replace

from opsconsole.config.settings import Settings
from opsconsole.engine.desks.operator_door import ACTIONS_EVERY, RECONCILE_EVERY, OperatorDoor
from opsconsole.errors import StateError
from opsconsole.model.alerting.silences import SilenceView
from opsconsole.model.events import Event, EventCode
from opsconsole.model.operation import (
    ActionKind,
    ActionView,
    Degradation,
    LeftToOthers,
    Operation,
    OperationState,
)
from opsconsole.model.snapshot import Snapshot
from opsconsole.operations.operator import Operator
from opsconsole.render.timeline.words import words

SNAPSHOT = Snapshot(1, 0.0)
RESTART = ActionView(ActionKind.RESTART, "", "docker", "restart api")


class ScriptedOperator(Operator):
    """Has the operations that it is given."""

    def __init__(self) -> None:
        self.held: tuple[Operation, ...] = ()
        self.lasting: tuple[Degradation, ...] = ()
        self.acknowledged: tuple[SilenceView, ...] = ()
        self.ended: tuple[Operation, ...] = ()
        self.left: tuple[LeftToOthers, ...] = ()
        self.moved = True
        self.asked = 0
        self.reconciled = 0
        self.closed = False
        self.takes = 0.0
        self.settings = Settings()
        self.broken = ""

    def use(self, settings: Settings, declared: Settings | None = None) -> None:
        self.settings = settings

    def actions(self, service: str, snapshot: Snapshot | None = None) -> tuple[ActionView, ...]:
        self._refuse_broken()
        self.asked += 1
        return (RESTART,)

    def operations(self, limit: int = 50) -> tuple[Operation, ...]:
        return self.held

    def degradations(self) -> tuple[Degradation, ...]:
        return self.lasting

    def acknowledgements(self) -> tuple[SilenceView, ...]:
        return self.acknowledged

    def catch_up(self) -> tuple[Operation, ...]:
        ended, self.ended = self.ended, ()
        return ended

    def left_to_others(self) -> tuple[LeftToOthers, ...]:
        return self.left

    def changed(self) -> bool:
        self._refuse_broken()
        time.sleep(self.takes)
        moved, self.moved = self.moved, False
        return moved

    async def reconcile(self) -> int:
        self.reconciled += 1
        return 0

    def close(self) -> None:
        self.closed = True

    def _refuse_broken(self) -> None:
        if self.broken:
            raise StateError(self.broken, remedy="restore the file from a copy")


def operation(state: OperationState) -> Operation:
    return Operation("1", "p", "api", ActionKind.RESTART, "", state, "ann", "bastion", 1.0, 2.0)


async def test_what_was_done_before_is_no_news_and_what_moves_is() -> None:
    told: list[Event] = []
    operator = ScriptedOperator()
    operator.held = (replace(operation(OperationState.VERIFIED), id="0"),)
    door = OperatorDoor(operator, told.append)
    assert await door.poll()
    assert told == []
    assert door.operations == operator.held
    operator.held = (operation(OperationState.DISPATCHED), *operator.held)
    operator.moved = True
    assert await door.poll()
    operator.held = (operation(OperationState.VERIFIED), *operator.held[1:])
    operator.moved = True
    assert await door.poll()
    assert [event.after for event in told] == ["intent", "verified"]
    assert not await door.poll(), "nothing moved"
    door.close()
    assert operator.closed


async def test_what_ended_before_the_first_look_was_missed_and_is_told() -> None:
    told: list[Event] = []
    operator = ScriptedOperator()
    over = replace(operation(OperationState.VERIFIED), ended_at=4.0)
    operator.held = operator.ended = (over,)
    door = OperatorDoor(operator, told.append)
    assert await door.poll()
    assert door.missed == (over,)
    assert [event.at for event in told] == [4.0]
    assert "restart: verified while you were away, by ann" in words(told[0])
    operator.held = operator.ended = (replace(over, id="2", ended_at=9.0),)
    operator.moved = True
    assert await door.poll()
    assert door.missed == (over,), "what ends while the console is open is not missed"
    door.close()


async def test_a_degradation_that_comes_to_last_is_a_change() -> None:
    operator = ScriptedOperator()
    operator.held = (operation(OperationState.VERIFIED),)
    door = OperatorDoor(operator, lambda event: None)
    assert await door.poll()
    operator.lasting = (Degradation("1", "api", 60.0, "ann", "bastion"),)
    operator.moved = True
    assert await door.poll()
    assert door.degradations == operator.lasting
    door.close()


async def test_actions_are_asked_for_now_and_then_and_after_each_move() -> None:
    operator = ScriptedOperator()
    door = OperatorDoor(operator, lambda event: None)
    await door.poll()
    assert await door.poll_actions(["api"], SNAPSHOT, 0.0) == {"api": (RESTART,)}
    assert await door.poll_actions(["api"], SNAPSHOT, ACTIONS_EVERY - 0.1) == {}
    assert await door.poll_actions(["api"], SNAPSHOT, ACTIONS_EVERY) != {}
    operator.held, operator.moved = (operation(OperationState.INTENT),), True
    await door.poll()
    assert await door.poll_actions(["api"], SNAPSHOT, ACTIONS_EVERY + 0.1) != {}
    assert operator.asked == 3
    door.close()


async def test_actions_that_were_not_answered_are_asked_for_again_at_once() -> None:
    operator = ScriptedOperator()
    door = OperatorDoor(operator, lambda event: None)
    await door.poll()
    operator.broken = "cannot use the journal: disk I/O error"
    assert await door.poll_actions(["api"], SNAPSHOT, 0.0) == {}
    operator.broken = ""
    assert await door.poll_actions(["api"], SNAPSHOT, 0.1) == {"api": (RESTART,)}
    door.close()


async def test_dead_runners_are_looked_for_now_and_then() -> None:
    operator = ScriptedOperator()
    door = OperatorDoor(operator, lambda event: None)
    for now in (0.0, 1.0, RECONCILE_EVERY, RECONCILE_EVERY + 1):
        await door.reconcile(now)
    assert operator.reconciled == 2
    door.close()


async def test_what_waits_for_another_configuration_is_told_once() -> None:
    operator = ScriptedOperator()
    events: list[Event] = []
    operator.left = (LeftToOthers("a" * 16, "api", ActionKind.RECOVER, 5.0, "/other.yaml"),)
    door = OperatorDoor(operator, events.append)
    for now in (0.0, RECONCILE_EVERY):
        await door.reconcile(now)
    (told,) = events
    assert (told.code, told.service, told.at) == (EventCode.PROMISE_LEFT, "api", 5.0)
    assert "past its end, and is left to a console with /other.yaml" in words(told)
    door.close()


async def test_a_journal_that_hangs_leaves_what_was_known() -> None:
    operator = ScriptedOperator()
    operator.held = (operation(OperationState.DISPATCHED),)
    door = OperatorDoor(operator, lambda event: None, deadline=0.1)
    await door.poll()
    operator.takes = 0.5
    assert not await door.poll()
    assert door.operations == operator.held
    door.close()


async def test_a_broken_journal_is_told_and_leaves_what_was_known() -> None:
    operator = ScriptedOperator()
    operator.held = (operation(OperationState.DISPATCHED),)
    door = OperatorDoor(operator, lambda event: None)
    await door.poll()
    assert door.fault == ""
    operator.broken = "cannot use the journal: disk I/O error"
    assert not await door.poll()
    assert "disk I/O error" in door.fault
    assert "restore the file" in door.fault
    assert door.operations == operator.held
    operator.broken, operator.moved = "", True
    await door.poll()
    assert door.fault == ""
    door.close()


async def test_without_an_operator_nothing_is_polled() -> None:
    door = OperatorDoor(None, lambda event: None)
    assert not await door.poll()
    assert await door.poll_actions(["api"], SNAPSHOT, 0.0) == {}
    door.close()
