"""The file of a recording: its tables, how it is opened, and what its errors mean.

Invariant: a committed moment survives the process, however that ends (WAL; synchronous NORMAL: a
machine that loses power may lose the last seconds, never the file). A reader never waits for the
writer. A file of a later version is refused. Who shares the state may have written it: no view and
no trigger of it is run.

* ``segments``  runs of moments; ``data`` is NULL while one is being recorded
* ``lines``     the moments of a segment that is not sealed yet
* ``events`` the events, each once
* ``layouts`` the order in which the model's fields are written
* ``watches`` when a console looked, from when to when; between them nobody did. A file that was
  begun by an earlier version has none of the time before
* ``identity`` what the recording is known by where several hosts share theirs
"""

import hashlib
import os
import secrets
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from opsconsole import durable
from opsconsole.errors import StateError
from opsconsole.operations.journal.sqlite_database import distrust
from opsconsole.text import sanitize

VERSION: Final = 1
BUSY: Final = 2.0
"""Seconds to wait for another process's short lock, such as while the file is created."""

LEAST_GAP: Final = 10.0
"""Seconds in which nobody looked from which on it is a gap; a console takes over within one."""

LONGEST: Final = 128 * 1024 * 1024
"""Bytes of one packed segment."""

PAGE: Final = 8192
_LOG_LIMIT: Final = 4 << 20
_LOG_PAGES: Final = _LOG_LIMIT // PAGE

_TABLES: Final = """
CREATE TABLE layouts (
  id INTEGER PRIMARY KEY,
  fields TEXT NOT NULL UNIQUE
) STRICT;
CREATE TABLE segments (
  id INTEGER PRIMARY KEY,
  start REAL NOT NULL,
  end REAL NOT NULL,
  step REAL NOT NULL,
  layout INTEGER NOT NULL REFERENCES layouts (id),
  first_event INTEGER NOT NULL,
  data BLOB
) STRICT;
CREATE INDEX segments_by_time ON segments (start, id, end, step, layout);
CREATE INDEX segments_by_step ON segments (step, start);
CREATE TABLE lines (
  segment INTEGER NOT NULL REFERENCES segments (id),
  number INTEGER NOT NULL,
  data BLOB NOT NULL,
  PRIMARY KEY (segment, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE events (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at REAL NOT NULL,
  service TEXT NOT NULL,
  layout INTEGER NOT NULL REFERENCES layouts (id),
  data TEXT NOT NULL
) STRICT;
CREATE INDEX events_by_time ON events (at, service);
"""

_WATCHES: Final = """
CREATE TABLE IF NOT EXISTS watches (
  id INTEGER PRIMARY KEY,
  begin REAL NOT NULL,
  end REAL NOT NULL
) STRICT
"""
_IDENTITY: Final = """
CREATE TABLE IF NOT EXISTS identity (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  word TEXT NOT NULL
) STRICT
"""

_DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_REMEDIES: Final = {
    sqlite3.SQLITE_FULL: "make room on its disk; recording goes on by itself",
    sqlite3.SQLITE_READONLY: "make its folder writable; recording goes on by itself",
    sqlite3.SQLITE_CANTOPEN: "make its folder writable; recording goes on by itself",
    sqlite3.SQLITE_IOERR: "look at its disk; recording goes on by itself",
}


class RecordingError(StateError):
    """The recording cannot be read or written. ``damaged``: its file is corrupt."""

    def __init__(self, what: str, *, remedy: str = "", damaged: bool = False) -> None:
        super().__init__(what, remedy=remedy)
        self.damaged = damaged


def failed(path: Path | str, error: Exception, then: str = "it is set aside") -> RecordingError:
    """The classified error of a call that SQLite, zlib or the system refused.

    ``then`` says what happens to a corrupt file.
    """
    said = getattr(error, "strerror", None) or str(error)
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    damaged = code in _DAMAGED or not isinstance(error, (sqlite3.Error, OSError))
    remedy = then if damaged else _REMEDIES.get(code, "look at its disk")
    return RecordingError(
        f"cannot use the recording {path}: {sanitize(said)}", remedy=remedy, damaged=damaged
    )


def connect_writer(path: Path, mode: int) -> sqlite3.Connection:
    """Open ``path`` for recording; creates it if it does not exist. Raises RecordingError.

    Call it only while holding the recording's lock.
    """
    try:
        _make(path, mode)
        connection = sqlite3.connect(
            path, timeout=BUSY, isolation_level=None, check_same_thread=False
        )
        try:
            distrust(connection, LONGEST)
            _prepare(connection, path)
        except BaseException:
            connection.close()
            raise
    except (OSError, sqlite3.Error) as error:
        raise failed(path, error) from error
    return connection


def connect_reader(path: Path) -> sqlite3.Connection | None:
    """Open ``path`` for reading; None if it does not exist yet. Raises RecordingError."""
    if not path.exists():
        return None
    try:
        durable.check_database(path)
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro",
            uri=True,
            timeout=BUSY,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            distrust(connection, LONGEST)
            version = _version(connection, path)
        except BaseException:
            connection.close()
            raise
    except (OSError, sqlite3.Error) as error:
        raise failed(path, error) from error
    if version == 0:
        connection.close()
        return None
    return connection


def connect_memory() -> sqlite3.Connection:
    """The same tables, empty and of this process alone."""
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    distrust(connection, LONGEST)
    for statement in filter(str.strip, (*_TABLES.split(";\n"), _WATCHES)):
        connection.execute(statement)
    return connection


def identity_of(connection: sqlite3.Connection, host: str) -> str:
    """What the recording is known by on ``host``; '' where its version has nothing.

    A file that was copied to another host is another recording there.
    """
    table = "SELECT 1 FROM sqlite_master WHERE name = 'identity'"
    if connection.execute(table).fetchone() is None:
        return ""
    row = connection.execute("SELECT word FROM identity").fetchone()
    return "" if row is None else hashlib.sha256(f"{row[0]}\n{host}".encode()).hexdigest()[:32]


def size_of(path: Path) -> int:
    """Bytes on the disk, SQLite's log included."""
    total = 0
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        try:
            total += path.with_name(name).stat().st_size
        except FileNotFoundError:
            continue
    return total


def set_aside(path: Path, now: float) -> Path:
    """Rename a damaged recording and its side files. Returns the new path. Raises OSError."""
    aside = path.with_name(f"{path.name}.damaged-{int(now)}")
    number = 0
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.damaged-{int(now)}-{number}")
    for suffix in ("-wal", "-shm", ""):
        part = path.with_name(f"{path.name}{suffix}")
        if part.exists():
            part.rename(aside.with_name(f"{aside.name}{suffix}"))
    return aside


def _make(path: Path, mode: int) -> None:
    durable.check_database(path)
    if not path.exists():
        os.close(durable.open_file(path, os.O_RDWR, mode))


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    # These settings must come before the first table is created.
    if connection.execute("PRAGMA page_count").fetchone() == (0,):
        connection.execute(f"PRAGMA page_size = {PAGE}")
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    version = _version(connection, path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute(f"PRAGMA journal_size_limit = {_LOG_LIMIT}")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}")
    if version == 0:
        connection.execute("BEGIN IMMEDIATE")
        for statement in filter(str.strip, _TABLES.split(";\n")):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    connection.execute(_WATCHES)
    connection.execute(_IDENTITY)
    mark = "INSERT INTO identity SELECT 1, ? WHERE NOT EXISTS (SELECT 1 FROM identity)"
    connection.execute(mark, (secrets.token_hex(16),))


def _version(connection: sqlite3.Connection, path: Path) -> int:
    with closing(connection.execute("PRAGMA user_version")) as cursor:
        version = int(cursor.fetchone()[0])
    if version > VERSION:
        raise RecordingError(
            f"the recording {path} has version {version}, this console knows {VERSION}",
            remedy="use the version of the console that wrote it, or move it away",
        )
    return version
