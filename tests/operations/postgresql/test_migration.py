"""A state folder is brought into a server once, whole, with its chain."""

import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from opsconsole.errors import StateError
from opsconsole.model.operation import OperationState
from opsconsole.operations.journal.audit import verify
from opsconsole.operations.journal.records import LedgerKind, Note, Promise, PromiseKind, Scope
from opsconsole.operations.journal.sql_journal import SqlJournal
from opsconsole.operations.journal.sqlite_database import SqliteDatabase
from opsconsole.operations.journal.sqlite_journal import SqliteJournal
from opsconsole.operations.migration import bring_in
from opsconsole.operations.postgresql.database import PostgresqlDatabase
from opsconsole.operations.state_folder import prepare
from tests.operations.journal.samples import intent, op

_EARLIER = Path(__file__).parents[1] / "journal" / "state_of_schema_2"
_SCOPE = Scope("/c.yaml", ("production",))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return prepare(tmp_path / "state", shared=False)


@pytest.fixture
def target(postgresql_database: str) -> Iterator[PostgresqlDatabase]:
    database = PostgresqlDatabase(postgresql_database)
    yield database
    database.close()


def _filled(folder: Path) -> SqliteJournal:
    journal = SqliteJournal(folder)
    journal.use_scope(_SCOPE)
    for number in range(3):
        name = f"n{number}"
        journal.submit(intent(name), 10.0 - number)
        journal.arm(Promise(op(name), PromiseKind.END, "web", 9e9), 11.0)
        journal.advance(op(name), OperationState.FAILED, 12.0, summary=f"number {number}")
    journal.add_note(Note(1.0, "kim", "looking", "web", "here"))
    journal.see("1000", 5.0)
    for kind, name in ((LedgerKind.INCIDENT, "1"), (LedgerKind.RUNBOOK, "1-0000000a")):
        journal.begin_ledger(kind, name, {"do": "begin", "of": name}, 1.0)
        journal.extend_ledger(kind, name, lambda _: [{"do": "more"}, {"do": "end"}], 2.0)
    return journal


def test_all_is_there_afterwards_and_the_chain_goes_on(
    folder: Path, target: PostgresqlDatabase
) -> None:
    journal = _filled(folder)
    source = SqliteDatabase(folder)
    copied = bring_in(source, target)
    assert copied["operations"] == 3
    moved = SqlJournal(target)
    moved.use_scope(replace(_SCOPE, config_path=None))
    assert moved.operations() == journal.operations()
    assert moved.promises() == journal.promises()
    assert moved.audit_rows() == journal.audit_rows()
    assert moved.later(op("n0")) == journal.later(op("n0"))
    assert [note for _, note in moved.notes()] == [note for _, note in journal.notes()]
    assert moved.seen_until("1000") is None, "names are users there"
    for kind in LedgerKind:
        assert moved.ledgers(kind) == journal.ledgers(kind)
        for stamp in journal.ledgers(kind):
            assert moved.ledger(kind, stamp.id) == journal.ledger(kind, stamp.id)
    moved.submit(intent("next"), 20.0)
    assert verify(moved.audit_rows()).whole
    before = moved.audit_rows()
    with pytest.raises(StateError, match="already"):
        bring_in(source, target)
    assert moved.audit_rows() == before
    source.close()
    journal.close()


def test_what_an_earlier_version_left_is_brought_in(
    folder: Path, target: PostgresqlDatabase
) -> None:
    shutil.copytree(_EARLIER, folder, dirs_exist_ok=True)
    with sqlite3.connect(folder / "journal.db") as connection:
        connection.executescript((folder / "journal.sql").read_text())
        connection.execute("UPDATE operations SET state = 'failed' WHERE ended_at IS NULL")
    connection.close()
    source = SqliteDatabase(folder)
    bring_in(source, target)
    moved = SqlJournal(target)
    assert len(moved.operations()) == 7
    assert len(moved.promises()) == 3
    assert verify(moved.audit_rows()).whole
    source.close()


def test_nothing_is_brought_in_while_an_operation_is_under_way(
    folder: Path, target: PostgresqlDatabase
) -> None:
    journal = _filled(folder)
    journal.submit(intent("open"), 20.0)
    with pytest.raises(StateError, match="under way"):
        bring_in(journal.database, target)
    assert target.read("SELECT * FROM operations") == []
    journal.close()


def test_a_broken_chain_or_row_leaves_the_database_empty(
    folder: Path, target: PostgresqlDatabase
) -> None:
    journal = _filled(folder)
    with journal.database.transaction() as changes:
        changes.change("UPDATE audit SET record = '{}' WHERE seq = 2")
    with pytest.raises(StateError, match="not whole"):
        bring_in(journal.database, target)
    with journal.database.transaction() as changes:
        changes.change("DELETE FROM audit")
        changes.change("UPDATE notes SET text = ?", ("x" * 100_000,))
    with pytest.raises(StateError, match="check constraint"):
        bring_in(journal.database, target)
    assert target.read("SELECT * FROM operations") == []
    journal.close()
