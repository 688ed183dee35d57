"""What is named as left to a console of another configuration, and what is not."""

from dataclasses import replace

import pytest

from opsconsole.model.operation import ActionKind, LeftToOthers
from opsconsole.operations.journal.records import Promise, PromiseKind
from opsconsole.operations.own_configuration import OwnConfiguration
from opsconsole.operations.promises.due import due_in
from opsconsole.operations.promises.left_to_others import left_to_others
from opsconsole.operations.state_place import StatePlace
from tests.operations.journal.samples import intent, op

END, ROLLBACK, WATCH = PromiseKind.END, PromiseKind.ROLLBACK, PromiseKind.WATCH
OTHER, ONE = "/other.yaml", op("one")
OWN = OwnConfiguration("/c.yaml", "/")


@pytest.fixture
def place(state_place: StatePlace) -> StatePlace:
    made = state_place
    made.journal().close()
    made.mandates.give(replace(intent("one"), config_path=OTHER))
    return made


def left(place: StatePlace, own: OwnConfiguration = OWN) -> tuple[LeftToOthers, ...]:
    journal = place.journal()
    try:
        return left_to_others(place, journal, own)
    finally:
        journal.close()


def promised(place: StatePlace, kind: PromiseKind, seconds: float) -> Promise:
    """What is due in so many seconds of an operation that the other configuration confirmed."""
    promise = due_in(Promise(ONE, kind, "web", 0.0), seconds)
    place.mandates.arm(promise)
    return promise


@pytest.mark.parametrize(
    ("kind", "follows"),
    [
        (END, ActionKind.RECOVER),
        (ROLLBACK, ActionKind.ROLLBACK),
        (WATCH, ActionKind.EXPIRE_SILENCE),
    ],
)
def test_what_is_due_is_named_with_what_it_would_do_and_whose_it_is(
    place: StatePlace, kind: PromiseKind, follows: ActionKind
) -> None:
    promise = promised(place, kind, -60.0)
    (found,) = left(place)
    assert (found.operation, found.service, found.action) == (ONE, "web", follows)
    assert found.due == promise.due
    assert found.config_path == OTHER


@pytest.mark.parametrize(("kind", "named"), [(END, False), (ROLLBACK, False), (WATCH, True)])
def test_only_a_watch_is_named_before_its_time(
    place: StatePlace, kind: PromiseKind, named: bool
) -> None:
    promised(place, kind, 3600.0)
    assert len(left(place)) == int(named)


def test_of_one_operation_only_what_waits_is_named(place: StatePlace) -> None:
    promised(place, END, 3600.0)
    promised(place, ROLLBACK, -60.0)
    assert [each.action for each in left(place)] == [ActionKind.ROLLBACK]


def test_what_some_process_keeps_is_not_named(place: StatePlace) -> None:
    promised(place, END, -60.0)
    held = place.mandates.take_promise(ONE, END)
    assert held is not None
    assert left(place) == ()
    held.release()
    assert len(left(place)) == 1


def test_what_is_about_to_be_kept_by_its_own_keeper_is_not_named(place: StatePlace) -> None:
    promised(place, END, -60.0)
    keeper = place.mandates.take_keeper(OTHER)
    assert keeper is not None
    assert left(place) == ()
    keeper.release()
    assert len(left(place)) == 1


def test_what_this_configuration_keeps_is_not_named(
    place: StatePlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    promised(place, END, -60.0)
    assert left(place, OwnConfiguration(OTHER, "/")) == ()
    monkeypatch.setattr(OwnConfiguration, "leaves", lambda *_: False)
    assert left(place) == (), "it declares the same"


def test_what_promises_nothing_is_not_named(place: StatePlace) -> None:
    assert left(place) == ()
