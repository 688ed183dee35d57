"""Writes snapshots into a recording's file, one after the other.

Invariant: when ``write`` returns, the moment is committed; only changes since the previous moment
are encoded and stored. A part of a snapshot that is the same object did not change.

Every ``SEGMENT`` seconds a moment is stored whole, and the previous run is sealed.
"""

import json
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Final

from opsconsole.engine.recording.codec import Decoder, Encoder, layout
from opsconsole.engine.recording.database import (
    LEAST_GAP,
    RecordingError,
    connect_writer,
    failed,
)
from opsconsole.engine.recording.delta import Tree, diff
from opsconsole.engine.recording.event_rows import EventRows
from opsconsole.engine.recording.segment import line, pack, seal, unpack
from opsconsole.model.events import Event
from opsconsole.model.past.replay import Span
from opsconsole.model.snapshot import Snapshot

WATCH_EVERY: Final = 2.0
"""Seconds between two notes that it is looked at."""

SEGMENT: Final = 30.0
"""Seconds of moments in one segment, aligned to half minutes."""

_FIELDS: Final = tuple(field.name for field in fields(Snapshot))
_UNREADABLE: Final = (sqlite3.Error, zlib.error, OSError)


class Writer:
    """Writes the file at ``path``, whose lock this process holds.

    Every method raises RecordingError; after one, ``close`` it and make a new one.
    """

    def __init__(self, path: Path, mode: int = 0o600) -> None:
        self.path = path
        self.connection = connect_writer(path, mode)
        self._encoder = Encoder()
        self._before: Snapshot | None = None
        self._tree: list[Tree] = []
        self._segment = 0
        self._lines: list[bytes] = []
        self._at = 0.0
        self._watch: tuple[int, float] | None = None
        try:
            with self.transaction():
                self._layout = self._note_layout()
                decoder = Decoder(layout(Snapshot))
                self._events = EventRows(
                    self.connection,
                    self._layout,
                    self._encoder,
                    lambda data: decoder.decode(Event, json.loads(data)),
                )
                self._seal_left()
        except BaseException:
            self.connection.close()
            raise

    def write(self, snapshot: Snapshot) -> None:
        """Commit one moment."""
        at = snapshot.taken_at
        whole = not self._lines or at <= self._at or at // SEGMENT != self._at // SEGMENT
        with self.transaction():
            tree = self._encode(snapshot)
            one = line(at, tree if whole else diff(self._tree, tree))
            if whole:
                self._seal()
                self._begin(at)
            self.connection.execute(
                "INSERT INTO lines (segment, number, data) VALUES (?, ?, ?)",
                (self._segment, len(self._lines), pack(one)),
            )
            if not whole:
                # An old event may be added at any time; it is kept as long as the run that refers
                # to it.
                query = (
                    "UPDATE segments SET end = ?, first_event = min(first_event, ?) WHERE id = ?"
                )
                self.connection.execute(query, (at, self._events.first, self._segment))
        self._lines.append(one)
        self._before, self._tree, self._at = snapshot, tree, at

    def watching(self, now: float) -> None:
        """Note that it is looked at ``now``; a pause of more than ``LEAST_GAP`` is a gap."""
        if self._watch is not None and 0.0 <= now - self._watch[1] < WATCH_EVERY:
            return
        with self.transaction():
            if self._watch is not None and 0.0 <= now - self._watch[1] <= LEAST_GAP:
                number = self._watch[0]
                self.connection.execute("UPDATE watches SET end = ? WHERE id = ?", (now, number))
            else:
                query = "INSERT INTO watches (begin, end) VALUES (?, ?)"
                number = self.connection.execute(query, (now, now)).lastrowid or 0
        self._watch = number, now

    def end(self) -> None:
        """Seal the run that is open, after the last moment."""
        with self.transaction():
            self._seal()
        self._lines = []

    def span(self) -> Span | None:
        """The first and the last recorded moment."""
        try:
            query = "SELECT min(start), max(end) FROM segments"
            first, last = self.connection.execute(query).fetchone()
        except sqlite3.Error as error:
            raise failed(self.path, error) from error
        return None if first is None else Span(first, last)

    def close(self) -> None:
        """Close the file; what was committed stays, in one file if no reader has it open."""
        try:
            try:
                self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            finally:
                self.connection.close()
        except sqlite3.Error as error:
            raise failed(self.path, error) from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """A transaction: everything written in it is committed, or nothing."""
        try:
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self.connection.execute("COMMIT")
            except BaseException:
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
                raise
        except RecordingError:
            raise
        except _UNREADABLE as error:
            raise failed(self.path, error) from error

    def _encode(self, snapshot: Snapshot) -> list[Tree]:
        """The tree of a snapshot; unchanged parts are reused from the previous tree."""
        before = self._before
        tree: list[Tree] = []
        for index, name in enumerate(_FIELDS):
            value = getattr(snapshot, name)
            old = getattr(before, name) if before is not None else None
            if before is not None and value is old:
                tree.append(self._tree[index])
            elif name == "events":
                tree.append(self._events.numbers(value))
            elif before is None:
                tree.append(self._encoder.encode(value))
            else:
                tree.append(self._encoder.encode_beside(value, old, self._tree[index]))
        return tree

    def _begin(self, at: float) -> None:
        """Begin a new run at the moment ``at``."""
        cursor = self.connection.execute(
            "INSERT INTO segments (start, end, step, layout, first_event) VALUES (?, ?, 0, ?, ?)",
            (at, at, self._layout, self._events.first),
        )
        self._segment, self._lines = cursor.lastrowid or 0, []

    def _seal(self) -> None:
        if self._lines:
            self._store_sealed(self._segment, self._lines)

    def _store_sealed(self, segment: int, lines: list[bytes]) -> None:
        query = "UPDATE segments SET data = ? WHERE id = ?"
        self.connection.execute(query, (seal(lines), segment))
        self.connection.execute("DELETE FROM lines WHERE segment = ?", (segment,))

    def _seal_left(self) -> None:
        """Seal the run that a previous writer left open."""
        left = self.connection.execute("SELECT id FROM segments WHERE data IS NULL").fetchall()
        for (segment,) in left:
            query = "SELECT data FROM lines WHERE segment = ? ORDER BY number"
            rows = self.connection.execute(query, (segment,)).fetchall()
            self._store_sealed(segment, unpack(data for (data,) in rows))

    def _note_layout(self) -> int:
        """The number of this version's layout in the file."""
        fields = json.dumps(layout(Snapshot), separators=(",", ":"))
        self.connection.execute("INSERT OR IGNORE INTO layouts (fields) VALUES (?)", (fields,))
        query = "SELECT id FROM layouts WHERE fields = ?"
        return int(self.connection.execute(query, (fields,)).fetchone()[0])
