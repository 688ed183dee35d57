"""What the consoles of several hosts recorded, in a PostgreSQL: each recording by its pieces.

Invariant: a piece is added whole or not at all, never changed, and removed when its recorder no
longer keeps it, or by age where that one is gone. What is read is of others: its bounds are kept
here, and its hash is compared; what it says is for the reader to judge. Nothing here is in the
order of operations, and no writer of them waits for it.
"""

import hashlib
import math
from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.errors import StateError
from opsconsole.operations.database import Row
from opsconsole.operations.locks.renewing import Line
from opsconsole.text import sanitize

LARGEST: Final = 64 * 1024 * 1024
"""Bytes of a piece at most; the table holds it too."""

_MOST: Final = 20_000
_RECORDINGS: Final = 16
_CHUNKS: Final = 2_000
_SHOWN: Final = 100
_OVERLAP: Final = 30.0
"""Seconds for which an addition may be on its way while others are listed."""


class PieceKind(StrEnum):
    """What a piece is: a sealed segment, some events, a layout, or when somebody looked."""

    SEGMENT = "segment"
    EVENTS = "events"
    LAYOUT = "layout"
    WATCH = "watch"


@dataclass(frozen=True, slots=True)
class Piece:
    """One part of a recording, from ``begin`` to ``end`` in its recorder's Unix seconds.

    ``number`` is that of its row in the recorder's file, of events the first; ``more`` is the
    segment's layout, or the number of the last event.
    """

    kind: PieceKind
    number: int
    begin: float
    end: float
    more: int = 0


@dataclass(frozen=True, slots=True)
class Label:
    """Whose recording it is: of which environment, seen by whom, and for how many seconds kept."""

    id: str
    environment: str
    seen_by: str
    keep: float


@dataclass(frozen=True, slots=True)
class Listed:
    """A recording of another, ``silent`` for so many seconds by the server's clock."""

    id: str
    seen_by: str
    silent: float


_MAY_SEND: Final = (
    "SELECT has_table_privilege('opsconsole.recorded', 'INSERT') AND NOT pg_is_in_recovery()"
)
_JOIN: Final = (
    "INSERT INTO recordings (id, environment, seen_by, keep) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (id) DO UPDATE SET keep = excluded.keep"
)
_PUT: Final = (
    "INSERT INTO recorded (recording, kind, number, starts_at, ends_at, more, hash, data)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
)
_DROP: Final = (
    "DELETE FROM recorded WHERE recording = ? AND kind = ? AND number = ? AND ends_at = ?"
)
_DROP_AGED: Final = (
    "DELETE FROM recorded WHERE kind <> 'layout' AND ends_at <"
    " extract(epoch from clock_timestamp())"
    " - (SELECT keep FROM recordings WHERE id = recorded.recording)"
)
_DROP_EMPTY: Final = (
    "DELETE FROM recordings WHERE id <> ? AND joined_at < clock_timestamp() - interval '1 hour'"
    " AND NOT EXISTS (SELECT 1 FROM recorded WHERE recording = recordings.id AND kind = 'segment')"
)
_OTHERS: Final = (
    "SELECT id, seen_by, coalesce(extract(epoch from clock_timestamp() -"
    " (SELECT max(sent_at) FROM recorded WHERE recording = recordings.id)), 1e9)::float8"
    " FROM recordings WHERE environment = ? AND id <> ? ORDER BY 3, id LIMIT ?"
)
_PIECES: Final = (
    "SELECT kind, number, starts_at, ends_at, more,"
    " extract(epoch from sent_at)::float8 FROM recorded"
    " WHERE recording = ? AND sent_at >= to_timestamp(?)"
    " ORDER BY kind = 'layout' DESC, ends_at DESC LIMIT ?"  # without its layout nothing is read
)
_DATA: Final = (
    "SELECT hash, data FROM recorded"
    " WHERE recording = ? AND kind = ? AND number = ? AND ends_at = ?"
)
_CHUNKED: Final = (
    "SELECT kind, number, starts_at, ends_at, more, hash, data FROM recorded WHERE recording = ?"
    " AND kind = 'events' AND number BETWEEN ? AND ? ORDER BY number DESC LIMIT ?"
)


class SharedRecordings:
    """The recordings where ``line`` leads. Each method asks the server, and raises StateError."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def close(self) -> None:
        """Release the connection; idempotent."""
        self._line.close()

    def may_send(self) -> bool:
        """Whether this role may add to them, where the server takes changes."""
        return bool(self._line.read(_MAY_SEND)[0][0])

    def join(self, label: Label) -> None:
        """Be one of the recordings."""
        self._line.once(_JOIN, (label.id, label.environment, label.seen_by, label.keep))

    def put(self, recording: str, piece: Piece, data: bytes) -> None:
        """Add a piece of at most ``LARGEST`` bytes; nothing where it is there already."""
        row = (piece.kind.value, piece.number, piece.begin, piece.end, piece.more)
        self._line.once(_PUT, (recording, *row, _hash(data), data))

    def drop(self, recording: str, piece: Piece) -> None:
        """Remove a piece."""
        self._line.once(_DROP, (recording, piece.kind.value, piece.number, piece.end))

    def drop_aged(self, own: str) -> None:
        """Remove what is older than its recorder keeps it, and what is left of recordings."""
        self._line.once(_DROP_AGED)
        self._line.once(_DROP_EMPTY, (own,))

    def others(self, environment: str, own: str) -> tuple[Listed, ...]:
        """The recordings of ``environment`` but for ``own``, the liveliest first."""
        rows = self._line.read(_OTHERS, (environment, own, _RECORDINGS))
        return tuple(
            Listed(id_, sanitize(seen_by, limit=_SHOWN) or "somebody", silent)
            for id_, seen_by, silent in rows
        )

    def pieces(self, recording: str, since: float = 0.0) -> tuple[frozenset[Piece], float]:
        """The pieces that were added ``since``, and since when to ask for more the next time."""
        rows = self._line.read(_PIECES, (recording, since, _MOST))
        latest = max((row[5] for row in rows), default=since + _OVERLAP)
        return frozenset(_pieces(rows)), latest - _OVERLAP

    def data(self, recording: str, piece: Piece) -> bytes | None:
        """What is in a piece; None where it is no longer there."""
        rows = self._line.read(_DATA, (recording, piece.kind.value, piece.number, piece.end))
        return _checked(*rows[0]) if rows else None

    def events(self, recording: str, first: int, last: int) -> tuple[tuple[Piece, bytes], ...]:
        """The pieces of events whose numbers are between two; the latest of too many."""
        rows = self._line.read(_CHUNKED, (recording, first, last, _CHUNKS))
        return tuple((_piece(row), _checked(*row[5:])) for row in rows)


def _pieces(rows: Iterable[Row]) -> Iterable[Piece]:
    """Those that this version knows, and that are of some time."""
    known = {each.value for each in PieceKind}
    found = (_piece(row) for row in rows if row[0] in known)
    return (each for each in found if math.isfinite(each.begin) and each.begin <= each.end < 1e12)


def _piece(row: Row) -> Piece:
    return Piece(PieceKind(row[0]), *row[1:5])


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _checked(hash_: str, data: bytes) -> bytes:
    if _hash(data) != hash_:
        raise StateError(
            "what another host recorded is not what it sent", remedy="look at who wrote it"
        )
    return data
