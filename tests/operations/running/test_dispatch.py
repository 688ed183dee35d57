"""What is handed to a runner and what is not: everything that is decided before one is started."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from opsconsole.model.operation import Operation, OperationState, Refusal
from opsconsole.operations.journal.sqlite_journal import SqliteJournal
from opsconsole.operations.locks.locks import Held, Holder
from opsconsole.operations.running.dispatch import dispatch, runner_lock, take_up
from opsconsole.operations.state_place import FolderPlace
from tests.fakes import FakeClock
from tests.operations.journal.samples import KIM, intent, op, own_of

CLOCK = FakeClock()
OTHER = Holder(op("two"), "scale", "web", "sam", 1001, "bastion-2", "pts/4", CLOCK.now() - 12)
NO = Refusal("read-only", "no", "ask")


@pytest.fixture
def place(tmp_path: Path) -> FolderPlace:
    made = FolderPlace(tmp_path / "state")
    made.journal().close()
    return made


@pytest.fixture
def journal(place: FolderPlace) -> Iterator[SqliteJournal]:
    """Of a state in which no process can be started any more: its log cannot be written."""
    made = place.journal()
    _break_logs(place)
    yield made
    made.close()


def _break_logs(place: FolderPlace) -> None:
    (place.folder / "logs").rmdir()
    (place.folder / "logs").write_text("in the way")


def _dispatched(
    place: FolderPlace, journal: SqliteJournal, refusal: Refusal | None = None, name: str = "one"
) -> Operation | Refusal:
    return dispatch(place, journal, intent(name), CLOCK, lambda: refusal)


def test_what_cannot_be_started_is_recorded_as_failed_and_lets_all_go(
    place: FolderPlace, journal: SqliteJournal
) -> None:
    found = _dispatched(place, journal)
    assert isinstance(found, Operation)
    assert found.state is OperationState.FAILED
    assert "nothing was done" in found.summary
    assert place.mandates.all() == ()
    assert not place.locks.is_held(runner_lock(op("one")))
    assert place.locks.holder("web") is None


def test_what_is_not_allowed_any_more_is_not_recorded(
    place: FolderPlace, journal: SqliteJournal
) -> None:
    assert _dispatched(place, journal, NO) == NO
    assert journal.operations() == ()
    assert place.mandates.all() == ()
    assert place.locks.holder("web") is None


def test_a_plan_that_was_performed_is_not_performed_again(
    place: FolderPlace, journal: SqliteJournal
) -> None:
    assert isinstance(_dispatched(place, journal), Operation)
    again = _dispatched(place, journal)
    assert isinstance(again, Refusal)
    assert again.code == "plan-used"
    assert place.mandates.all() == ()
    assert len(journal.operations()) == 1


def test_a_service_that_somebody_is_at_is_left_alone(
    place: FolderPlace, journal: SqliteJournal
) -> None:
    journal.submit(intent("two"), CLOCK.now())
    held = place.locks.take_service(OTHER)
    assert held is not None
    answer = _dispatched(place, journal)
    assert isinstance(answer, Refusal)
    assert answer.code == "locked"
    assert answer.message == OTHER.sentence(CLOCK.now())
    held.release()
    assert isinstance(_dispatched(place, journal), Operation)


class Watched(SqliteJournal):
    """Counts how often an operation is looked up, and lets go of a lock at the third time."""

    looks = 0
    held: Held | None = None

    def operation(self, operation: str) -> Operation | None:
        """The same, counted."""
        self.looks += 1
        if self.held is not None and self.looks == 3:
            self.held.release()
        return super().operation(operation)


@pytest.fixture
def watched(place: FolderPlace) -> Iterator[Watched]:
    made = Watched(place.folder)
    _break_logs(place)
    yield made
    made.close()


def test_who_has_a_verdict_and_is_about_to_exit_is_waited_for(
    place: FolderPlace, watched: Watched
) -> None:
    watched.submit(intent("two"), CLOCK.now())
    watched.advance(op("two"), OperationState.FAILED, CLOCK.now())
    watched.held = place.locks.take_service(OTHER)
    assert watched.held is not None
    assert isinstance(_dispatched(place, watched), Operation)
    assert watched.looks >= 3


@pytest.mark.parametrize("known", [True, False])
def test_who_is_still_at_it_is_not_waited_for(
    known: bool, place: FolderPlace, watched: Watched
) -> None:
    if known:
        watched.submit(intent("two"), CLOCK.now())
    held = place.locks.take_service(OTHER)
    assert held is not None
    assert isinstance(_dispatched(place, watched), Refusal)
    assert watched.looks == 1
    held.release()


def test_a_state_that_cannot_be_written_refuses_and_says_so(
    place: FolderPlace, journal: SqliteJournal
) -> None:
    (place.folder / "mandates").rename(place.folder / "moved")
    (place.folder / "mandates").write_text("in the way")
    answer = _dispatched(place, journal)
    assert isinstance(answer, Refusal)
    assert answer.code == "audit-not-writable"
    assert journal.operations() == ()
    assert place.locks.holder("web") is None


def test_who_is_at_it_is_written_on_the_lock(place: FolderPlace, journal: SqliteJournal) -> None:
    seen: list[Holder | None] = []

    def look() -> Refusal:
        seen.append(place.locks.holder("web"))
        return NO

    dispatch(place, journal, intent("one"), CLOCK, look)
    assert seen == [
        Holder(
            op("one"), "restart", "web", KIM.name, KIM.login_uid, KIM.host, KIM.tty, CLOCK.now(),
            "web",
        )
    ]  # fmt: skip


@pytest.fixture
def left(place: FolderPlace, journal: SqliteJournal) -> Operation:
    """An operation with a mandate, whose runner is dead."""
    place.mandates.give(intent("one"))
    journal.submit(intent("one"), CLOCK.now())
    found = journal.operation(op("one"))
    assert found is not None
    return found


def _taken_up(place: FolderPlace, journal: SqliteJournal, operation: Operation) -> bool:
    return take_up(place, journal, own_of(intent("one")), operation, KIM, CLOCK)


def test_nothing_is_taken_up_without_a_mandate(
    place: FolderPlace, journal: SqliteJournal, left: Operation
) -> None:
    place.mandates.end(left.id)
    assert not _taken_up(place, journal, left)


def test_nothing_is_taken_up_whose_runner_lives(
    place: FolderPlace, journal: SqliteJournal, left: Operation
) -> None:
    runner = place.locks.take(runner_lock(left.id))
    assert runner is not None
    assert not _taken_up(place, journal, left)
    runner.release()


def test_nothing_is_taken_up_that_has_its_verdict(
    place: FolderPlace, journal: SqliteJournal, left: Operation
) -> None:
    journal.advance(left.id, OperationState.FAILED, CLOCK.now())
    assert not _taken_up(place, journal, left)
    assert not place.locks.is_held(runner_lock(left.id))


def test_nothing_is_taken_up_that_the_journal_does_not_know(
    place: FolderPlace, journal: SqliteJournal, left: Operation
) -> None:
    place.mandates.give(intent("two"))
    unknown = Operation(
        op("two"), "plan-two", "web", left.kind, "", left.state, "kim", "host", 1.0, 1.0
    )
    assert not _taken_up(place, journal, unknown)


def test_nothing_is_taken_up_while_somebody_is_at_its_service(
    place: FolderPlace, journal: SqliteJournal, left: Operation
) -> None:
    held = place.locks.take_service(OTHER)
    assert held is not None
    assert not _taken_up(place, journal, left)
    assert not place.locks.is_held(runner_lock(left.id))
    held.release()
