"""One process keeps the promises of a user, each to its end, whatever becomes of the others."""

import asyncio
import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from opsconsole.errors import OpsconsoleError, StateError
from opsconsole.model.operation import ActionKind
from opsconsole.operations.journal.records import Promise, PromiseKind
from opsconsole.operations.journal.sqlite_journal import SqliteJournal
from opsconsole.operations.keeping import keeper
from opsconsole.operations.keeping.end_rule import EndRule
from opsconsole.operations.keeping.next_rule import NextRule
from opsconsole.operations.keeping.rollback_rule import RollbackRule
from opsconsole.operations.keeping.watch_rule import WatchRule
from opsconsole.operations.mandates import Mandate
from opsconsole.operations.own_configuration import DeclaredElsewhereError, OwnConfiguration
from opsconsole.operations.state_place import FolderPlace
from tests.operations.journal.samples import intent, op, own_of
from tests.patience import soon

END, ROLLBACK, WATCH = PromiseKind.END, PromiseKind.ROLLBACK, PromiseKind.WATCH
OWN = own_of(intent("any"))
LOOKS = 5000
"""Far more than any keeper here needs."""

Turn = float | Exception | None


class Scripted:
    """The rule of one promise: at each of its turns, what is next in its ``script``."""

    def __init__(self, *script: Turn) -> None:
        self.script = list(script)
        self.turns = 0
        self.meanwhile: Callable[[], object] = str

    async def turn(self) -> float | None:
        self.turns += 1
        self.meanwhile()
        now = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(now, Exception):
            raise now
        return now


@pytest.fixture
def rules(monkeypatch: pytest.MonkeyPatch) -> dict[str, Scripted]:
    """By operation; the keeper's own pauses take no time."""
    made: dict[str, Scripted] = {}

    def rule_of(_: object, __: object, ___: object, mandate: Mandate, ____: object) -> Scripted:
        return made[mandate.intent.operation]

    monkeypatch.setattr(keeper, "rule_of", rule_of)
    monkeypatch.setattr(keeper, "_LOOK_EVERY", 0.002)
    monkeypatch.setattr(keeper, "_AFTER_TROUBLE", 0.002)
    return made


TERMINAL = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT)


@pytest.fixture
def ignored() -> Iterator[Callable[[], bool]]:
    """Whether what a terminal sends is ignored; afterwards it is obeyed again."""
    before = {each: signal.getsignal(each) for each in TERMINAL}
    yield lambda: all(signal.getsignal(each) is signal.SIG_IGN for each in TERMINAL)
    for each, handler in before.items():
        signal.signal(each, handler)


class Bounded(FolderPlace):
    """A keeper looks whether its state is there as long as it lives: one that never ends fails."""

    looks = 0

    def exists(self) -> bool:
        self.looks += 1
        assert self.looks < LOOKS, "it does not end"
        return super().exists()


@pytest.fixture
def place(tmp_path: Path) -> FolderPlace:
    return Bounded(tmp_path / "state")


@pytest.fixture
def journal(place: FolderPlace) -> Iterator[SqliteJournal]:
    made = place.journal()
    yield made
    made.close()


def promised(place: FolderPlace, name: str, *kinds: PromiseKind) -> str:
    """An operation of which that is promised."""
    if place.mandates.get(op(name)) is None:
        place.mandates.give(intent(name))
    for kind in kinds:
        place.mandates.arm(Promise(op(name), kind, "web", 0.0))
    return op(name)


def left(place: FolderPlace) -> set[tuple[str, PromiseKind]]:
    """The promises that are still to be kept."""
    return {(each.operation, each.kind) for one in place.mandates.all() for each in one.promises}


@pytest.mark.usefixtures("journal")
def test_each_promise_has_its_turns_until_it_is_over(
    place: FolderPlace, rules: dict[str, Scripted], ignored: Callable[[], bool]
) -> None:
    one, two = promised(place, "one", END), promised(place, "two", WATCH)
    rules[one], rules[two] = Scripted(0.0, 0.0, None), Scripted(None)
    assert keeper.keep(place, OWN) == 0
    assert (rules[one].turns, rules[two].turns) == (3, 1)
    assert left(place) == set()
    assert place.mandates.all() == ()
    assert not place.mandates.is_kept(one, END)
    assert not place.mandates.keeper_is_there()
    assert ignored()


@pytest.mark.usefixtures("ignored", "journal")
def test_only_one_keeper_is_there(place: FolderPlace, rules: dict[str, Scripted]) -> None:
    one = promised(place, "one", END)
    rules[one] = Scripted(None)
    held = place.mandates.take_keeper(OWN.path)
    assert held is not None
    assert keeper.keep(place, OWN) == 0
    assert (rules[one].turns, left(place)) == (0, {(one, END)})
    held.release()


@pytest.mark.usefixtures("ignored", "rules")
def test_without_a_promise_or_a_state_there_is_nothing_to_keep(
    place: FolderPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def taken(_: object) -> None:
        raise AssertionError("it asked for the right to keep nothing")

    monkeypatch.setattr(place.mandates, "take_keeper", taken)
    assert keeper.keep(place, OWN) == 0
    place.journal().close()
    place.mandates.give(intent("one"))
    assert keeper.keep(place, OWN) == 0
    promised(place, "one", END)
    monkeypatch.setattr(keeper, "is_kept_by", lambda *_: False)
    assert keeper.keep(place, OWN) == 0


async def served(place: FolderPlace, journal: SqliteJournal) -> None:
    await keeper._serve(place, journal, OWN)


async def test_promises_are_kept_beside_each_other_and_one_made_meanwhile_as_well(
    place: FolderPlace, journal: SqliteJournal, rules: dict[str, Scripted]
) -> None:
    one, two, three = promised(place, "one", END), promised(place, "two", END), op("three")
    rules[one], rules[two], rules[three] = Scripted(0.001), Scripted(None), Scripted(None)
    serving = asyncio.create_task(served(place, journal))
    await soon(lambda: left(place) == {(one, END)})
    promised(place, "three", END)
    await soon(lambda: left(place) == {(one, END)} and rules[three].turns == 1)
    assert place.mandates.is_kept(one, END)
    rules[one].script = [None]
    await serving
    assert left(place) == set()
    assert (rules[two].turns, rules[three].turns) == (1, 1)


async def test_what_another_keeper_keeps_is_left_to_it_until_it_lets_go(
    place: FolderPlace, journal: SqliteJournal, rules: dict[str, Scripted]
) -> None:
    one, two = promised(place, "one", END), promised(place, "two", END)
    rules[one], rules[two] = Scripted(None), Scripted(None)
    held = place.mandates.take_promise(one, END)
    assert held is not None
    serving = asyncio.create_task(served(place, journal))
    await soon(lambda: left(place) == {(one, END)})
    await asyncio.sleep(0.02)
    assert (rules[one].turns, serving.done()) == (0, False)
    held.release()
    await serving
    assert (rules[one].turns, left(place)) == (1, set())


@pytest.mark.parametrize("gone", ["the mandate", "the promise"])
async def test_what_somebody_kept_meanwhile_is_not_kept_again(
    place: FolderPlace,
    journal: SqliteJournal,
    rules: dict[str, Scripted],
    monkeypatch: pytest.MonkeyPatch,
    gone: str,
) -> None:
    kinds = (END,) if gone == "the mandate" else (END, WATCH)
    one = promised(place, "one", *kinds)
    rules[one] = Scripted(None)
    take = place.mandates.take_promise

    def taken(operation: str, kind: PromiseKind) -> Any:
        held = take(operation, kind)
        place.mandates.drop(one, END)
        return held

    monkeypatch.setattr(place.mandates, "take_promise", taken)
    await served(place, journal)
    assert rules[one].turns == len(kinds) - 1
    assert left(place) == set()


async def test_a_defect_and_trouble_in_one_promise_stay_with_it_and_it_is_tried_again(
    place: FolderPlace,
    journal: SqliteJournal,
    rules: dict[str, Scripted],
    capsys: pytest.CaptureFixture[str],
) -> None:
    one, two = promised(place, "one", END), promised(place, "two", END)
    rules[one] = Scripted(ValueError("hunter2"), OpsconsoleError("no answer"), None)
    rules[two] = Scripted(None)
    await served(place, journal)
    assert (rules[one].turns, rules[two].turns, left(place)) == (3, 1, set())
    said = capsys.readouterr().err
    assert "ValueError" in said
    assert "test_keeper.py" in said
    assert "hunter2" not in said
    assert "OpsconsoleError" not in said


async def test_trouble_is_followed_by_a_longer_pause(
    place: FolderPlace,
    journal: SqliteJournal,
    rules: dict[str, Scripted],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(keeper, "_AFTER_TROUBLE", 1e6)
    one = promised(place, "one", END)
    rules[one] = Scripted(OpsconsoleError("no answer"))
    serving = asyncio.create_task(served(place, journal))
    await soon(lambda: rules[one].turns)
    await asyncio.sleep(0.02)
    assert rules[one].turns == 1
    serving.cancel()


async def test_a_promise_that_is_declared_elsewhere_stays_promised(
    place: FolderPlace,
    journal: SqliteJournal,
    rules: dict[str, Scripted],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = promised(place, "one", END)
    rules[one] = Scripted(DeclaredElsewhereError("declared elsewhere"))
    serving = asyncio.create_task(served(place, journal))
    await soon(lambda: rules[one].turns > 1)
    assert left(place) == {(one, END)}
    monkeypatch.setattr(keeper, "is_kept_by", lambda *_: False)
    await serving
    assert left(place) == {(one, END)}
    assert not place.mandates.is_kept(one, END)


async def test_a_right_that_cannot_be_taken_now_is_asked_for_again(
    place: FolderPlace,
    journal: SqliteJournal,
    rules: dict[str, Scripted],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = promised(place, "one", END)
    rules[one] = Scripted(None)
    take = place.mandates.take_promise
    tries: list[str] = []

    def taken(operation: str, kind: PromiseKind) -> Any:
        tries.append(operation)
        if len(tries) == 1:
            raise StateError("the disk is full")
        return take(operation, kind)

    monkeypatch.setattr(place.mandates, "take_promise", taken)
    await served(place, journal)
    assert (tries, rules[one].turns, left(place)) == ([one, one], 1, set())


async def test_it_ends_with_its_state(
    place: FolderPlace,
    journal: SqliteJournal,
    rules: dict[str, Scripted],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = promised(place, "one", END)
    rules[one] = Scripted(0.0)
    serving = asyncio.create_task(served(place, journal))
    await soon(lambda: rules[one].turns)
    monkeypatch.setattr(place, "exists", lambda: False)
    await serving
    await asyncio.sleep(0)
    turns = rules[one].turns
    await asyncio.sleep(0.02)
    assert rules[one].turns == turns, "what it kept ended with it"
    assert left(place) == {(one, END)}


@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        (END, EndRule),
        (ROLLBACK, RollbackRule),
        (WATCH, WatchRule),
        (PromiseKind.NEXT, NextRule),
    ],
)
def test_each_kind_has_its_rule(
    place: FolderPlace, journal: SqliteJournal, kind: PromiseKind, rule: type
) -> None:
    made = replace(intent("one"), plan=intent("one", ActionKind.DEGRADE).plan)
    mandate = Mandate(made, (Promise(op("one"), kind, "web", 0.0),))
    found = keeper.rule_of(place, journal, OwnConfiguration("", "/"), mandate, mandate.promises[0])
    assert isinstance(found, rule)


def test_every_kind_of_promise_is_among_them() -> None:
    assert set(PromiseKind) == {END, ROLLBACK, WATCH, PromiseKind.NEXT}


class OnAServer(Bounded):
    """A state that is there as long as anybody knows, as one on a server is."""

    def exists(self) -> bool:
        super().exists()
        return True


@pytest.mark.usefixtures("ignored")
def test_it_ends_when_what_it_keeps_was_removed_from_its_host(
    tmp_path: Path, rules: dict[str, Scripted]
) -> None:
    place = OnAServer(tmp_path / "state")
    journal = place.journal()
    one = promised(place, "one", END)
    rules[one] = Scripted(0.0)
    rules[one].meanwhile = lambda: shutil.rmtree(tmp_path / "state", ignore_errors=True)
    assert keeper.keep(place, OWN) == 0
    journal.close()
