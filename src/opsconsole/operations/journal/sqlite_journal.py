"""The journal of a state folder, in SQLite. Invariant: as ``Journal`` has it."""

from pathlib import Path

from opsconsole.operations.journal.audit import Row
from opsconsole.operations.journal.audit_sinks import AuditSinks
from opsconsole.operations.journal.journal import Journal
from opsconsole.operations.journal.sql_journal import SqlJournal
from opsconsole.operations.journal.sql_reading import AUDIT
from opsconsole.operations.journal.sqlite_database import SqliteDatabase, read_only


class SqliteJournal(SqlJournal):
    """Safe to use from several threads."""

    def __init__(self, folder: Path, *, sinks: AuditSinks | None = None) -> None:
        super().__init__(SqliteDatabase(folder), sinks=sinks)


def audit_of(folder: Path) -> tuple[Row, ...]:
    """The audit of a state folder, which is not changed. Raises StateError."""
    return tuple(Row(*row) for row in read_only(folder, AUDIT))


def _conforms(journal: SqliteJournal) -> Journal:
    return journal
