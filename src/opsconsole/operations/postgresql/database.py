"""A database of PostgreSQL, as ``Database`` has it.

Invariant: a transaction first locks the one row of ``chain``, so that all writers of all hosts are
in one order; the server ends one that stops in the middle. A connection that broke is made again;
what was only read is read again then, and a change is never repeated once it may have happened.
"""

import re
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Final, TypeVar

import psycopg
from psycopg import sql

from opsconsole.errors import StateError
from opsconsole.operations.database import Database, Row, TakenError, Transaction, Values
from opsconsole.operations.postgresql.link import SCHEMA, Link, unusable
from opsconsole.operations.postgresql.pool import Pool, Pooled, join, leave

MOST: Final = 256 * 1024 * 1024
"""Characters that one statement may give."""

_AT_ONCE: Final = 100
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
    """What one part of a process asks, over connections that its other parts use too.

    Safe to use from several threads. Raises StateError throughout.
    """

    _pool: Pool | None = None

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo
        self._guard = threading.Lock()

    def __del__(self) -> None:
        """What is forgotten keeps no connection open."""
        self.close()

    def close(self) -> None:
        """Leave the connections; idempotent. What is asked later joins them again."""
        with self._guard:
            pool, self._pool = self._pool, None
        if pool is not None:
            leave(pool)

    def read(self, statement: str, values: Values = ()) -> list[Row]:
        """All rows of a SELECT."""
        with _speaking():
            pool = self._joined()
            found, pooled = _attempt(
                pool, lambda link: _streamed(link, statement, values), writing=False
            )
            pool.settle(pooled, roll_back=False)
            return found

    def once(self, statement: str, values: Values = ()) -> list[Row]:
        """The rows of one statement that changes something, out of the order of ``chain``."""
        with _speaking():
            pool = self._joined()
            pooled = pool.take(writing=True)
            try:
                cursor = pooled.link.execute(translated(statement), _safe(values))
                found = cursor.fetchall() if cursor.description else []
            except BaseException:
                pool.settle(pooled)
                raise
            pool.settle(pooled, roll_back=False)
            return found

    def version(self) -> int:
        """A number that differs once something was changed."""
        ((version,),) = self.read("SELECT version FROM chain")
        return int(version)

    def try_writing(self) -> None:
        """Return where a transaction could be made."""
        with _speaking():
            pool = self._joined()
            _, pooled = _attempt(pool, _begin, writing=True)
            pool.settle(pooled)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Keep out all other writers; what was written is durable once the block has ended."""
        with _speaking():
            pool = self._joined()
            _, pooled = _attempt(pool, _begin, writing=True)
            try:
                changes = _Changes(pooled.link)
                yield changes
                changes.commit()
            except BaseException:
                pool.settle(pooled)
                raise
            pool.settle(pooled, roll_back=False)

    def _joined(self) -> Pool:
        with self._guard:
            if self._pool is None:
                self._pool = join(self._conninfo)
            return self._pool


def _begin(link: Link) -> None:
    link.execute(_BEGIN)


def _attempt(pool: Pool, use: Callable[[Link], T], *, writing: bool) -> tuple[T, Pooled]:
    """What ``use`` gives, and on which connection: on a new one where an old one was broken."""
    pooled = pool.take(writing=writing)
    try:
        return use(pooled.link), pooled
    except psycopg.Error:
        if pool.settle(pooled) or pooled.is_new:
            raise
    except BaseException:
        pool.settle(pooled)
        raise
    pooled = pool.take(writing=writing)
    try:
        return use(pooled.link), pooled
    except BaseException:
        pool.settle(pooled)
        raise


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
