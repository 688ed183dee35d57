"""Bringing the state of a folder into an empty database, once.

Invariant: all of it or nothing, the audit row for row, so that its chain goes on; the folder stays
as it is. What was of one configuration is of its environment then; who has seen which verdicts is
left behind, because users have names there and not uids. Nothing is brought in beside what another
console keeps there already, and nothing while an operation is under way in the folder, whose runner
would go on writing there.
"""

from collections.abc import Iterator
from typing import Final

from opsconsole.errors import StateError
from opsconsole.model.operation import OperationState
from opsconsole.operations.database import Database, Transaction, Values
from opsconsole.operations.journal.audit import Row, verify
from opsconsole.operations.journal.sql_reading import AUDIT

_TABLES: Final = {
    "operations": (
        "id, plan_id, service, kind, name, environment, state, plan, who, host, asked_by, reason,"
        " declaration, config_path, base, summary, evidence, started_at, updated_at, ended_at,"
        " ends_at",
        "rowid",
    ),
    "steps": (
        "operation, ordinal, summary, state, detail, before, started_at, ended_at",
        "operation, ordinal",
    ),
    "promises": (
        "operation, kind, service, due, boot_id, due_boottime, attempts, outcome",
        "operation, kind",
    ),
    "notes": ("at, who, host, service, text, scope", "number"),
    "audit": ("seq, record, prev, hash", "seq"),
}
"""Columns and order of what is taken over as it is."""

_LEDGER: Final = "kind, id, scope, moved_at, records, ended"
_SCOPE: Final = "CASE scope WHEN '' THEN '' ELSE substr(scope, instr(scope, char(10))) END"
"""A scope without the path of its configuration; marks of earlier versions stay none."""

_PAGE: Final = 500
_OPEN: Final = tuple(state.value for state in OperationState if not state.final)


def bring_in(source: Database, target: Database) -> dict[str, int]:
    """Copy everything; how many rows of each table. Raises StateError."""
    marks = ",".join("?" * len(_OPEN))
    if source.read(f"SELECT id FROM operations WHERE state IN ({marks}) LIMIT 1", _OPEN):  # noqa: S608
        raise StateError(
            "an operation is under way in the state folder", remedy="wait until it has its verdict"
        )
    report = verify(Row(*row) for row in source.read(AUDIT))
    if not report.whole:
        raise StateError(
            f"the audit of the state folder is not whole: {report.lines[1]}",
            remedy="look at it with: opsconsole audit verify",
        )
    copied: dict[str, int] = {}
    with target.transaction() as changes:
        for table in (*_TABLES, "ledgers"):
            if changes.rows(f"SELECT 1 FROM {table} LIMIT 1"):  # noqa: S608 - our own
                raise StateError(
                    f"there are {table} in the database already", remedy="use an empty database"
                )
        for table, (columns, order) in _TABLES.items():
            insert = f"INSERT INTO {table} ({columns}) VALUES ({_marks(columns)})"  # noqa: S608
            taken = columns.replace("scope", _SCOPE)
            rows = list(_pages(source, f"SELECT {taken} FROM {table} ORDER BY {order}"))  # noqa: S608
            changes.change_each(insert, rows)
            copied[table] = len(rows)
        copied["ledgers"] = _ledgers(source, changes)
    return copied


def _ledgers(source: Database, changes: Transaction) -> int:
    """Ledgers have numbers of their own in each database."""
    insert = f"INSERT INTO ledgers ({_LEDGER}) VALUES ({_marks(_LEDGER)}) RETURNING number"  # noqa: S608
    taken = _LEDGER.replace("scope", _SCOPE)
    found = source.read(f"SELECT number, {taken} FROM ledgers ORDER BY number")  # noqa: S608
    for number, *values in found:
        ((made,),) = changes.rows(insert, values)
        records = source.read(
            "SELECT ordinal, record FROM ledger_records WHERE ledger = ? ORDER BY ordinal",
            (number,),
        )
        changes.change_each(
            "INSERT INTO ledger_records (ledger, ordinal, record) VALUES (?, ?, ?)",
            [(made, *each) for each in records],
        )
    return len(found)


def _pages(source: Database, statement: str) -> Iterator[Values]:
    """All rows, of which a statement gives no more than fit."""
    first = 0
    while rows := source.read(f"{statement} LIMIT ? OFFSET ?", (_PAGE, first)):
        yield from rows
        first += len(rows)


def _marks(columns: str) -> str:
    return ", ".join("?" * len(columns.split(",")))
