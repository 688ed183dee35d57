"""Rows of the server that no console wrote: the others are read, nothing crashes or runs.

Who owns the tables may write any value that a column takes.
"""

import math
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

import psycopg
import pytest
from psycopg import sql

from opsconsole.errors import StateError
from opsconsole.operations.journal.audit import verify
from opsconsole.operations.journal.journal import Journal
from opsconsole.operations.journal.records import LedgerKind, Note, Promise, PromiseKind, Scope
from opsconsole.operations.journal.sql_journal import SqlJournal
from opsconsole.operations.postgresql.database import PostgresqlDatabase
from tests.operations.journal.samples import intent, op
from tests.operations.journal.test_hostile_rows import (
    FORGED,
    VALUES,
    all_that_is_said_can_be_shown,
    more_can_be_written,
    others_are_read,
)
from tests.servers.postgresql import Postgresql

_LONG: Final = 100_000
_TEXTS: Final = {
    name: value[:_LONG].replace("\0", "")
    for name, value in VALUES.items()
    if isinstance(value, str)
}
_NUMBERS: Final = {
    "no number": math.nan,
    **{name: value for name, value in VALUES.items() if isinstance(value, int | float)},
}
_WHERE: Final = {
    "operations": f"id = '{FORGED}'",
    "steps": f"operation = '{FORGED}'",
    "promises": f"operation = '{FORGED}'",
    "notes": "text = 'forged'",
    "seen": "TRUE",
    "ledgers": "id = '1-aaaaaaaa'",
    "ledger_records": "ledger = 1",
    "audit": "seq = (SELECT max(seq) FROM opsconsole.audit)",
}
_EVERY: Final = 3
"""Of the values of a column, each column tries others."""


@pytest.fixture(scope="module")
def where(postgresql_server: Postgresql) -> str:
    """A journal of two operations, one of which is about to be changed by somebody else."""
    where = postgresql_server.database()
    journal = SqlJournal(PostgresqlDatabase(where))
    for number, name in enumerate(("forged", "sound")):
        journal.submit(intent(name), 1.0 + number)
        journal.arm(Promise(op(name), PromiseKind.ROLLBACK, "web", 9e9), 3.0)
        journal.add_note(Note(1.0, "kim", name))
        first = {"do": "begin", "at": 1.0, "steps": [], "run": "web"}
        journal.begin_ledger(LedgerKind.RUNBOOK, f"{number + 1}-aaaaaaaa", first, 1.0)
    journal.see("0", 1.0)
    journal.close()
    return where


@pytest.fixture
def journal(where: str) -> Iterator[Journal]:
    opened = SqlJournal(PostgresqlDatabase(where))
    opened.use_scope(Scope("/c.yaml", ("production",)))
    yield opened
    opened.close()


@pytest.mark.parametrize("table", _WHERE)
def test_no_value_of_a_row_costs_another_row_or_ends_a_console(
    where: str, journal: Journal, table: str
) -> None:
    with psycopg.connect(where, autocommit=True) as owner:
        columns = owner.execute(
            "SELECT column_name, data_type FROM information_schema.columns"
            " WHERE table_schema = 'opsconsole' AND table_name = %s",
            (table,),
        ).fetchall()
        assert len(columns) > 1
        for number, (column, kind) in enumerate(columns):
            values = list((_TEXTS if kind == "text" else _NUMBERS).items())
            for name, value in values[number % _EVERY :: _EVERY]:
                if _changed(owner, table, column, value):
                    what = f"{name} as {column} of {table}"
                    others_are_read(journal, what)
                    all_that_is_said_can_be_shown(journal, what)
                    _put_back(owner, table)


def test_what_is_odd_keeps_nobody_from_writing(where: str, journal: Journal) -> None:
    with psycopg.connect(where, autocommit=True) as owner:
        owner.execute("UPDATE opsconsole.operations SET evidence = '{}' WHERE id = %s", (FORGED,))
        owner.execute("UPDATE opsconsole.ledger_records SET record = '{' WHERE ledger = 1")
        owner.execute("UPDATE opsconsole.audit SET record = '[]', hash = ''")
    more_can_be_written(journal, "odd rows")
    assert [each.state for each in journal.operations() if each.id == op("third")]
    assert not verify(journal.audit_rows()).whole


def _changed(
    owner: psycopg.Connection[tuple[object, ...]], table: str, column: str, value: object
) -> bool:
    """Whether the server took it; what was there is kept beside."""
    owner.execute(f"CREATE TEMP TABLE was AS SELECT * FROM opsconsole.{table}".encode())
    change = sql.SQL("UPDATE opsconsole.{} SET {} = %s WHERE " + _WHERE[table])
    with suppress(psycopg.Error):
        owner.execute("SET session_replication_role = replica")  # foreign keys hold nobody back
        done = owner.execute(change.format(sql.Identifier(table), sql.Identifier(column)), (value,))
        if done.rowcount:
            return True
    owner.execute("DROP TABLE was")
    return False


def _put_back(owner: psycopg.Connection[tuple[object, ...]], table: str) -> None:
    owner.execute(f"DELETE FROM opsconsole.{table}".encode())
    query = f"INSERT INTO opsconsole.{table} OVERRIDING SYSTEM VALUE SELECT * FROM was"
    owner.execute(query.encode())
    owner.execute("DROP TABLE was")


def test_a_table_in_a_schema_of_ones_own_is_not_taken_for_the_journals(
    postgresql_server: Postgresql,
) -> None:
    where = postgresql_server.database()
    with psycopg.connect(where, autocommit=True) as other:
        other.execute("CREATE SCHEMA ops")
        other.execute("CREATE TABLE ops.operations (id TEXT)")
        other.execute("CREATE VIEW public.notes AS SELECT 1 / 0 AS number")
    journal = SqlJournal(PostgresqlDatabase(where))
    journal.submit(intent("one"), 1.0)
    assert [each.id for each in journal.operations()] == [op("one")]
    assert journal.notes() == ()
    journal.close()


def test_a_text_without_measure_is_not_taken(postgresql_database: str) -> None:
    journal = SqlJournal(PostgresqlDatabase(postgresql_database))
    with pytest.raises(StateError, match="check constraint"):
        journal.add_note(Note(1.0, "kim", "x" * 100_000))
    assert journal.notes() == ()
    journal.close()
