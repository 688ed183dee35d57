"""Reads a recording.

Invariant: it never writes and never delays the writer; ``at`` returns exactly the snapshot that was
shown at that moment. Its methods block: call them from threads of your own.
"""

import gc
import json
import math
import sqlite3
import threading
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.engine.recording import older_places
from opsconsole.engine.recording.codec import Decoder, Layout
from opsconsole.engine.recording.database import LEAST_GAP, connect_reader, failed
from opsconsole.engine.recording.delta import Tree
from opsconsole.engine.recording.figures import FigureReader
from opsconsole.engine.recording.segment import moment_of, tree_at, unpack, unseal, walk
from opsconsole.errors import StateError
from opsconsole.model.events import Event
from opsconsole.model.past.recording import FleetFigures
from opsconsole.model.past.replay import Gap, SeenBy, Span
from opsconsole.model.snapshot import Snapshot

_LOST: Final = "what is damaged in it cannot be shown"

_LAYOUTS_KEPT: Final = 16
_EVENTS_KEPT: Final = 20_000
"""Number of decoded events in the cache; the same ones are needed again and again."""

_BEFORE: Final = """
start <= :first AND end >=
  (SELECT max(iif(end <= :first, end, start)) FROM segments WHERE start <= :first)"""
_AFTER: Final = """
end > :first AND start <=
  (SELECT min(iif(start > :first, start, end)) FROM segments WHERE end > :first)"""
_WITHIN: Final = "end >= :first AND start <= :last"

_MOST_EVENTS: Final = 100_000
"""Events of one moment at most."""

_UNREADABLE: Final = (
    sqlite3.Error,
    zlib.error,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What reading a damaged recording raises."""


@dataclass(frozen=True, slots=True)
class Run:
    """One segment, without its data."""

    id: int
    start: float
    end: float
    layout: int


@dataclass(frozen=True, slots=True)
class _Version:
    """The layout that a part of the file was written in, and its decoders."""

    layout: Layout
    decoder: Decoder
    figures: FigureReader


class Archive:
    """The recording at ``path``, opened at the first call. Every method raises StateError.

    A recording that does not exist yet is empty, which is not an error. Several threads may call
    it; calls are answered one after the other.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._name: Path | str = path
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._versions: dict[int, _Version] = {}
        self._events: dict[int, Event] = {}

    @property
    def lacks(self) -> str:
        """'': all of it is in the file."""
        return ""

    def seen_by(self, since: float, until: float) -> tuple[SeenBy, ...]:
        """Where what another host saw is shown: nowhere."""
        return ()

    def span(self) -> Span | None:
        """The first and the last recorded moment; None where there is none."""
        with self._reading() as connection:
            if connection is None:
                return None
            first, last = connection.execute("SELECT min(start), max(end) FROM segments").fetchone()
        return None if first is None else Span(first, last)

    def at(self, moment: float) -> Snapshot | None:
        """The snapshot of the newest recorded moment not after ``moment``; None if there is none.

        ``taken_at`` of the snapshot is that moment; it may be long before if nothing was recorded
        in between.
        """
        with self._reading() as connection, _uncollected():
            found = None if connection is None else self._before(connection, moment)
            if connection is None or found is None:
                return None
            run, lines = found
            tree = tree_at(lines, moment)
            if tree is None:
                return None
            return self._snapshot(connection, self._version(connection, run.layout), tree[1])

    def neighbour(self, moment: float, step: int) -> float | None:
        """The next recorded moment after ``moment``, or before it if ``step`` is negative."""
        with self._reading() as connection:
            if connection is None:
                return None
            if step > 0:
                later = self._runs(connection, _AFTER, moment)
                return min(
                    (self._first_after(connection, run, moment) for run in later), default=None
                )
            just = math.nextafter(moment, -math.inf)
            found = self._before(connection, just)
            return None if found is None else _newest(found[1], just)

    def gaps(self, since: float, until: float) -> tuple[Gap, ...]:
        """The stretches from ``since`` to ``until`` in which nobody looked, oldest first.

        Of a time before the recording, and of the time that an earlier version of the console
        recorded, none is known.
        """
        return tuple(between(self.watched(until), since, until))

    def watched(self, until: float) -> tuple[Span, ...]:
        """The stretches in which somebody looked that began before ``until``, oldest first.

        All that an earlier version of the console recorded counts as looked at.
        """
        with self._reading() as connection:
            if connection is None:
                return ()
            query = "SELECT min(start), max(end) FROM segments"
            first, last = connection.execute(query).fetchone()
            table = "SELECT 1 FROM sqlite_master WHERE name = 'watches'"
            rows: list[tuple[float, float]] = []
            if connection.execute(table).fetchone():
                query = "SELECT begin, end FROM watches WHERE begin <= ? ORDER BY begin"
                rows = connection.execute(query, (until,)).fetchall()
        return tuple(_spans(rows, first, last))

    def events(self, since: float, until: float, service: str = "") -> tuple[Event, ...]:
        """The events from ``since`` to ``until``, oldest first; of one service, or of all."""
        with self._reading() as connection:
            if connection is None:
                return ()
            rows = connection.execute(
                "SELECT id, layout, data FROM events"
                " WHERE at BETWEEN ? AND ? AND ? IN ('', service) ORDER BY at, id",
                (since, until, service),
            )
            return tuple(self._event(connection, *row) for row in rows.fetchall())

    def services(self, since: float, until: float, every: float = 0.0) -> Iterator[FleetFigures]:
        """The figures of all services at each recorded moment, oldest first.

        ``every`` is the minimum number of seconds between two of them. No lock is held between two;
        moments removed from the recording meanwhile are left out.
        """
        with self._reading() as connection:
            runs = [] if connection is None else self._runs(connection, _WITHIN, since, until)
        wanted = since
        for run in runs:
            if run.end < wanted:
                continue
            with self._reading() as connection:
                if connection is None:
                    return
                reader = self._version(connection, run.layout).figures
                found: list[FleetFigures] = []
                lines = _needed(self._lines(connection, run), wanted, until, every)
                for at, tree in walk(lines):
                    if wanted <= at <= until:
                        found.append(reader.fleet(at, tree))
                        wanted = at + every
            yield from found

    def close(self) -> None:
        """Close the file; idempotent. A later call opens it again."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = self._file = None
            self._versions.clear()
            self._events.clear()

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection | None]:
        """One consistent view of the file; None if it does not exist yet."""
        with self._lock:
            try:
                connection = self._open()
                if connection is None:
                    yield None
                    return
                connection.execute("BEGIN")
                try:
                    yield connection
                finally:
                    connection.execute("COMMIT")
            except StateError:
                raise
            except _UNREADABLE as error:
                self.close()
                raise failed(self._name, error, _LOST) from error

    def _open(self) -> sqlite3.Connection | None:
        """The connection; a new one if the file was replaced."""
        try:
            status = self.path.stat()
        except FileNotFoundError:
            self.close()
            return None
        except OSError as error:
            raise failed(self.path, error) from error
        file = status.st_dev, status.st_ino
        if self._connection is None or file != self._file:
            self.close()
            self._connection, self._file = connect_reader(self.path), file
        return self._connection

    def _before(
        self, connection: sqlite3.Connection, moment: float
    ) -> tuple[Run, list[bytes]] | None:
        """The segment that holds the newest moment not after ``moment``, and its lines.

        There is only one candidate, unless the machine's clock was set back during recording.
        """
        runs = self._runs(connection, _BEFORE, moment)
        held = [(run, self._lines(connection, run)) for run in runs]
        return max(held, key=lambda each: _newest(each[1], moment), default=None)

    def _first_after(self, connection: sqlite3.Connection, run: Run, moment: float) -> float:
        if run.start > moment:
            return run.start
        later = (at for at in map(moment_of, self._lines(connection, run)) if at > moment)
        return min(later, default=math.inf)

    @staticmethod
    def _runs(connection: sqlite3.Connection, where: str, *moments: float) -> list[Run]:
        rows = connection.execute(
            f"SELECT id, start, end, layout FROM segments WHERE {where} ORDER BY start, id",  # noqa: S608 - our own
            {"first": moments[0], "last": moments[-1]},
        )
        return [Run(*row) for row in rows]

    def _lines(self, connection: sqlite3.Connection, run: Run) -> list[bytes]:
        row = connection.execute("SELECT data FROM segments WHERE id = ?", (run.id,)).fetchone()
        if row is None:
            return []
        if row[0] is not None:
            return unseal(row[0])
        rows = connection.execute(
            "SELECT data FROM lines WHERE segment = ? ORDER BY number", (run.id,)
        )
        return unpack(data for (data,) in rows)

    def _version(self, connection: sqlite3.Connection, number: int) -> _Version:
        known = self._versions.get(number)
        if known is None:
            if len(self._versions) >= _LAYOUTS_KEPT:
                self._versions.clear()
            layout = json.loads(self._fields(connection, number))
            known = _Version(layout, self._decoder(layout), FigureReader(layout))
            self._versions[number] = known
        return known

    def _fields(self, connection: sqlite3.Connection, number: int) -> str:
        """The layout of that number, as JSON."""
        query = "SELECT fields FROM layouts WHERE id = ?"
        return str(connection.execute(query, (number,)).fetchone()[0])

    @staticmethod
    def _decoder(layout: Layout) -> Decoder:
        return Decoder(layout)

    def _snapshot(self, connection: sqlite3.Connection, version: _Version, tree: Tree) -> Snapshot:
        """A snapshot whose tree holds its events as runs of their numbers."""
        place = version.layout[Snapshot.__name__].index("events")
        runs, tree[place] = tree[place], []
        snapshot = version.decoder.decode(Snapshot, tree)
        if older_places.is_older(version.layout):
            snapshot = older_places.completed(snapshot, version.layout, version.decoder, tree)
        return replace(snapshot, events=self._numbered(connection, runs))

    def _numbered(self, connection: sqlite3.Connection, runs: list[list[int]]) -> tuple[Event, ...]:
        """Events by their numbers; those not in the cache are read together."""
        if sum(max(0, last - first + 1) for first, last in runs) > _MOST_EVENTS:
            raise ValueError("a moment of it has more events than a moment can have")
        numbers = [number for first, last in runs for number in range(first, last + 1)]
        unknown = [number for number in numbers if number not in self._events]
        if unknown:
            rows = connection.execute(
                "SELECT id, layout, data FROM events WHERE id BETWEEN ? AND ?",
                (min(unknown), max(unknown)),
            )
            for row in rows.fetchall():
                self._event(connection, *row)
        return tuple(self._events[number] for number in numbers if number in self._events)

    def _event(self, connection: sqlite3.Connection, number: int, layout: int, data: str) -> Event:
        known = self._events.get(number)
        if known is None:
            if len(self._events) >= _EVENTS_KEPT:
                self._events.clear()
            version = self._version(connection, layout)
            known = version.decoder.decode(Event, json.loads(data))
            self._events[number] = known
        return known


@contextmanager
def _uncollected() -> Iterator[None]:
    """No garbage collection for some milliseconds: trees hold no cycles; walking them doubles a
    step.

    The whole process shares the collector, so its state is restored.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def between(watched: Sequence[Span], since: float, until: float) -> Iterator[Gap]:
    """The gaps between what was ``watched``, by its beginning, and on to ``until``."""
    if not watched:
        return
    end = watched[0].end
    for each in (*watched, Span(until, until)):
        if each.begin - end > LEAST_GAP and each.begin > since:
            yield Gap(max(end, since), each.begin)
        end = max(end, each.end)


def _spans(
    watches: list[tuple[float, float]], first: float | None, last: float | None
) -> Iterator[Span]:
    """``watches``, and the time before that was recorded from ``first`` to ``last``."""
    if first is not None and last is not None:
        yield Span(first, watches[0][1] if watches else last)
    for begin, end in watches:
        yield Span(begin if first is None else max(begin, first), end)


def _newest(lines: list[bytes], moment: float) -> float:
    """The newest moment in the lines that is not after ``moment``."""
    return max((at for at in map(moment_of, lines) if at <= moment), default=-math.inf)


def _needed(lines: list[bytes], wanted: float, until: float, every: float) -> list[bytes]:
    """The lines up to the last one that is needed."""
    last = 0
    for number, one in enumerate(lines, 1):
        at = moment_of(one)
        if at > until:
            break
        if at >= wanted:
            last, wanted = number, at + every
    return lines[:last]
