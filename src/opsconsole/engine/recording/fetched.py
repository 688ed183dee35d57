"""Reads what the console of another host recorded, as far as it is asked for.

Invariant: what it gives is what a recording of this host would give; what is not there is fetched
within ``WITHIN`` seconds, or StateError says why not. All of it is hostile: hashes, sizes, numbers
and types are checked, and nothing of it is written to a disk. At most ``KEPT`` bytes of moments and
``EVENTS_KEPT`` events are held, beside the list of what there is.
"""

import json
import queue
import sqlite3
import threading
import time
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

from opsconsole.engine.recording.archive import Archive, Run
from opsconsole.engine.recording.codec import Decoder, Layout
from opsconsole.engine.recording.database import connect_memory
from opsconsole.engine.recording.segment import unseal
from opsconsole.errors import StateError
from opsconsole.model.events import Event
from opsconsole.model.past.replay import Span
from opsconsole.model.snapshot import Snapshot
from opsconsole.operations.shared_recordings import Piece, PieceKind, SharedRecordings
from opsconsole.text import sanitize

WITHIN: Final = 3.0
"""Seconds for which a reader waits for the server."""

KEPT: Final = 16 * 1024 * 1024
EVENTS_KEPT: Final = 20_000

LIVE: Final = 60.0
"""Seconds of silence from which on a recorder has gone: until then it is about to send more."""

_LAYOUT: Final = 1024 * 1024
_CHUNK: Final = 16 * 1024 * 1024
"""Bytes that a layout, and some events, are unpacked to at most."""

_TOGETHER: Final = 4 * _CHUNK
"""Bytes of events that are unpacked for one question; of more, the latest."""

_WAITING: Final = 8
_LISTED: Final = 40_000

T = TypeVar("T")


class Fetching:
    """Asks the server in one thread of its own; who waits is given up on, the thread never."""

    def __init__(self, within: float = WITHIN) -> None:
        self._within = within
        self._calls: queue.Queue[tuple[Callable[[], Any], Future[Any]] | None] = queue.Queue(
            _WAITING
        )
        self._thread: threading.Thread | None = None

    def begin(self, call: Callable[[], T]) -> "Future[T]":
        """Have ``call`` made. Raises StateError where too much waits already."""
        answer: Future[T] = Future()
        try:
            self._calls.put_nowait((call, answer))
        except queue.Full:
            raise StateError(
                "the state in PostgreSQL does not answer", remedy="try again"
            ) from None
        if self._thread is None:
            self._thread = threading.Thread(target=self._live, name="recordings", daemon=True)
            self._thread.start()
        return answer

    def ask(self, call: Callable[[], T]) -> T:
        """What ``call`` gives. Raises what it raises, and StateError where it takes too long."""
        try:
            return self.begin(call).result(self._within)
        except TimeoutError:
            raise StateError(
                f"the state in PostgreSQL does not answer within {self._within:g} s",
                remedy="try again, or look at the server",
            ) from None

    def close(self) -> None:
        """Make no more calls; idempotent."""
        if self._thread is not None:
            self._thread = None
            with suppress(queue.Full):  # of a server that hangs: it ends with the process
                self._calls.put_nowait(None)

    def _live(self) -> None:
        while (asked := self._calls.get()) is not None:
            call, answer = asked
            try:
                answer.set_result(call())
            except BaseException as error:  # noqa: BLE001 - raised again where it is asked for
                answer.set_exception(error)


class FetchedArchive(Archive):
    """The recording of another that is called ``id``; ``by`` says whose looks they are."""

    def __init__(self, id_: str, by: str, recordings: SharedRecordings, fetching: Fetching) -> None:
        super().__init__(Path(id_))
        self.id, self.by = id_, by
        self._silent_since = 0.0
        self._name = f"of {by}"
        self._recordings, self._fetching = recordings, fetching
        self._pieces: dict[tuple[PieceKind, int], Piece] = {}
        self._is_new = True
        self._data: OrderedDict[int, bytes] = OrderedDict()
        self._loaded: set[int] = set()

    def learn(self, pieces: Iterable[Piece], silent: float, *, all_of_it: bool) -> None:
        """Know what there is: ``all_of_it``, or what has come since; quiet for ``silent`` s."""
        with self._lock:
            self._silent_since = time.monotonic() - silent
            known = {} if all_of_it else dict(self._pieces)
            for piece in sorted(pieces, key=_age):
                known[piece.kind, piece.number] = piece
            if len(known) > _LISTED:
                kept = sorted(known.values(), key=_age)[-_LISTED:]
                known = {(each.kind, each.number): each for each in kept}
            if known != self._pieces:
                self._pieces, self._is_new = known, True

    def watched(self, until: float) -> tuple[Span, ...]:
        """As it was sent; one who is about to send more still looks."""
        found = super().watched(until)
        if found and time.monotonic() - self._silent_since < LIVE:
            end = max(found[-1].end, min(until, found[-1].end + LIVE))
            return (*found[:-1], replace(found[-1], end=end))
        return found

    def at(self, moment: float) -> Snapshot | None:
        """The snapshot of the newest recorded moment not after ``moment``."""
        return self._steady(partial(super().at, moment))

    def neighbour(self, moment: float, step: int) -> float | None:
        """The next recorded moment after ``moment``, or before it if ``step`` is negative."""
        return self._steady(partial(super().neighbour, moment, step))

    def events(self, since: float, until: float, service: str = "") -> tuple[Event, ...]:
        """The events from ``since`` to ``until``, oldest first; of one service, or of all."""
        with self._reading() as connection:
            if connection is not None:
                self._load(connection, lambda each: each.begin <= until and each.end >= since)
        return super().events(since, until, service)

    def close(self) -> None:
        """Forget what was fetched."""
        with self._lock:
            super().close()
            self._data.clear()
            self._loaded.clear()
            self._is_new = True

    def _open(self) -> sqlite3.Connection | None:
        if self._connection is None:
            self._connection = connect_memory()
        if self._is_new:
            _list(self._connection, self._pieces.values())
            self._is_new = False
        return self._connection

    def _lines(self, connection: sqlite3.Connection, run: Run) -> list[bytes]:
        data = self._data.get(run.id)
        if data is None:
            data = self._fetched(PieceKind.SEGMENT, run.id)
            self._data[run.id] = data
            while len(self._data) > 1 and sum(map(len, self._data.values())) > KEPT:
                self._data.popitem(last=False)
        self._data.move_to_end(run.id)
        return unseal(data)

    def _fields(self, connection: sqlite3.Connection, number: int) -> str:
        return _unpacked(self._fetched(PieceKind.LAYOUT, number), _LAYOUT)

    @staticmethod
    def _decoder(layout: Layout) -> Decoder:
        return Decoder(layout, strict=True)

    def _numbered(self, connection: sqlite3.Connection, runs: list[list[int]]) -> tuple[Event, ...]:
        self._load(
            connection,
            lambda each: any(first <= each.more and each.number <= last for first, last in runs),
        )
        return super()._numbered(connection, runs)

    def _steady(self, call: Callable[[], T]) -> T:
        """What ``call`` gives, by a new list where the one that is known is out of date."""
        try:
            return call()
        except GoneError:
            pieces, _ = self._fetching.ask(partial(self._recordings.pieces, self.id))
            with self._lock:
                self._pieces = {(each.kind, each.number): each for each in pieces}
                self._is_new = True
            return call()

    def _fetched(self, kind: PieceKind, number: int) -> bytes:
        piece = self._pieces.get((kind, number))
        call = None if piece is None else partial(self._recordings.data, self.id, piece)
        data = None if call is None else self._fetching.ask(call)
        if data is None:
            raise GoneError(self.by)
        return data

    def _load(self, connection: sqlite3.Connection, wanted: Callable[[Piece], bool]) -> None:
        """Have the events of the pieces that are ``wanted``."""
        lacking = [
            each.number
            for each in self._pieces.values()
            if each.kind is PieceKind.EVENTS and each.number not in self._loaded and wanted(each)
        ]
        if not lacking:
            return
        call = partial(self._recordings.events, self.id, min(lacking), max(lacking))
        found = self._fetching.ask(call)
        held = connection.execute("SELECT count(*) FROM events").fetchone()[0]
        if held > EVENTS_KEPT:
            connection.execute("DELETE FROM events")
            self._loaded.clear()
        left = _TOGETHER
        for piece, data in found:
            if piece.number not in self._loaded and left > 0:
                left -= _insert(connection, piece, data)
        self._loaded.update(lacking)


class GoneError(StateError):
    """What was asked for is no longer kept."""

    def __init__(self, by: str) -> None:
        super().__init__(f"what {sanitize(by)} recorded then was just thinned", remedy="try again")


def _age(piece: Piece) -> tuple[bool, float]:
    """The oldest first; without layouts nothing is read, and they are the last to be given up."""
    return piece.kind is PieceKind.LAYOUT, piece.end


def _list(connection: sqlite3.Connection, pieces: Iterable[Piece]) -> None:
    """Have the tables say what there is."""
    connection.execute("DELETE FROM segments")
    connection.execute("DELETE FROM watches")
    for each in pieces:
        if each.kind is PieceKind.SEGMENT:
            query = (
                "INSERT INTO segments (id, start, end, step, layout, first_event)"
                " VALUES (?, ?, ?, 0, ?, 0)"
            )
            connection.execute(query, (each.number, each.begin, each.end, each.more))
        elif each.kind is PieceKind.WATCH:
            query = "INSERT INTO watches (id, begin, end) VALUES (?, ?, ?)"
            connection.execute(query, (each.number, each.begin, each.end))


def _insert(connection: sqlite3.Connection, piece: Piece, data: bytes) -> int:
    """Have the events of a piece, whose numbers must be those that it says; returns how long they
    are. Raises ValueError."""
    text = _unpacked(data, _CHUNK)
    for row in json.loads(text):
        number, at, service, layout, said = row
        kinds = (int, float, str, int, str)
        if not all(map(isinstance, row, kinds)) or not piece.number <= number <= piece.more:
            raise ValueError("events of it are none")
        connection.execute(
            "INSERT OR REPLACE INTO events (id, at, service, layout, data) VALUES (?, ?, ?, ?, ?)",
            (number, at, service, layout, said),
        )
    return len(text)


def _unpacked(data: bytes, most: int) -> str:
    reader = zlib.decompressobj()
    content = reader.decompress(data, most)
    if not reader.eof:
        raise zlib.error("it is cut off, or unpacks to too much")
    return content.decode("utf-8")
