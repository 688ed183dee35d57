"""The journal's database: one of an earlier version is brought up, one of a later one refused."""

import sqlite3
from pathlib import Path

import pytest

from opsconsole.errors import StateError
from opsconsole.operations.journal import database
from opsconsole.operations.journal.journal import Journal
from opsconsole.operations.state_folder import prepare


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A state folder."""
    return prepare(tmp_path / "state", shared=False)


def _made(folder: Path, version: int) -> None:
    """A database as a console of schema ``version`` left it."""
    connection = sqlite3.connect(folder / "journal.db")
    for stage in database._STAGES[:version]:
        connection.executescript(stage)
    connection.execute("INSERT INTO audit VALUES (1, '{}', '0', '0')")
    connection.execute(f"PRAGMA user_version = {version}")
    connection.commit()
    connection.close()


@pytest.mark.parametrize("version", range(1, database.VERSION + 1))
def test_an_earlier_one_is_brought_up_with_all_that_it_holds(folder: Path, version: int) -> None:
    _made(folder, version)
    for _ in range(2):
        journal = Journal(folder)
        assert journal.operations() == ()
        assert journal.armed_rollbacks() == ()
        assert [row.seq for row in journal.audit_rows()] == [1]
        assert journal.database.read("PRAGMA user_version") == [(database.VERSION,)]
        journal.close()


def test_a_later_one_is_refused_and_left_as_it_is(folder: Path) -> None:
    _made(folder, database.VERSION)
    connection = sqlite3.connect(folder / "journal.db")
    connection.execute(f"PRAGMA user_version = {database.VERSION + 1}")
    connection.close()
    with pytest.raises(StateError, match="this console knows"):
        Journal(folder)
    connection = sqlite3.connect(folder / "journal.db")
    assert connection.execute("PRAGMA user_version").fetchone() == (database.VERSION + 1,)
    connection.close()
