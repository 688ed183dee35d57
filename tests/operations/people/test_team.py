"""What people share, through two consoles on one state."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from opsconsole.errors import StateError
from opsconsole.model.handover import fold_handover
from opsconsole.model.incidents import Incident, IncidentRequest, IncidentVerb
from opsconsole.model.operation import Refusal
from opsconsole.model.people import Person
from opsconsole.operations.journal.journal import LedgerExistsError
from opsconsole.operations.journal.records import LedgerKind
from opsconsole.operations.people.team import TeamBook
from opsconsole.operations.state_place import FolderPlace
from opsconsole.operations.who import whoami


@pytest.fixture
def there(tmp_path: Path) -> FolderPlace:
    return FolderPlace(tmp_path / "state")


def opened(book: TeamBook, title: str = "checkout slow", at: float = 100.0) -> Incident:
    """An incident that ``book`` opens."""
    incident = book.do(IncidentRequest(IncidentVerb.OPEN, text=title, services=("shop",)), at)
    assert isinstance(incident, Incident)
    return incident


def test_an_incident_of_one_console_is_seen_and_closed_from_another(there: FolderPlace) -> None:
    mine, other = TeamBook(there), TeamBook(there)
    assert other.incidents() == ()
    assert other.handover() is None
    assert not there.folder.exists(), "who only looks makes nothing"
    incident = opened(mine)
    assert other.incidents() == (incident,)
    assert other.incidents()[0] is other.incidents()[0], "what did not move is the same object"
    joined = other.do(IncidentRequest(IncidentVerb.STATUS, 1, "rolling back"), 110.0)
    assert mine.incidents() == (joined,)
    closed = other.do(IncidentRequest(IncidentVerb.CLOSE, 1, "well"), 120.0)
    assert isinstance(closed, Incident)
    assert closed.closed_at == 120.0
    assert mine.incidents() == (closed,)
    refused = mine.do(IncidentRequest(IncidentVerb.STATUS, 1, "late"), 130.0)
    assert isinstance(refused, Refusal)
    assert refused.code == "closed"
    assert opened(mine).number == 2
    assert mine.incidents(closed=0)[0].number == 2
    assert mine.incident(1) == closed
    for book in (mine, other):
        book.close()


def test_those_who_open_at_once_each_have_a_number_of_their_own(there: FolderPlace) -> None:
    books = [TeamBook(there) for _ in range(4)]
    opened(books[0], "the first")
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda at: opened(books[at % 4], f"number {at}"), range(8)))
    assert sorted(each.number for each in found) == list(range(2, 10))
    assert len(books[0].incidents()) == 9
    for book in books:
        book.close()


@pytest.mark.parametrize("first", [0, 3])
def test_a_number_that_was_made_up_keeps_nobody_from_opening(
    there: FolderPlace, first: int
) -> None:
    book = TeamBook(there)
    for _ in range(first):
        opened(book)
    journal = there.journal()
    for number in ("999999999", "999999990"):
        journal.begin_ledger(LedgerKind.INCIDENT, number, {"do": "?"}, 200.0)
    journal.close()
    assert [opened(book).number for _ in range(2)] == [first + 1, first + 2]
    book.close()


def test_what_is_not_there_or_no_number_is_refused(there: FolderPlace) -> None:
    book = TeamBook(there)
    for number in (1, 0, -1, 10**12):
        answer = book.do(IncidentRequest(IncidentVerb.JOIN, number), 1.0)
        assert isinstance(answer, Refusal)
        assert answer.code == "no-such-incident"
    assert not there.folder.exists()


def test_records_that_others_forged_are_passed_over(there: FolderPlace) -> None:
    book = TeamBook(there)
    incident = opened(book)
    with sqlite3.connect(there.folder / "journal.db") as database:
        (ledger,) = database.execute("SELECT number FROM ledgers").fetchone()
        for ordinal, text in enumerate(
            ['{"do": "end"}', "[1]", "{", '{"do": "command", "at": 1e999, "who": "eve"}'], 1
        ):
            database.execute(
                "INSERT INTO ledger_records (ledger, ordinal, record) VALUES (?, ?, ?)",
                (ledger, ordinal, text),
            )
        database.execute("UPDATE ledgers SET records = records + 4")
    assert TeamBook(there).incidents() == (incident,)
    book.close()


def test_where_the_state_cannot_be_written_it_is_refused_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file in its place")
    book = TeamBook(FolderPlace(tmp_path / "state"))
    with pytest.raises(StateError, match="state"):
        book.do(IncidentRequest(IncidentVerb.OPEN, text="slow"), 1.0)
    with pytest.raises(StateError, match="state"):
        book.present("")


def test_a_hand_over_is_taken_and_the_last_one_is_shown(there: FolderPlace) -> None:
    mine, other = TeamBook(there), TeamBook(there)
    first = mine.take(3, 100.0)
    assert other.handover() == first
    second = other.take(0, 200.0)
    assert mine.handover() == second
    assert (second.taker, second.open_things) == (Person(whoami().name, whoami().host), 0)
    with pytest.raises(LedgerExistsError):
        there.journal().begin_ledger(LedgerKind.HANDOVER, second.id, {"do": "take"}, 1.0)
    for book in (mine, other):
        book.close()


def test_a_hand_over_that_says_nothing_is_none() -> None:
    for records in ([], [{"do": "take", "at": "now", "who": "kim"}], [{"do": "end", "at": 1.0}]):
        assert fold_handover("1-00000000", records) is None
    forged = [{"do": "take", "at": 1.0, "who": "\x1b[2Jkim", "open": -4}]
    taken = fold_handover("1-00000000", forged)
    assert taken is not None
    assert (taken.taker.who, taken.open_things) == ("␛[2Jkim", 0)
