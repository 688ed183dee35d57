"""Every journal that there is: what is promised of one is promised of all."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from opsconsole.operations.journal.audit_sinks import AuditSinks
from opsconsole.operations.journal.journal import Journal
from opsconsole.operations.journal.sql_journal import SqlJournal
from opsconsole.operations.journal.sqlite_journal import SqliteJournal
from opsconsole.operations.postgresql.database import PostgresqlDatabase
from opsconsole.operations.state_folder import prepare
from tests.operations.journal.memory_journal import MemoryJournal, MemoryStore

Open = Callable[..., Journal]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A state folder."""
    return prepare(tmp_path / "state", shared=False)


@pytest.fixture(params=["sqlite", "memory", "postgresql"])
def open_journal(request: pytest.FixtureRequest, folder: Path) -> Iterator[Open]:
    """Opens one more journal on one and the same state; all are closed with the test."""
    store = MemoryStore()
    opened: list[Journal] = []
    database = ""
    if request.param == "postgresql":
        database = request.getfixturevalue("postgresql_database")

    def make(sinks: AuditSinks | None) -> Journal:
        match request.param:
            case "sqlite":
                return SqliteJournal(folder, sinks=sinks)
            case "memory":
                return MemoryJournal(store, sinks=sinks)
            case _:
                return SqlJournal(PostgresqlDatabase(database), sinks=sinks)

    def open_one(sinks: AuditSinks | None = None) -> Journal:
        opened.append(make(sinks))
        return opened[-1]

    yield open_one
    for journal in opened:
        journal.close()
