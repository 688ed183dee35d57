"""One connection to PostgreSQL, and what is said where it cannot be used.

Invariant: whatever the server or the network does, every call returns or raises within
``DEADLINE`` seconds, and nothing rests on the session: PgBouncer may pool by transactions.
"""

from collections.abc import Generator
from typing import Any, Final, TypeVar

import psycopg
from psycopg import errors
from psycopg.adapt import Buffer, Loader
from psycopg.pq import TransactionStatus

from opsconsole.errors import StateError
from opsconsole.text import sanitize

SCHEMA: Final = "opsconsole"
"""The schema of the database that has the tables."""

CONNECT_WITHIN: Final = 5
DEADLINE: Final = 10.0
"""Seconds for one answer, after which the connection is given up."""

_OPTIONS: Final[dict[str, Any]] = {
    "connect_timeout": CONNECT_WITHIN,
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
    "application_name": "opsconsole",
    "client_encoding": "UTF8",
}
_SHOWN: Final = 300

T = TypeVar("T")


class Link(psycopg.Connection[tuple[Any, ...]]):
    """A connection that waits for no answer for ever, and ends with its last user."""

    def __del__(self, *_: object) -> None:
        """Say nothing of one that was not closed; libpq ends it, but for that of a parent."""

    def wait(
        self, gen: Generator[Any, Any, T], interval: float = 0.1, timeout: float | None = None
    ) -> T:
        """What ``gen`` gives; OperationalError, and the connection's end, where none comes."""
        try:
            return super().wait(gen, interval, DEADLINE if timeout is None else timeout)
        except psycopg.OperationalError:
            if self.pgconn.transaction_status is TransactionStatus.ACTIVE:
                self.pgconn.finish()
            raise


class _AnyText(Loader):
    """Texts as SQLite's are read: bytes that are no UTF-8 are shown as such."""

    def load(self, data: Buffer) -> str:
        return bytes(data).decode("utf-8", "backslashreplace")


def connect(conninfo: str, *, writing: bool = True) -> Link:
    """A connection that commits each statement by itself. Raises StateError.

    ``writing``: to the one of several hosts that takes changes, else to any.
    """
    target = "read-write" if writing else "any"
    try:
        link = Link.connect(
            conninfo,
            autocommit=True,
            prepare_threshold=None,
            target_session_attrs=target,
            **_OPTIONS,
        )
    except psycopg.ProgrammingError:
        # libpq repeats what it was given, in which a password may be.
        what = "cannot use the state in PostgreSQL: libpq does not understand how it is reached"
        raise StateError(what, remedy="look at state.postgresql in the configuration") from None
    except (psycopg.Error, UnicodeError) as error:
        raise unusable(error) from error
    for name in ("text", "varchar", "name"):
        link.adapters.register_loader(name, _AnyText)
    return link


def unusable(error: Exception) -> StateError:
    """The error of a server that cannot be used, with what to do."""
    said = sanitize(" ".join(str(error).split()), limit=_SHOWN)
    what, remedy = f"cannot use the state in PostgreSQL: {said}", _remedy(error)
    return StateError(what, remedy=remedy)


def _remedy(error: Exception) -> str:
    match error:
        case errors.InsufficientPrivilege():
            return "ask the owner of its tables for: opsconsole state grant"
        case errors.ReadOnlySqlTransaction():
            return "name the primary too, as in host=a,b: a standby can only be read"
        case errors.DiskFull():
            return "make room on the disk of the server"
        case errors.QueryCanceled() | errors.LockNotAvailable() | errors.TransactionTimeout():
            return "another transaction does not finish: try again, or look at pg_stat_activity"
        case errors.IdleInTransactionSessionTimeout():
            return "this process was stopped in the middle of it: try again"
        case errors.UndefinedTable() | errors.UndefinedColumn() | errors.InvalidSchemaName():
            return "look at its tables with: opsconsole check"
        case _:
            return "look at the server, the network, and what state.postgresql says"
