"""The journal's database: its tables, how it is opened, read and written.

Invariant: a committed transaction is on the disk (WAL with synchronous FULL), and a reader
never waits for a writer. A database of a later schema version is refused, never guessed at.
"""

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

from opsconsole.errors import StateError
from opsconsole.operations.state_folder import file_mode
from opsconsole.text import sanitize

BUSY: Final = 5.0
"""Seconds that a writer waits for another one that does not get on."""

PATIENCE: Final = 60.0
"""Seconds that a writer waits for others that get on."""

_PAUSE: Final = 0.01
_making = threading.Lock()

_FIRST: Final = """
CREATE TABLE operations (
  id TEXT PRIMARY KEY,
  plan_id TEXT NOT NULL UNIQUE,
  service TEXT NOT NULL,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  state TEXT NOT NULL,
  plan TEXT NOT NULL,
  who TEXT NOT NULL,
  host TEXT NOT NULL,
  asked_by TEXT NOT NULL,
  reason TEXT NOT NULL,
  declaration TEXT NOT NULL,
  config_path TEXT NOT NULL,
  base TEXT NOT NULL,
  summary TEXT NOT NULL DEFAULT '',
  evidence TEXT NOT NULL DEFAULT '[]',
  started_at REAL NOT NULL,
  updated_at REAL NOT NULL,
  ended_at REAL,
  ends_at REAL
) STRICT;
CREATE INDEX operations_of_service ON operations (service, kind, started_at);
CREATE INDEX operations_by_time ON operations (started_at);
CREATE TABLE steps (
  operation TEXT NOT NULL REFERENCES operations (id),
  ordinal INTEGER NOT NULL,
  summary TEXT NOT NULL,
  state TEXT NOT NULL,
  detail TEXT NOT NULL DEFAULT '',
  before TEXT NOT NULL DEFAULT '{}',
  started_at REAL,
  ended_at REAL,
  PRIMARY KEY (operation, ordinal)
) STRICT;
CREATE TABLE ends (
  operation TEXT PRIMARY KEY REFERENCES operations (id),
  service TEXT NOT NULL,
  due_wall REAL NOT NULL,
  boot_id TEXT NOT NULL,
  due_boottime REAL NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  ended_by TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE TABLE audit (
  seq INTEGER PRIMARY KEY,
  record TEXT NOT NULL,
  prev TEXT NOT NULL,
  hash TEXT NOT NULL
) STRICT;
"""


_ROLLBACKS: Final = """
CREATE TABLE rollbacks (
  operation TEXT PRIMARY KEY REFERENCES operations (id),
  due REAL NOT NULL,
  outcome TEXT NOT NULL DEFAULT ''
) STRICT;
"""

_STAGES: Final = (_FIRST, _ROLLBACKS)
"""What leads from each schema version to the next, from an empty database on."""

VERSION: Final = len(_STAGES)


class Database:
    """One connection, which several threads may use in turn. Raises StateError throughout."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "journal.db"
        self._lock = threading.Lock()
        self._connection = connect(folder)

    def close(self) -> None:
        """Give back the connection; idempotent."""
        self._connection.close()

    def read(self, statement: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        """All rows of a SELECT or PRAGMA."""
        try:
            with self._lock, closing(self._connection.execute(statement, values)) as cursor:
                return cursor.fetchall()
        except sqlite3.Error as error:
            raise _unusable(self.path, error) from error

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Hold the write lock; what was written is on the disk when the block has ended."""
        with self._lock:
            try:
                begin(self._connection)
                try:
                    yield self._connection
                    self._connection.execute("COMMIT")
                except BaseException:
                    if self._connection.in_transaction:
                        self._connection.execute("ROLLBACK")
                    raise
            except sqlite3.Error as error:
                raise _unusable(self.path, error) from error


def connect(folder: Path) -> sqlite3.Connection:
    """Open the journal in ``folder``, made when it is not there. Raises StateError."""
    path = folder / "journal.db"
    try:
        _make(path, file_mode(folder))
        connection = sqlite3.connect(
            path, timeout=BUSY, isolation_level=None, check_same_thread=False
        )
        try:
            _prepare(connection)
        except BaseException:
            connection.close()
            raise
    except OSError as error:
        raise StateError(f"cannot open the journal {path}: {error.strerror}") from error
    except sqlite3.Error as error:
        raise _unusable(path, error) from error
    return connection


def _make(path: Path, mode: int) -> None:
    """Make an empty file with ``mode`` if there is none.

    One that is there is not opened: closing it would drop the locks that SQLite holds on it for
    the other connections of this process (https://sqlite.org/howtocorrupt.html, 2.2).
    """
    with _making:
        if path.is_symlink():
            raise StateError(f"{path} is a symbolic link", remedy="replace it by the file itself")
        if path.exists():
            if not path.is_file():
                raise StateError(f"{path} is not a regular file", remedy="remove it")
            return
        with contextlib.suppress(FileExistsError):
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            descriptor = os.open(path, flags, mode)
            os.fchmod(descriptor, mode)
            os.close(descriptor)


def _unusable(path: Path, error: sqlite3.Error) -> StateError:
    """The error of a database that cannot be used, with what to do."""
    if _is_busy(error):
        return StateError(
            f"cannot use the journal {path}: another process is writing to it and does not get on",
            remedy="wait and try again; `fuser` on the file names the process",
        )
    return StateError(
        f"cannot use the journal {path}: {sanitize(str(error))}",
        remedy="make room on its disk, or restore the file from a copy",
    )


def _is_busy(error: sqlite3.Error) -> bool:
    busy = isinstance(error, sqlite3.OperationalError)
    return busy and error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY


def begin(connection: sqlite3.Connection) -> None:
    """Take the write lock. On a slow disk others may hold it in turn for long: they get on.

    SQLite's own waiting is not fair: who asks again at once may always be served first.
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


def _prepare(connection: sqlite3.Connection) -> None:
    _use_wal(connection)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version < VERSION:
        version = _bring_up(connection)
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


def _bring_up(connection: sqlite3.Connection) -> int:
    """Make the tables that are missing, unless another process did meanwhile; the version then."""
    begin(connection)
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    for stage in _STAGES[version:]:
        for statement in filter(str.strip, stage.split(";\n")):
            connection.execute(statement)
    version = max(int(version), VERSION)
    connection.execute(f"PRAGMA user_version = {version}")
    connection.execute("COMMIT")
    return version
