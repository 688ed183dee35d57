"""What each promise does when it is its turn, up to the change that it begins.

A change goes by the way of every change, which refuses here: the configuration declares nothing.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from opsconsole.model.operation import (
    BY_PROMISE,
    ActionKind,
    ActionRequest,
    Operation,
    OperationState,
    Refusal,
    StepResult,
)
from opsconsole.operations.journal.records import Intent, Promise, PromiseKind
from opsconsole.operations.journal.sqlite_journal import SqliteJournal
from opsconsole.operations.keeping import automatic
from opsconsole.operations.keeping.end_rule import ATTEMPTS, EndRule
from opsconsole.operations.keeping.rollback_rule import RollbackRule
from opsconsole.operations.keeping.watch_rule import LOOK_EVERY, OVER, WatchRule
from opsconsole.operations.locks.locks import Holder
from opsconsole.operations.own_configuration import OwnConfiguration
from opsconsole.operations.promises.due import due_in
from opsconsole.operations.state_place import FolderPlace, StatePlace
from tests.operations.journal.samples import intent, op, own_of

END, ROLLBACK, WATCH = PromiseKind.END, PromiseKind.ROLLBACK, PromiseKind.WATCH
LATER = 1_000_000.0
ONE = op("one")


@pytest.fixture
def place(tmp_path: Path) -> FolderPlace:
    """A state, and beside it a configuration that declares nothing."""
    (tmp_path / "opsconsole.yaml").write_text("docker: []\nservices: {web: {}}\n")
    (tmp_path / "opsconsole.yaml").chmod(0o600)
    return FolderPlace(tmp_path / "state")


@pytest.fixture
def journal(place: FolderPlace) -> Iterator[SqliteJournal]:
    made = place.journal()
    yield made
    made.close()


def _begun(place: FolderPlace, journal: SqliteJournal, kind: ActionKind) -> Intent:
    folder = place.folder.parent
    made = replace(intent("one", kind), config_path=str(folder / "opsconsole.yaml"))
    made = replace(made, base=str(folder), plan=replace(made.plan, rollback_after=LATER))
    journal.submit(made, 1.0)
    journal.advance(ONE, OperationState.DISPATCHED, 2.0)
    return made


def _outcome(journal: SqliteJournal, kind: PromiseKind) -> str:
    told = journal.promise(ONE, kind)
    assert told is not None
    return told.outcome


# ---- the end of a degradation ----


def _end(place: FolderPlace, journal: SqliteJournal, seconds: float, attempts: int = 0) -> EndRule:
    made = _begun(place, journal, ActionKind.DEGRADE)
    promise = due_in(Promise(ONE, END, "web", 0.0), seconds)
    journal.arm(promise, 3.0)
    for _ in range(attempts):
        journal.tried(ONE, END, "it failed", 4.0)
    return EndRule(place, journal, own_of(made), made, promise)


async def test_an_end_is_waited_for(place: FolderPlace, journal: SqliteJournal) -> None:
    assert await _end(place, journal, LATER).turn() == 1.0


async def test_an_end_that_somebody_has_reached_is_over(
    place: FolderPlace, journal: SqliteJournal
) -> None:
    rule = _end(place, journal, -5.0)
    journal.settle(ONE, END, "recovered", 5.0)
    assert await rule.turn() is None


async def test_recovering_in_vain_is_tried_again_ever_less_often(
    place: FolderPlace, journal: SqliteJournal
) -> None:
    rule = _end(place, journal, -5.0)
    assert [await rule.turn() for _ in range(3)] == [10.0, 20.0, 40.0]
    told = journal.promise(ONE, END)
    assert told is not None
    assert (told.attempts, told.outcome) == (3, "")


async def test_an_end_that_the_journal_does_not_know_is_reached_all_the_same(
    place: FolderPlace, journal: SqliteJournal
) -> None:
    made = _begun(place, journal, ActionKind.DEGRADE)
    rule = EndRule(place, journal, own_of(made), made, due_in(Promise(ONE, END, "web", 0.0), -5.0))
    assert [await rule.turn() for _ in range(3)] == [10.0, 20.0, 40.0]
    assert journal.promise(ONE, END) is None


@pytest.mark.parametrize(("attempts", "pause"), [(ATTEMPTS - 1, 3600.0), (ATTEMPTS, None)])
async def test_after_so_many_tries_it_is_left_to_a_person(
    attempts: int, pause: float | None, place: FolderPlace, journal: SqliteJournal
) -> None:
    assert await _end(place, journal, -5.0, attempts).turn() == pause


async def test_a_configuration_that_cannot_be_read_counts_as_a_try(
    place: FolderPlace, journal: SqliteJournal
) -> None:
    rule = _end(place, journal, -5.0)
    (place.folder.parent / "opsconsole.yaml").write_text("services: [")
    assert await rule.turn() == 10.0


class Performed:
    """Stands in for carrying a change out: ends as it is told to, and keeps what was asked for."""

    def __init__(self, outcome: Operation | Refusal) -> None:
        self._outcome = outcome
        self.request: ActionRequest | None = None
        self.meanwhile: Callable[[], object] = str

    async def __call__(
        self,
        _state: StatePlace,
        _own: OwnConfiguration,
        _intent: Intent,
        request: ActionRequest,
        begun: Callable[[Operation], None] | None = None,
    ) -> Operation | Refusal:
        self.request = request
        if begun is not None and isinstance(self._outcome, Operation):
            begun(self._outcome)
        self.meanwhile()
        return self._outcome


def _ended(kind: ActionKind, state: OperationState, *steps: str) -> Operation:
    told = tuple(StepResult(f"step {number}", each) for number, each in enumerate(steps))
    return Operation(
        op("two"), "plan-two", "web", kind, "", state, "kim", "bastion-1", 5.0, 6.0,
        steps=told, summary="as it ended",
    )  # fmt: skip


VERIFIED, FAILED = OperationState.VERIFIED, OperationState.FAILED
RECOVERIES: list[tuple[Operation | Refusal, str]] = [
    (_ended(ActionKind.RECOVER, VERIFIED, "done", "done"), ""),
    (_ended(ActionKind.RECOVER, FAILED, "done", "done"), ""),
    (_ended(ActionKind.RECOVER, FAILED, "done", "failed"), "failed: as it ended"),
    (Refusal("busy", "somebody is at it"), "somebody is at it"),
]


@pytest.mark.parametrize(("outcome", "told"), RECOVERIES)
async def test_an_end_is_reached_once_every_step_of_it_is_done(
    outcome: Operation | Refusal,
    told: str,
    place: FolderPlace,
    journal: SqliteJournal,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    performed = Performed(outcome)
    monkeypatch.setattr(automatic, "perform", performed)
    assert await _end(place, journal, -5.0).turn() == (10.0 if told else None)
    promise = journal.promise(ONE, END)
    assert promise is not None
    assert promise.attempts == int(bool(told))
    asked = performed.request
    assert asked is not None
    assert (asked.service, asked.kind) == ("web", ActionKind.RECOVER)
    assert asked.reason == "the end of the degradation that kim began: why"
    assert dict(asked.parameters) == {BY_PROMISE: "end"}


async def test_an_end_that_somebody_reaches_during_a_try_is_over(
    place: FolderPlace, journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    performed = Performed(Refusal("busy", "somebody is at it"))
    performed.meanwhile = lambda: journal.settle(ONE, END, "recovered", 5.0)
    monkeypatch.setattr(automatic, "perform", performed)
    assert await _end(place, journal, -5.0).turn() is None


async def test_an_end_that_is_near_is_not_overslept(
    place: FolderPlace, journal: SqliteJournal
) -> None:
    rule = _end(place, journal, LATER)
    rule._promise = due_in(rule._promise, 0.9)
    pause = await rule.turn()
    assert pause is not None
    assert 0.0 < pause <= 0.9


# ---- a rollback ----


def _rollback(
    place: FolderPlace, journal: SqliteJournal, verdict: OperationState, after: float
) -> RollbackRule:
    made = _begun(place, journal, ActionKind.RESTART)
    now = time.time()
    promise = Promise(ONE, ROLLBACK, "web", now + after)
    if verdict.final:
        journal.advance(ONE, OperationState.VERIFYING, now)
        journal.advance(ONE, verdict, now + after - LATER, rollback_after=LATER)
    return RollbackRule(place, journal, own_of(made), made, promise)


async def test_a_rollback_waits_for_the_verdict_and_for_its_time(
    place: FolderPlace, journal: SqliteJournal
) -> None:
    assert await _rollback(place, journal, OperationState.DISPATCHED, -1.0).turn() == 0.2
    journal.advance(ONE, OperationState.VERIFYING, 3.0)
    journal.advance(ONE, OperationState.VERIFIED, 4.0)
    rule = RollbackRule(
        place, journal, own_of(intent("one")), intent("one"), Promise(ONE, ROLLBACK, "web", 0.0)
    )
    assert await rule.turn() is None, "a verdict that promises no rollback"


async def test_it_counts_down_before_it_rolls_back(
    place: FolderPlace, journal: SqliteJournal
) -> None:
    rule = _rollback(place, journal, OperationState.FAILED, LATER)
    assert await rule.turn() == 0.2
    assert _outcome(journal, ROLLBACK) == ""


async def test_it_is_claimed_once_and_says_what_became_of_it(
    place: FolderPlace, journal: SqliteJournal
) -> None:
    rule = _rollback(place, journal, OperationState.FAILED, -1.0)
    assert await rule.turn() is None
    assert _outcome(journal, ROLLBACK).startswith("refused (not-declared): ")


async def test_a_configuration_that_cannot_be_read_is_why_it_was_not_done(
    place: FolderPlace, journal: SqliteJournal
) -> None:
    rule = _rollback(place, journal, OperationState.FAILED, -1.0)
    (place.folder.parent / "opsconsole.yaml").write_text("services: [")
    assert await rule.turn() is None
    assert _outcome(journal, ROLLBACK).startswith("not done: ")


@pytest.mark.parametrize("state", [VERIFIED, FAILED])
async def test_the_rollback_that_was_begun_is_named_and_its_verdict_told(
    state: OperationState,
    place: FolderPlace,
    journal: SqliteJournal,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[str] = []
    performed = Performed(_ended(ActionKind.ROLLBACK, state, "done"))
    performed.meanwhile = lambda: seen.append(_outcome(journal, ROLLBACK))
    monkeypatch.setattr(automatic, "perform", performed)
    assert await _rollback(place, journal, FAILED, -1.0).turn() is None
    assert seen == [f"begun as {op('two')}"]
    assert _outcome(journal, ROLLBACK) == f"{state} as {op('two')}"
    asked = performed.request
    assert asked is not None
    assert (asked.service, asked.kind) == ("web", ActionKind.ROLLBACK)
    assert asked.reason.startswith("by itself after restart by kim failed: ")
    assert dict(asked.parameters) == {BY_PROMISE: "rollback"}


async def test_a_wall_that_is_set_back_makes_no_countdown_longer(
    place: FolderPlace, journal: SqliteJournal
) -> None:
    rule = _rollback(place, journal, FAILED, LATER)
    at_once = replace(rule._intent, plan=replace(rule._intent.plan, rollback_after=0.0))
    again = RollbackRule(place, journal, own_of(at_once), at_once, rule._promise)
    assert await again.turn() is None


async def test_one_that_somebody_else_has_claimed_is_theirs(
    place: FolderPlace, journal: SqliteJournal
) -> None:
    rule = _rollback(place, journal, OperationState.FAILED, -1.0)
    journal.settle(ONE, ROLLBACK, "stopped by sam", 9.0)
    assert await rule.turn() is None
    assert _outcome(journal, ROLLBACK) == "stopped by sam"


async def test_one_whose_time_is_long_past_is_not_begun(
    place: FolderPlace, journal: SqliteJournal
) -> None:
    rule = _rollback(place, journal, OperationState.FAILED, -LATER)
    assert await rule.turn() is None
    assert _outcome(journal, ROLLBACK).startswith("not done: its time was long past")


@pytest.mark.parametrize("kind", [ActionKind.BACKUP, ActionKind.SCALE])
async def test_it_waits_while_a_backup_has_the_service(
    kind: ActionKind, place: FolderPlace, journal: SqliteJournal
) -> None:
    rule = _rollback(place, journal, OperationState.FAILED, -1.0)
    journal.submit(intent("two", kind), 9.0)
    held = place.locks.take_service(
        Holder(op("two"), kind.value, "web", "sam", 1001, "bastion-2", "pts/4", 9.0)
    )
    assert held is not None
    assert await rule.turn() == (0.2 if kind is ActionKind.BACKUP else None)
    begun_since = _outcome(journal, ROLLBACK).startswith("not done: scale by ")
    assert begun_since is (kind is ActionKind.SCALE)
    held.release()


async def test_a_rollback_of_what_the_journal_does_not_know_is_over(
    place: FolderPlace, journal: SqliteJournal
) -> None:
    rule = RollbackRule(
        place, journal, own_of(intent("one")), intent("one"), Promise(ONE, ROLLBACK, "web", 0.0)
    )
    assert await rule.turn() is None


# ---- an acknowledgement ----


def _watch(place: FolderPlace, journal: SqliteJournal, seconds: float) -> WatchRule:
    made = _begun(place, journal, ActionKind.ACKNOWLEDGE)
    promise = due_in(Promise(ONE, WATCH, "web", 0.0), seconds)
    journal.arm(promise, 3.0)
    return WatchRule(place, journal, own_of(made), made, promise)


@pytest.mark.parametrize("seconds", [-60.0, LATER])
async def test_a_watch_is_over_with_its_silence_or_its_alertmanager(
    seconds: float, place: FolderPlace, journal: SqliteJournal
) -> None:
    rule = _watch(place, journal, seconds)
    assert await rule.turn() == LOOK_EVERY
    assert _outcome(journal, WATCH) == ""
    assert await rule.turn() is None, "no Alertmanager is configured any more"
    assert _outcome(journal, WATCH) == OVER


@pytest.mark.parametrize(("seconds", "pause"), [(LATER, LOOK_EVERY), (-60.0, None)])
async def test_a_watch_goes_on_while_the_configuration_cannot_be_read(
    seconds: float, pause: float | None, place: FolderPlace, journal: SqliteJournal
) -> None:
    rule = _watch(place, journal, seconds)
    (place.folder.parent / "opsconsole.yaml").write_text("services: [")
    assert await rule.turn() == LOOK_EVERY
    assert await rule.turn() == pause


async def test_a_watch_goes_on_while_its_alertmanager_does_not_answer(
    place: FolderPlace, journal: SqliteJournal
) -> None:
    (place.folder.parent / "opsconsole.yaml").write_text(
        "docker: []\nalertmanager: [{name: web, url: 'http://127.0.0.1:1', timeout: 1s}]\n"
    )
    rule = _watch(place, journal, LATER)
    assert [await rule.turn() for _ in range(3)] == [LOOK_EVERY] * 3
    assert _outcome(journal, WATCH) == ""
