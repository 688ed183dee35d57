"""The state of several bastions, in a PostgreSQL; what is each user's own stays on this host.

Invariant: while the server cannot be reached nothing is changed and nothing is kept elsewhere: a
StateError says so. The name that another process is given holds no password, because none may
stand in the configuration.
"""

import json
from functools import partial
from pathlib import Path
from typing import Final

from opsconsole.errors import StateError
from opsconsole.operations.journal.audit import Row
from opsconsole.operations.journal.audit_sinks import AuditSinks
from opsconsole.operations.journal.sql_journal import SqlJournal
from opsconsole.operations.journal.sql_reading import AUDIT
from opsconsole.operations.locks.lease import TERMS, Terms
from opsconsole.operations.locks.postgresql_locks import PostgresqlLocks
from opsconsole.operations.postgresql.database import PostgresqlDatabase
from opsconsole.operations.postgresql_presence import PostgresqlPresence
from opsconsole.operations.shared_recordings import SharedRecordings
from opsconsole.operations.signed_mandates import HostMandates, SignedMandates
from opsconsole.operations.state_folder import prepare
from opsconsole.text import sanitize

_MARK: Final = "postgresql:"


class PostgresqlPlace:
    """The state where ``conninfo`` leads libpq; mandates and logs in ``folder``.

    With the file ``mandate_key`` this user's mandates are shared by the hosts that have it.
    """

    of_hosts = True
    patience = 600.0

    def __init__(
        self,
        conninfo: str,
        folder: Path,
        mandate_key: str = "",
        *,
        shared: bool = False,
        terms: Terms = TERMS,
    ) -> None:
        self.conninfo, self.folder = conninfo, folder.absolute()
        self._shared = shared
        self.locks = PostgresqlLocks(partial(PostgresqlDatabase, conninfo), terms)
        self.mandate_key = mandate_key
        self.mandates = self._mandates()

    @classmethod
    def named(cls, name: str) -> "PostgresqlPlace":
        """The state that has this ``name``. Raises StateError."""
        try:
            words = json.loads(name.removeprefix(_MARK))
        except (ValueError, RecursionError):
            words = None
        match words:
            case [str(conninfo), str(folder), str(key)]:
                pass
            case _:
                raise StateError(f"{sanitize(name, limit=80)!r} is not the name of a state")
        return cls(conninfo, Path(folder), key)

    @property
    def name(self) -> str:
        """How the server is reached, the folder, and where the key is."""
        return f"{_MARK}{json.dumps([self.conninfo, str(self.folder), self.mandate_key])}"

    def exists(self) -> bool:
        """True: the server is looked at only when the journal is opened."""
        return True

    def journal(self, sinks: AuditSinks | None = None) -> SqlJournal:
        """The journal on the server, which is asked when something is read or written."""
        prepare(self.folder, shared=self._shared)
        return SqlJournal(PostgresqlDatabase(self.conninfo), sinks=sinks, fence=self.locks)

    def _mandates(self) -> HostMandates:
        if not self.mandate_key:
            return HostMandates(self.folder, self.locks)
        return SignedMandates(self.folder, self.locks, Path(self.mandate_key))

    def audit_rows(self) -> tuple[Row, ...]:
        """The audit on the server."""
        database = PostgresqlDatabase(self.conninfo)
        try:
            return tuple(Row(*row) for row in database.read(AUDIT))
        finally:
            database.close()

    def presence(self) -> PostgresqlPresence:
        """Rows on the server."""
        return PostgresqlPresence(partial(PostgresqlDatabase, self.conninfo))

    def recordings(self) -> SharedRecordings:
        """Rows on the server."""
        return SharedRecordings(PostgresqlDatabase(self.conninfo))

    def log_of(self, task: str) -> Path:
        """A file in the folder."""
        return self.folder / "logs" / f"{task}.log"
