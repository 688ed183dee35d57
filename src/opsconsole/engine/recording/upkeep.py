"""Keeps a recording within its bounds: thins old moments, removes the oldest.

Invariant: one ``step`` takes milliseconds, so that the next moment is recorded in time; a run of
moments is replaced by its thinned run in one transaction. The first moment of each slot of a
thinned run is kept unchanged. Events are never thinned.

Moments older than ``keep`` are removed. If the file and SQLite's log exceed ``size``, the oldest
are removed and the file shrinks; the run being recorded always stays.
"""

import json
import sqlite3
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from itertools import groupby
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.engine.recording.database import PAGE, RecordingError, failed, size_of
from opsconsole.engine.recording.delta import Tree, apply, diff
from opsconsole.engine.recording.segment import line, seal, unseal, walk
from opsconsole.engine.recording.writer import Writer

LOOK_EVERY: Final = 10.0
"""Seconds between checks whether there is anything to do."""

_LOG: Final = 4 << 20
_PARTS: Final = 8
"""Share of ``size`` that SQLite's log may take, at most ``_LOG`` bytes."""

_CUT_AT_ONCE: Final = 20
_PAGES_AT_ONCE: Final = 200
_UNREADABLE: Final = (sqlite3.Error, zlib.error, ValueError, TypeError, LookupError)


@dataclass(frozen=True, slots=True)
class Tier:
    """Moments older than ``age`` are thinned to one every ``step``, in runs of ``block``; seconds.

    Younger moments are thinned too, oldest first, if those not yet thinned to ``step`` take more
    than ``share`` of the size: a large fleet is thinned sooner rather than removed sooner.
    """

    age: float
    step: float
    block: float
    share: float


TIERS: Final = (Tier(86_400.0, 60.0, 900.0, 0.5), Tier(7_200.0, 15.0, 300.0, 0.25))
"""The oldest first. Blocks are whole numbers of segments and of each other."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long a recording is kept, in seconds, and how many bytes it may take."""

    keep: float
    size: int
    tiers: tuple[Tier, ...] = TIERS


@dataclass(frozen=True, slots=True)
class _Run:
    """A sealed segment."""

    id: int
    layout: int
    first_event: int


class Upkeep:
    """Maintains the file of ``writer`` between two of its moments. Raises RecordingError."""

    def __init__(self, writer: Writer, bounds: Bounds) -> None:
        self._writer = writer
        self._connection = writer.connection
        self._bounds = bounds
        self._log = min(_LOG, bounds.size // _PARTS)
        self._job: Iterator[None] | None = None
        self._look_at = 0.0
        with self._classified():
            self._connection.execute(f"PRAGMA journal_size_limit = {self._log}")
            pages = max(16, self._log // PAGE // 2)
            self._connection.execute(f"PRAGMA wal_autocheckpoint = {pages}")

    def step(self, now: float) -> bool:
        """Do one small piece of work. Returns whether there is more to do."""
        with self._classified():
            if self._job is None:
                if abs(now - self._look_at) < LOOK_EVERY:
                    return False
                self._look_at = now
                self._job = self._find(now)
            if next(self._job, self) is not self:
                return True
            self._job = None
            return False

    def finish(self, now: float) -> None:
        """Do everything that is due."""
        with self._classified():
            for _ in self._find(now):
                continue

    @contextmanager
    def _classified(self) -> Iterator[None]:
        try:
            yield
        except RecordingError:
            raise
        except _UNREADABLE as error:
            raise failed(self._writer.path, error) from error

    def _find(self, now: float) -> Generator[None, None, None]:
        """Everything that is due at ``now``, slice by slice."""
        yield from self._cut_aged(now)
        for tier in self._bounds.tiers:
            while (block := self._block(tier, now)) is not None:
                yield from self._thin(tier, block)
        yield from self._cut_excess()

    def _block(self, tier: Tier, now: float) -> float | None:
        """The oldest block of ``tier`` to thin; None if there is none."""
        start, last, size = self._connection.execute(
            "SELECT min(start), max(start), sum(length(data)) FROM segments"
            " WHERE step < ? AND data IS NOT NULL",
            (tier.step,),
        ).fetchone()
        if start is None:
            return None
        block = float(start // tier.block * tier.block)
        crowded = size > tier.share * self._bounds.size and block + tier.block <= last
        return block if crowded or block + tier.block <= now - tier.age else None

    def _thin(self, tier: Tier, block: float) -> Generator[None, None, None]:
        rows = self._connection.execute(
            "SELECT id, layout, first_event FROM segments WHERE step < ? AND data IS NOT NULL"
            " AND start >= ? AND start < ? ORDER BY start, id",
            (tier.step, block, block + tier.block),
        )
        runs = [_Run(*row) for row in rows]
        for layout, group in groupby(runs, key=lambda run: run.layout):
            together = list(group)
            lines: list[bytes] = []
            moments: list[float] = []
            for at, one in self._thinned(together, tier.step):
                if one is not None:
                    lines.append(one)
                    moments.append(at)
                yield
            self._put(together, layout, tier.step, moments, lines)
            yield

    def _thinned(self, runs: list[_Run], step: float) -> Iterator[tuple[float, bytes | None]]:
        """Lines of the first moment in each slot; yields None where the caller may pause."""
        written: Tree = None
        slot, last = None, float("-inf")
        for run in runs:
            (data,) = self._connection.execute(
                "SELECT data FROM segments WHERE id = ?", (run.id,)
            ).fetchone()
            for at, tree in walk(unseal(data)):
                if at <= last or at // step == slot:
                    continue
                one = line(at, tree if slot is None else diff(written, tree))
                change = json.loads(one)[1]
                written = change if slot is None else apply(written, change)
                slot, last = at // step, at
                yield at, one
            yield last, None

    def _put(
        self, runs: list[_Run], layout: int, step: float, moments: list[float], lines: list[bytes]
    ) -> None:
        """One thinned run in place of several."""
        with self._writer.transaction():
            if lines:
                self._connection.execute(
                    "INSERT INTO segments (start, end, step, layout, first_event, data)"
                    " VALUES (?, ?, ?, ?, ?, ?)",
                    (
                        moments[0],
                        moments[-1],
                        step,
                        layout,
                        min(run.first_event for run in runs),
                        seal(lines),
                    ),
                )
            self._delete([run.id for run in runs])

    def _cut_aged(self, now: float) -> Generator[None, None, None]:
        query = "SELECT id FROM segments WHERE end < ? AND data IS NOT NULL LIMIT ?"
        while True:
            rows = self._connection.execute(query, (now - self._bounds.keep, _CUT_AT_ONCE))
            if not self._cut([number for (number,) in rows.fetchall()]):
                return
            yield

    def _cut_excess(self) -> Generator[None, None, None]:
        # The log needs its own room, and as much again for what is written until the next check.
        most = self._bounds.size - 2 * self._log
        while (excess := self._used() - most) > 0:
            if not self._cut(self._oldest(excess + most // 50)):
                break
            yield
        if size_of(self._writer.path) <= self._bounds.size and self._pages() * PAGE <= most:
            return
        while self._free():
            self._connection.execute(f"PRAGMA incremental_vacuum({_PAGES_AT_ONCE})").fetchall()
            yield
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def _oldest(self, size: int) -> list[int]:
        """The oldest sealed runs that add up to ``size`` bytes, or the first of them."""
        rows = self._connection.execute(
            "SELECT id, length(data) FROM segments WHERE data IS NOT NULL ORDER BY start LIMIT ?",
            (_CUT_AT_ONCE,),
        )
        found: list[int] = []
        for number, length in rows.fetchall():
            found.append(number)
            size -= length
            if size <= 0:
                break
        return found

    def _cut(self, numbers: list[int]) -> bool:
        """Remove runs, and the events older than everything that remains."""
        if not numbers:
            return False
        with self._writer.transaction():
            self._delete(numbers)
            query = "SELECT min(first_event), min(start) FROM segments"
            first, start = self._connection.execute(query).fetchone()
            if first is not None:
                query = "DELETE FROM events WHERE id < ? AND at < ?"
                self._connection.execute(query, (first, start))
                self._connection.execute("DELETE FROM watches WHERE end < ?", (start,))
        return True

    def _delete(self, numbers: list[int]) -> None:
        query = "DELETE FROM segments WHERE id = ?"
        self._connection.executemany(query, [(number,) for number in numbers])

    def _used(self) -> int:
        """Bytes of the file that are in use."""
        return (self._pages() - self._free()) * PAGE

    def _pages(self) -> int:
        return int(self._connection.execute("PRAGMA page_count").fetchone()[0])

    def _free(self) -> int:
        return int(self._connection.execute("PRAGMA freelist_count").fetchone()[0])
