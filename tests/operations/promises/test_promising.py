"""What is promised and what is settled, while somebody else already keeps this user's promises."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from opsconsole.errors import StateError
from opsconsole.model.operation import ActionKind, OperationState
from opsconsole.operations.journal.journal import Journal
from opsconsole.operations.journal.records import Intent, Promise, PromiseKind
from opsconsole.operations.own_configuration import OwnConfiguration
from opsconsole.operations.promises.due import due_in, left
from opsconsole.operations.promises.promising import (
    NOT_NEEDED,
    conclude,
    lasting,
    promise_end,
    promise_rollback,
    revive,
    start_keeper,
)
from opsconsole.operations.running.dispatch import runner_lock
from opsconsole.operations.state_place import FolderPlace, StatePlace
from tests.operations.journal.memory_journal import MemoryJournal, MemoryStore
from tests.operations.journal.samples import intent, op

END, ROLLBACK, WATCH = PromiseKind.END, PromiseKind.ROLLBACK, PromiseKind.WATCH
VERIFIED, FAILED = OperationState.VERIFIED, OperationState.FAILED
LATER = 1_000_000.0
OWN = OwnConfiguration("/c.yaml", "/")
# A test that is held up for less than this much notices nothing of it.
ROUGHLY = 3600.0


@pytest.fixture
def place(state_place: StatePlace) -> Iterator[StatePlace]:
    """A state with a keeper: this test, so that no process is started."""
    made = state_place
    made.journal().close()
    keeper = made.mandates.take_keeper(OWN.path)
    assert keeper is not None
    yield made
    keeper.release()


@pytest.fixture
def journal(place: StatePlace) -> Iterator[Journal]:
    made = place.journal()
    yield made
    made.close()


def _begun(place: StatePlace, journal: Journal, kind: ActionKind, name: str = "one") -> Intent:
    """An operation of one step, with its mandate; a degradation lasts ``LATER`` seconds."""
    made = intent(name, kind)
    if kind is ActionKind.DEGRADE:
        plan = replace(made.plan, created_at=3 * LATER, ends_at=4 * LATER)
        made = replace(made, plan=plan)
    place.mandates.give(made)
    journal.submit(made, 1.0)
    journal.advance(op(name), OperationState.DISPATCHED, 2.0)
    return made


def _step(place: StatePlace, journal: Journal, state: str, name: str = "one") -> None:
    held = place.locks.take(runner_lock(op(name)))
    assert held is not None
    journal.step_begins(op(name), 0, 3.0, {})
    held.release()
    journal.step_ends(op(name), 0, state, 4.0)


def _concluded(
    place: StatePlace, journal: Journal, made: Intent, verdict: OperationState = VERIFIED
) -> None:
    conclude(place, journal, OWN, made.operation, made.plan, verdict)


def test_who_is_there_already_is_not_started(place: StatePlace) -> None:
    assert start_keeper(place, OWN) is False


def test_a_keeper_is_started_where_there_is_none_and_something_is_promised(tmp_path: Path) -> None:
    place = FolderPlace(tmp_path / "state")
    journal = place.journal()
    # None can be started, which shows that one was to be.
    (place.folder / "logs").rmdir()
    (place.folder / "logs").write_text("in the way")
    with pytest.raises(StateError):
        start_keeper(place, OWN)
    made = _begun(place, journal, ActionKind.RESTART)
    assert revive(place, journal, OWN) == 0
    promise_rollback(place, made.operation, made.plan, LATER)
    with pytest.raises(StateError):
        revive(place, journal, OWN)
    # The next console starts it: that none can be started now takes nothing from the verdict.
    conclude(place, journal, OWN, made.operation, made.plan, FAILED)
    assert place.mandates.get(made.operation) is not None
    journal.close()


def test_the_end_of_a_degradation_is_in_the_mandate_and_in_the_journal(
    place: StatePlace, journal: Journal
) -> None:
    made = _begun(place, journal, ActionKind.DEGRADE)
    promise_end(place, journal, OWN, made.operation, made.plan)
    (told,) = journal.promises()
    mandate = place.mandates.get(made.operation)
    assert mandate is not None
    assert mandate.promises == (told,)
    assert (told.kind, told.service) == (END, "web")
    assert left(told) == pytest.approx(LATER, abs=ROUGHLY)


def test_a_rollback_is_promised_after_the_countdown(place: StatePlace, journal: Journal) -> None:
    made = _begun(place, journal, ActionKind.RESTART)
    promise_rollback(place, made.operation, made.plan, LATER)
    mandate = place.mandates.get(made.operation)
    assert mandate is not None
    found = mandate.promise(ROLLBACK)
    assert found is not None
    assert left(found) == pytest.approx(LATER, abs=ROUGHLY)
    _concluded(place, journal, made, FAILED)
    assert place.mandates.get(made.operation) is not None


@pytest.mark.parametrize("state", ["done", "unknown", "failed", ""])
def test_only_a_degradation_that_cannot_have_acted_has_nothing_to_end(
    state: str, place: StatePlace, journal: Journal
) -> None:
    made = _begun(place, journal, ActionKind.DEGRADE)
    promise_end(place, journal, OWN, made.operation, made.plan)
    if state:
        _step(place, journal, state)
    _concluded(place, journal, made, FAILED)
    told = journal.promise(made.operation, END)
    assert told is not None
    acted = state in {"done", "unknown"}
    assert told.outcome == ("" if acted else NOT_NEEDED)
    assert (place.mandates.get(made.operation) is not None) is acted


@pytest.mark.parametrize("state", ["done", "unknown", "failed"])
def test_a_recovery_that_was_done_ends_the_degradations_of_its_service_alone(
    state: str, place: StatePlace, journal: Journal
) -> None:
    degraded = _begun(place, journal, ActionKind.DEGRADE, "before")
    promise_end(place, journal, OWN, degraded.operation, degraded.plan)
    rollback = Promise(degraded.operation, ROLLBACK, "web", LATER)
    journal.arm(rollback, 3.0)
    shop = intent("shop", ActionKind.DEGRADE, "shop")
    journal.submit(shop, 3.0)
    journal.arm(due_in(Promise(shop.operation, END, "shop", 0.0), LATER), 3.0)
    made = _begun(place, journal, ActionKind.RECOVER)
    _step(place, journal, state)
    _concluded(place, journal, made)
    told = journal.promise(degraded.operation, END)
    assert told is not None
    assert told.outcome == (made.operation if state == "done" else "")
    waiting = {(each.operation, each.kind) for each in journal.promises()}
    assert {(shop.operation, END), (degraded.operation, ROLLBACK)} <= waiting
    assert place.mandates.get(made.operation) is None


@pytest.mark.parametrize("verdict", [VERIFIED, FAILED])
@pytest.mark.parametrize("kind", [ActionKind.ACKNOWLEDGE, ActionKind.RESTART])
def test_an_acknowledgement_that_was_made_is_watched(
    kind: ActionKind, verdict: OperationState, place: StatePlace, journal: Journal
) -> None:
    made = _begun(place, journal, kind)
    made = replace(made, plan=replace(made.plan, ends_at=777.0))
    _concluded(place, journal, made, verdict)
    watched = kind is ActionKind.ACKNOWLEDGE and verdict is VERIFIED
    promise = Promise(made.operation, WATCH, "web", 777.0)
    assert journal.promises() == ((promise,) if watched else ())
    mandate = place.mandates.get(made.operation)
    assert (mandate.promises if mandate else ()) == ((promise,) if watched else ())


def test_a_mandate_that_a_runner_left_behind_with_its_verdict_is_ended(
    place: StatePlace, journal: Journal
) -> None:
    for name in ("open", "over", "promised"):
        _begun(place, journal, ActionKind.RESTART, name)
    for name in ("over", "promised"):
        journal.advance(op(name), FAILED, 5.0)
    place.mandates.give(intent("unknown"))
    place.mandates.arm(Promise(op("promised"), ROLLBACK, "web", LATER))
    assert revive(place, journal, OWN) == 0
    kept = {each.intent.operation for each in place.mandates.all()}
    assert kept == {op("open"), op("promised"), op("unknown")}


def test_every_degradation_that_is_not_settled() -> None:
    journal = MemoryJournal(MemoryStore())
    for name, service in (("one", "web"), ("two", "shop"), ("three", "mail")):
        journal.submit(intent(name, ActionKind.DEGRADE, service), 1.0)
    end = due_in(Promise(op("one"), PromiseKind.END, "web", 0.0, attempts=2), 100.0)
    journal.arm(end, 2.0)
    journal.arm(replace(end, operation=op("two"), service="shop"), 3.0)
    journal.settle(op("two"), PromiseKind.END, "recovered", 4.0)
    journal.arm(Promise(op("three"), PromiseKind.ROLLBACK, "mail", 9.0), 5.0)
    (found,) = lasting(journal)
    assert (found.operation, found.service, found.ends_at) == (op("one"), "web", end.due)
    assert (found.who, found.host, found.reason) == ("kim", "bastion-1", "why")
    assert found.attempts == 2


def test_one_whose_beginning_is_gone_is_listed_all_the_same() -> None:
    store = MemoryStore()
    end = due_in(Promise(op("one"), PromiseKind.END, "web", 0.0), 100.0)
    store.promises[end.operation, end.kind] = end
    (found,) = lasting(MemoryJournal(store))
    assert (found.who, found.host, found.reason) == ("somebody", "", "")
