"""A database of PostgreSQL, as ``Database`` has it.

Invariant: a transaction first locks the one row of ``chain``, so that all writers of all hosts are
in one order; the server ends one that stops in the middle. A connection that broke is made again;
what was only read is read again then, and a change is never repeated once it may have happened.
"""

import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Final, TypeVar

import psycopg
from psycopg import sql

from opsconsole.errors import StateError
from opsconsole.operations.database import Database, Row, TakenError, Transaction, Values
from opsconsole.operations.postgresql import schema
from opsconsole.operations.postgresql.link import SCHEMA, Link, connect, unusable

MOST: Final = 256 * 1024 * 1024
"""Characters that one statement may give."""

PAUSE: Final = 1.0
"""Seconds for which a server that was not reached is not asked again."""

READING_FOR: Final = 10.0
"""Seconds for which a server that takes no changes is read before the one that does is tried."""

_AT_ONCE: Final = 100
_QUICK: Final = 2.0
_CLOSE_WITHIN: Final = 2.0
_BEGIN: Final = f"""
BEGIN;
SET LOCAL statement_timeout = '5s';
SET LOCAL idle_in_transaction_session_timeout = '5s';
SET LOCAL synchronous_commit = on;
SELECT version FROM {SCHEMA}.chain FOR UPDATE
"""  # noqa: S608 - our own
_COMMIT: Final = f"UPDATE {SCHEMA}.chain SET version = version + 1; COMMIT"  # noqa: S608 - our own
_NAMED: Final = re.compile(r"\b(FROM|JOIN|INTO|UPDATE) (?=[a-z])")

T = TypeVar("T")


class PostgresqlDatabase:
    """One connection, made when it is first needed. Raises StateError throughout."""

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo
        self._lock = threading.Lock()
        self._link: Link | None = None
        self._is_writing = False
        self._reading_until = 0.0
        self._failed: tuple[float, bool, StateError] | None = None

    def close(self) -> None:
        """End the connection once no other thread is in it; idempotent."""
        if self._lock.acquire(timeout=_CLOSE_WITHIN):
            try:
                self._drop()
            finally:
                self._lock.release()

    def read(self, statement: str, values: Values = ()) -> list[Row]:
        """All rows of a SELECT."""
        with self._lock, _speaking():
            return self._on_link(lambda link: _streamed(link, statement, values), writing=False)

    def once(self, statement: str, values: Values = ()) -> list[Row]:
        """The rows of one statement that changes something, out of the order of ``chain``."""
        with self._lock, _speaking():
            cursor = self._open(writing=True).execute(translated(statement), _safe(values))
            return cursor.fetchall() if cursor.description else []

    def version(self) -> int:
        """A number that differs once something was changed."""
        ((version,),) = self.read("SELECT version FROM chain")
        return int(version)

    def try_writing(self) -> None:
        """Return where a transaction could be made."""
        with self._lock, _speaking():
            link = self._begun()
            link.execute("ROLLBACK")

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Keep out all other writers; what was written is durable once the block has ended."""
        with self._lock, _speaking():
            link = self._begun()
            try:
                changes = _Changes(link)
                yield changes
                changes.commit()
            except BaseException:
                self._roll_back(link)
                raise

    def _begun(self) -> Link:
        def begin(link: Link) -> Link:
            link.execute(_BEGIN)
            return link

        return self._on_link(begin, writing=True)

    def _on_link(self, use: Callable[[Link], T], *, writing: bool) -> T:
        """What ``use`` gives; asked again on a new connection where an old one was broken."""
        old = self._link
        try:
            return use(self._open(writing=writing))
        except psycopg.Error:
            self._settle()
            if old is None or self._link is not None:
                raise
        try:
            return use(self._open(writing=writing))
        except psycopg.Error:
            self._settle()
            raise

    def _settle(self) -> None:
        """Leave no transaction open on a connection that works, and none that does not."""
        if self._link is not None:
            self._roll_back(self._link)

    def _roll_back(self, link: Link) -> None:
        try:
            if not link.closed and not link.broken:
                link.execute("ROLLBACK")
                return
        except psycopg.Error:
            pass
        self._drop()

    def _open(self, *, writing: bool) -> Link:
        found = self._link
        is_sound = found is not None and not found.closed and not found.broken
        does = self._is_writing or (not writing and time.monotonic() < self._reading_until)
        if found is not None and is_sound and does:
            return found
        self._drop()
        if self._failed is not None:
            until, was_writing, error = self._failed
            if time.monotonic() < until and (was_writing is writing or not was_writing):
                raise StateError(error.what, remedy=error.remedy)
        try:
            self._link, self._is_writing = self._connected(writing=writing)
        except StateError as error:
            self._failed = (time.monotonic() + PAUSE, writing, error)
            raise
        self._failed = None
        self._reading_until = time.monotonic() + READING_FOR
        return self._link

    def _connected(self, *, writing: bool) -> tuple[Link, bool]:
        began, takes_changes = time.monotonic(), True
        try:
            link = connect(self._conninfo)
        except StateError:
            # A standby, or a role that may only look, is refused at once.
            if writing or time.monotonic() - began > _QUICK:
                raise
            link, takes_changes = connect(self._conninfo, writing=False), False
        try:
            schema.prepare(link, may_make=takes_changes)
        except BaseException:
            link.close()
            raise
        return link, takes_changes

    def _drop(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None


class _Changes:
    """What is written waits for the next question, and goes to the server with it.

    Values are bound here, by psycopg, since several statements of one message can have none.
    """

    def __init__(self, link: Link) -> None:
        self._link = link
        self._binder = psycopg.ClientCursor(link)
        self._waiting: list[str] = []

    def rows(self, statement: str, values: Values = ()) -> list[Row]:
        """The rows that a statement gives."""
        return self._sent(self._bound(statement, values)).fetchall()

    def change(self, statement: str, values: Values = ()) -> int:
        """How many rows a statement changed."""
        with _taken():
            return self._sent(self._bound(statement, values)).rowcount

    def change_each(self, statement: str, many: Iterable[Values]) -> None:
        """Run a statement once for each of ``many``."""
        every = [self._bound(statement, values) for values in many]
        for first in range(0, len(every), _AT_ONCE):
            with _taken():
                self._sent(*every[first : first + _AT_ONCE])

    def write(self, statement: str, values: Values = ()) -> None:
        """Change what nobody asks about."""
        self._waiting.append(self._bound(statement, values))

    def commit(self) -> None:
        """Keep all of it."""
        self._sent(_COMMIT)

    def _bound(self, statement: str, values: Values) -> str:
        return self._binder.mogrify(translated(statement), _safe(values))

    def _sent(self, *statements: str) -> psycopg.Cursor[Row]:
        """The answer to the last of them."""
        message = ";\n".join([*self._waiting, *statements])
        self._waiting.clear()
        cursor = self._link.execute(message.encode())
        while cursor.nextset():
            pass
        return cursor


@contextmanager
def _taken() -> Iterator[None]:
    try:
        yield
    except psycopg.errors.UniqueViolation as error:
        raise TakenError() from error


@cache
def translated(statement: str) -> sql.SQL:
    """A statement of the console's own, as psycopg and PostgreSQL have it.

    Tables are named with their schema, since no search path outlives a transaction.
    """
    named = _NAMED.sub(rf"\1 {SCHEMA}.", statement.replace("%", "%%"))
    return sql.SQL(named.replace("?", "%s"))


def _safe(values: Values) -> list[object]:
    """A text of PostgreSQL has no NUL."""
    return [each.replace("\0", "\ufffd") if isinstance(each, str) else each for each in values]


def _streamed(link: Link, statement: str, values: Values) -> list[Row]:
    """Row by row, so that one reads no more than fits."""
    found: list[Row] = []
    size = 0
    with link.cursor() as cursor:
        for row in cursor.stream(translated(statement), _safe(values)):
            size += sum(len(value) for value in row if isinstance(value, str | bytes))
            if size > MOST:
                raise StateError(
                    "the journal in PostgreSQL holds more than can be read at once",
                    remedy="look at who wrote it",
                )
            found.append(row)
    return found


@contextmanager
def _speaking() -> Iterator[None]:
    """Errors of the driver as the console's own."""
    try:
        yield
    except (psycopg.Error, OverflowError) as error:
        raise unusable(error) from error


def _conforms(database: PostgresqlDatabase) -> Database:
    return database
