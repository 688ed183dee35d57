"""Sends what this host records to the state that several hosts share, in a thread of its own.

Invariant: the server has of a recording what its file has, some seconds later: what is sealed is
added, the newest first, and what the file no longer keeps is removed. The file alone counts: it is
only read here, nobody who writes it waits, and where the server cannot be reached nothing is lost
but the wait. One round reads one piece at a time, and sends ``AT_ONCE`` bytes at most.
"""

import json
import sqlite3
import threading
import zlib
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Final

from opsconsole.engine.recording.database import connect_reader, failed, identity_of
from opsconsole.errors import StateError
from opsconsole.operations.shared_recordings import (
    LARGEST,
    Label,
    Piece,
    PieceKind,
    SharedRecordings,
)
from opsconsole.operations.who import whoami

EVERY: Final = 15.0
"""Seconds between two rounds; a run is sealed every half minute."""

AT_ONCE: Final = 32 * 1024 * 1024
PATIENCE: Final = 4
"""Rounds in a row that may fail before it is said."""

_EVENTS: Final = 2_000
_AGED_EVERY: Final = 40
"""Rounds between two looks for what is older than it is kept."""


class Sharing:
    """Sends the recording at ``path``, which this process writes. Use it once.

    ``environment`` is whose services are recorded, ``keep`` for how many seconds.
    """

    def __init__(
        self,
        path: Path,
        recordings: SharedRecordings,
        environment: str,
        keep: float,
        *,
        every: float = EVERY,
    ) -> None:
        self._path = path
        self._recordings = recordings
        self._environment, self._keep = environment, keep
        self._every = every
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._live, name="recorder-sharing", daemon=True)
        self._id = ""
        self._there: set[Piece] = set()
        self._rounds = self._failures = 0
        self._said = ""

    @property
    def fault(self) -> str:
        """Why others do not see what is recorded; '' while they do, or soon will."""
        return self._said if self._failures >= PATIENCE else ""

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def close(self, within: float) -> None:
        """Send what was sealed last, and end; give up waiting after ``within`` seconds, and at once
        where the server did not answer before."""
        self._ending.set()
        self._thread.join(0.0 if self._failures else within)

    def round(self) -> None:
        """Send what is new, and remove what is gone. Raises StateError."""
        connection = connect_reader(self._path)
        if connection is None:
            return
        with closing(connection):
            try:
                self._send(connection)
            except (sqlite3.Error, ValueError) as error:
                raise failed(self._path, error) from error

    def _live(self) -> None:
        try:
            while not self._ending.is_set():
                self._attempt()
                self._ending.wait(self._every)
            self._attempt()
        finally:
            self._recordings.close()

    def _attempt(self) -> None:
        try:
            self.round()
            self._failures, self._said = 0, ""
        except StateError as error:
            self._missed(str(error))
        except Exception as error:  # noqa: BLE001 - the boundary of a thread of its own
            self._missed(f"internal error: {type(error).__name__}; please report it")

    def _missed(self, said: str) -> None:
        self._failures, self._said = self._failures + 1, said
        self._id = ""

    def _send(self, connection: sqlite3.Connection) -> None:
        if not self._id and not self._joined(connection):
            return
        here = _pieces(connection)
        new = sorted(here - self._there, key=_in_turn)
        if any(each.kind is PieceKind.SEGMENT for each in new):
            self._send_events(connection)
        left = self._send_new(connection, new)
        if not left:
            first = connection.execute("SELECT min(id) FROM events").fetchone()[0]
            self._drop(each for each in self._there - here if _is_gone(each, first))
        if self._rounds % _AGED_EVERY == 0:
            self._recordings.drop_aged(self._id)
        self._rounds += 1

    def _joined(self, connection: sqlite3.Connection) -> bool:
        """Whether it could join the others; a role that may only look does not."""
        who = whoami()
        found = identity_of(connection, who.host)
        if not found or not self._recordings.may_send():
            return False
        label = Label(found, self._environment, f"{who.name}@{who.host}", self._keep)
        self._recordings.join(label)
        pieces, _ = self._recordings.pieces(found)
        self._id, self._there = found, set(pieces)
        return True

    def _send_events(self, connection: sqlite3.Connection) -> None:
        """Before the moments that refer to them."""
        sent = max((each.more for each in self._there if each.kind is PieceKind.EVENTS), default=0)
        query = "SELECT id, at, service, layout, data FROM events WHERE id > ? ORDER BY id LIMIT ?"
        while rows := connection.execute(query, (sent, _EVENTS)).fetchall():
            times, sent = [at for _, at, *_ in rows], rows[-1][0]
            piece = Piece(PieceKind.EVENTS, rows[0][0], min(times), max(times), sent)
            self._put(piece, zlib.compress(json.dumps(rows, separators=(",", ":")).encode()))

    def _send_new(self, connection: sqlite3.Connection, new: list[Piece]) -> list[Piece]:
        """Send some; returns those that are left for the next round."""
        sent = 0
        for number, piece in enumerate(new):
            if sent >= AT_ONCE or (sent and self._ending.is_set()):
                return new[number:]
            data = _data_of(connection, piece)
            if data is not None:
                self._put(piece, data)
                sent += len(data)
        return []

    def _put(self, piece: Piece, data: bytes) -> None:
        if len(data) <= LARGEST:
            self._recordings.put(self._id, piece, data)
        self._there.add(piece)

    def _drop(self, gone: Iterable[Piece]) -> None:
        for piece in list(gone):
            self._recordings.drop(self._id, piece)
            self._there.discard(piece)


def _pieces(connection: sqlite3.Connection) -> set[Piece]:
    """All that the file holds, but for events and what is being recorded."""
    found: set[Piece] = set()
    for kind, query in (
        (PieceKind.LAYOUT, "SELECT id, 0.0, 0.0 FROM layouts"),
        (PieceKind.WATCH, "SELECT id, begin, end FROM watches"),
        (PieceKind.SEGMENT, "SELECT id, start, end, layout FROM segments WHERE data IS NOT NULL"),
    ):
        found.update(Piece(kind, *row) for row in connection.execute(query).fetchall())
    return found


def _in_turn(piece: Piece) -> tuple[bool, bool, float]:
    """Layouts first, then segments, the newest first, and when it was looked at once they are
    there."""
    return piece.kind is PieceKind.WATCH, piece.kind is PieceKind.SEGMENT, -piece.end


def _is_gone(piece: Piece, first_event: int | None) -> bool:
    if piece.kind is PieceKind.EVENTS:
        return first_event is None or piece.more < first_event
    return True


def _data_of(connection: sqlite3.Connection, piece: Piece) -> bytes | None:
    """What a piece holds; None where the file has just lost it."""
    match piece.kind:
        case PieceKind.SEGMENT:
            row = connection.execute("SELECT data FROM segments WHERE id = ?", (piece.number,))
            return next((data for (data,) in row.fetchall()), None)
        case PieceKind.LAYOUT:
            row = connection.execute("SELECT fields FROM layouts WHERE id = ?", (piece.number,))
            return next((zlib.compress(each.encode()) for (each,) in row.fetchall()), None)
        case PieceKind.WATCH | PieceKind.EVENTS:
            return b""
