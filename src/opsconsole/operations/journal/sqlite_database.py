"""The journal's database: how it is opened, read and written.

Invariant: a committed transaction is on the disk (WAL with synchronous FULL), and a reader
never waits for a writer. A database of a later schema version is refused, never guessed at.
"""

import os
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from opsconsole import durable
from opsconsole.errors import StateError
from opsconsole.operations.database import Database, Row, TakenError, Transaction, Values
from opsconsole.operations.journal.sqlite_schema import VERSION, bring_up
from opsconsole.operations.state_folder import file_mode
from opsconsole.text import sanitize

BUSY: Final = 5.0
"""Seconds that a writer waits for another one that makes no progress."""

PATIENCE: Final = 60.0
"""Seconds that a writer waits for others that make progress."""

LONGEST: Final = 16 * 1024 * 1024
"""Bytes of one value; a row with a longer one is an error to SQLite."""

MOST: Final = 256 * 1024 * 1024
"""Characters that one statement may give."""

_TAKEN: Final = {sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_UNIQUE}
_PAUSE: Final = 0.01
_CLOSE_WITHIN: Final = 2.0
_NONE: Final = (0, 0)
_making = threading.Lock()


class SqliteDatabase:
    """One connection, which several threads may use in turn. Raises StateError throughout.

    A file that was removed or replaced while it was open is an error at once; after that, what is
    there by then is used.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "journal.db"
        self._folder = folder
        self._lock = threading.Lock()
        self._generation = 0
        self._open()

    def close(self) -> None:
        """Release the connection once no other thread is in it; idempotent.

        SQLite crashes where it is closed under a thread that reads. One that hangs keeps it.
        """
        if self._lock.acquire(timeout=_CLOSE_WITHIN):
            try:
                self._connection.close()
            finally:
                self._lock.release()

    def read(self, statement: str, values: Values = ()) -> list[Row]:
        """All rows of a SELECT or PRAGMA."""
        try:
            with self._lock:
                self._check()
                with closing(self._connection.execute(statement, values)) as cursor:
                    return list(self._bounded(cursor))
        except sqlite3.Error as error:
            raise unusable(self.path, error) from error

    def _bounded(self, rows: Iterable[Row]) -> Iterator[Row]:
        size = 0
        for row in rows:
            size += sum(len(value) for value in row if isinstance(value, str))
            if size > MOST:
                raise StateError(
                    f"the journal {self.path} holds more than can be read at once",
                    remedy="look at who wrote it, or begin another one in an empty folder",
                )
            yield row

    def version(self) -> int:
        """A number that differs once another connection has changed the database."""
        return int(self.read("PRAGMA data_version")[0][0]) + (self._generation << 32)

    def try_writing(self) -> None:
        """Return where a transaction could be made; nothing is changed."""
        with self.transaction() as changes:
            changes.change("UPDATE operations SET state = state WHERE id = ''")

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Hold the write lock; what was written is on the disk when the block has ended."""
        with self._lock:
            self._check()
            try:
                begin(self._connection)
                try:
                    yield _Changes(self._connection)
                    self._connection.execute("COMMIT")
                except BaseException:
                    if self._connection.in_transaction:
                        self._connection.execute("ROLLBACK")
                    raise
            except sqlite3.Error as error:
                raise unusable(self.path, error) from error
            except OverflowError as error:
                raise StateError(
                    f"cannot use the journal {self.path}: a number in it has come to its end",
                    remedy="look at who wrote it, and restore the file from a copy",
                ) from error

    def _open(self) -> None:
        self._connection = connect(self._folder)
        self._identity = _identity(self.path)

    def _check(self) -> None:
        """Nothing while the file that was opened is the one that is there."""
        found = _identity(self.path)
        if found == self._identity:
            return
        self._generation += 1
        self._connection.close()
        self._open()
        raise StateError(
            f"the journal {self.path} was removed or replaced while it was open",
            remedy="what it held is not here any more: look at who did that, then try again",
        )


class _Changes:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def rows(self, statement: str, values: Values = ()) -> list[Row]:
        """The rows that a statement gives."""
        return self._connection.execute(statement, values).fetchall()

    def change(self, statement: str, values: Values = ()) -> int:
        """How many rows a statement changed."""
        with _taken():
            return self._connection.execute(statement, values).rowcount

    def change_each(self, statement: str, many: Iterable[Values]) -> None:
        """Run a statement once for each of ``many``."""
        with _taken():
            self._connection.executemany(statement, many)

    def write(self, statement: str, values: Values = ()) -> None:
        """Change what nobody asks about."""
        self.change(statement, values)


@contextmanager
def _taken() -> Iterator[None]:
    try:
        yield
    except sqlite3.IntegrityError as error:
        if error.sqlite_errorcode not in _TAKEN:
            raise
        raise TakenError() from error


def connect(folder: Path) -> sqlite3.Connection:
    """Open the journal in ``folder``, made when it is not there. Raises StateError."""
    path = folder / "journal.db"
    try:
        _make(path, file_mode(folder))
        connection = sqlite3.connect(
            path, timeout=BUSY, isolation_level=None, check_same_thread=False
        )
        try:
            distrust(connection, LONGEST)
            _prepare(connection, folder)
        except BaseException:
            connection.close()
            raise
    except OSError as error:
        raise StateError(
            f"cannot open the journal {error.filename or path}: {error.strerror}",
            remedy="look at the state folder, and at who may write there",
        ) from error
    except sqlite3.Error as error:
        raise unusable(path, error) from error
    return connection


def read_only(folder: Path, statement: str) -> list[Row]:
    """Rows of a journal of whatever schema, which is neither made nor upgraded; () without one.

    Raises StateError.
    """
    path = folder / "journal.db"
    try:
        durable.check_database(path)
        path.stat()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StateError(
            f"cannot read the journal {path}: {error.strerror}", remedy="ask as a user who may"
        ) from error
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=BUSY)) as opened:
            distrust(opened, LONGEST)
            return opened.execute(statement).fetchall()
    except sqlite3.Error as error:
        raise unusable(path, error) from error


def _identity(path: Path) -> tuple[int, int]:
    """Which file it is; _NONE for none that can be seen."""
    try:
        status = path.stat()
    except OSError:
        return _NONE
    return status.st_dev, status.st_ino


def _make(path: Path, mode: int) -> None:
    """Make an empty file with ``mode`` if there is none. Raises OSError."""
    with _making:
        durable.check_database(path)
        if not path.exists():
            os.close(durable.open_file(path, os.O_RDWR, mode))


def unusable(path: Path, error: sqlite3.Error) -> StateError:
    """The error of a database that cannot be used, with what to do."""
    if _is_busy(error):
        return StateError(
            f"cannot use the journal {path}: another process is writing to it and does not finish",
            remedy="wait and try again; `fuser` on the file names the process",
        )
    if _code(error) in {sqlite3.SQLITE_AUTH, sqlite3.SQLITE_TOOBIG}:
        return StateError(
            f"cannot use the journal {path}, which holds what no console writes: "
            f"{sanitize(str(error))}",
            remedy="look at who may write to the state folder, and restore the file from a copy",
        )
    return StateError(
        f"cannot use the journal {path}: {sanitize(str(error))}",
        remedy="make room on its disk, or restore the file from a copy",
    )


def _is_busy(error: sqlite3.Error) -> bool:
    return _code(error) == sqlite3.SQLITE_BUSY


def _code(error: sqlite3.Error) -> int:
    """SQLite's own code; 0 where the error is Python's, which has none."""
    return error.sqlite_errorcode & 0xFF if hasattr(error, "sqlite_errorcode") else 0


def begin(connection: sqlite3.Connection) -> None:
    """Take the write lock. On a slow disk others may hold it in turn for long: that is progress.

    SQLite's own waiting is not fair: a writer that asks again at once may always be served first.
    """
    ends = time.monotonic() + PATIENCE
    while True:
        (seen,) = connection.execute("PRAGMA data_version").fetchone()
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            (now,) = connection.execute("PRAGMA data_version").fetchone()
            if not _is_busy(error) or now == seen or time.monotonic() > ends:
                raise
        else:
            return


def distrust(connection: sqlite3.Connection, longest: int) -> None:
    """Let a database that others may write decide nothing but what its rows say.

    A value of more than ``longest`` bytes is an error.
    """
    connection.text_factory = _decoded
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, longest)
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.set_authorizer(_OwnStatements())


class _OwnStatements:
    """Allows everything but what a view or a trigger of the file would do: the console makes none.

    A view can be a query without an end, and a trigger writes what nobody confirmed. SQLite says
    within which of them something is done, or within which table that the statement itself names.
    """

    def __init__(self) -> None:
        self._named: set[str] = set()

    def __call__(
        self,
        action: int,
        first: str | None,
        second: str | None,
        base: str | None,
        within: str | None,
    ) -> int:
        """SQLite's question; ``base`` is None for a table that the statement itself names."""
        if within is None:
            if action == sqlite3.SQLITE_READ and base is None and first is not None:
                self._named.add(first)
            return sqlite3.SQLITE_OK
        return sqlite3.SQLITE_OK if within in self._named else sqlite3.SQLITE_DENY


def _decoded(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace")


def _prepare(connection: sqlite3.Connection, folder: Path) -> None:
    _use_wal(connection)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version < VERSION:
        begin(connection)
        version = bring_up(connection, folder)
    if version != VERSION:
        raise StateError(
            f"the journal has schema {version}, this console knows {VERSION}",
            remedy="use the version of the console that wrote it",
        )


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch a new file to WAL; SQLite's own patience does not cover two that do so at once."""
    ends = time.monotonic() + BUSY
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if not _is_busy(error) or time.monotonic() > ends:
                raise
            time.sleep(_PAUSE)
        else:
            return


def _conforms(database: SqliteDatabase) -> Database:
    return database
