"""Reads what was logged before the lines that are held, back to the logs' beginning.

Invariant: bounded in lines, characters and seconds, and it says which bound it met; the latest
lines are read first, and the answer is in the order in which they were written. Everything here
blocks; nothing waits for it.
"""

import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import field, replace
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.engine.logs.needle import needle_of
from opsconsole.engine.logs.query import is_chosen
from opsconsole.engine.logs.ring import LogRing
from opsconsole.model.logs import LogLine, LogQuery, PastEnd
from opsconsole.sources.logs.base import LogSource, Sought, Stretch

CHARACTERS: Final = 64_000_000
"""The most characters that one reading keeps."""

_TRACED: Final = 3
"""Lines at the end by which it is found again among the lines that are held."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much a reading may take: selected lines, and seconds of the clock."""

    lines: int = 5_000
    seconds: float = 60.0


@dataclass(slots=True)
class PastRead:
    """What was found in one log.

    ``last`` holds the texts of the last lines of all, selected or not; ``reach`` is the time of
    the earliest line that was read; ``read`` counts bytes.
    """

    lines: list[LogLine] = field(default_factory=list)
    last: tuple[str, ...] = ()
    read: int = 0
    reach: float | None = None
    end: PastEnd = PastEnd.BEGINNING
    troubles: list[str] = field(default_factory=list)


class PastReading:
    """One reading of one log called ``name``; ``form`` is how its lines are written.

    ``ahead`` is how many seconds the clock that they are written by is before this one.
    """

    def __init__(
        self,
        name: str,
        source: LogSource,
        form: str,
        query: LogQuery,
        bounds: Bounds,
        ahead: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._ahead = ahead
        self.found = PastRead()
        self.name = name
        self._source = source
        self._form = form
        # All lines are shown where the selected ones are only marked.
        self._query = replace(query, pattern=None, invert=False) if query.mark_only else query
        self._bounds = bounds
        self._room = CHARACTERS
        self._stop = threading.Event()
        self._ends = time.monotonic() + bounds.seconds

    def stop(self) -> None:
        """End soon; from any thread."""
        self._stop.set()
        self._source.close()

    def run(self) -> PastRead:
        """Read in this thread; lines are numbered below those that will be followed."""
        query, found = self._query, self.found
        plain = query.pattern is None or query.invert or bool(query.context)
        needle = b"" if plain or query.pattern is None else needle_of(query.pattern.text)
        parts: deque[LogLine] = deque()
        since = None if query.since is None else query.since + min(0.0, self._ahead())
        for number, stretch in enumerate(self._source.past(Sought(since, needle))):
            part, passed = self._part(stretch, self._bounds.lines - len(parts), last=number == 0)
            parts.extendleft(reversed(part))
            if passed or found.end is not PastEnd.BEGINNING:
                break
        count = len(parts)
        found.lines = [replace(line, number=at - count) for at, line in enumerate(parts)]
        return found

    def _part(self, stretch: Stretch, room: int, *, last: bool) -> tuple[deque[LogLine], bool]:
        """The selected lines of a stretch, and whether it began before what is asked for."""
        found, kept = self.found, deque[LogLine]()
        first: LogLine | None = None
        ending: deque[str] = deque(maxlen=_TRACED)
        if stretch.trouble:
            found.troubles.append(stretch.trouble)
        selection = _Selection(self._query)
        for line in self._entries(stretch):
            first = first if first is not None or not line.stamped else line
            ending.append(line.text)
            for chosen in selection.take(line):
                kept.append(chosen)
                self._room -= len(chosen.text)
                while len(kept) > room or (self._room < 0 and len(kept) > 1):
                    self._room += len(kept.popleft().text)
                    found.end = PastEnd.LINES
        if last:
            found.last = tuple(ending)
        if first is not None:
            found.reach = first.at if found.reach is None else min(found.reach, first.at)
        since = self._query.since
        return kept, first is not None and since is not None and first.at < since

    def _entries(self, stretch: Stretch) -> Iterator[LogLine]:
        """The entries of a stretch, in their order, until a bound is met."""
        from opsconsole.sources.logs.line import parse_by

        ring = LogRing(self.name, capacity=sys.maxsize)
        self.found.read += stretch.read
        try:
            for batch in stretch.batches:
                if self._is_over():
                    break
                if not stretch.read:
                    self.found.read += sum(len(raw.data) + 1 for raw in batch)
                ahead = self._ahead()
                written = stretch.written - ahead
                lines = [parse_by(raw, self._form, written, ahead) for raw in batch]
                ring.add(lines, written, live=False)
                yield from ring.take(all_of_it=not batch)
        except OSError as error:
            self.found.troubles.append(str(error))
        yield from ring.take(all_of_it=True)

    def _is_over(self) -> bool:
        if self._stop.is_set():
            self.found.end = PastEnd.STOPPED
        elif time.monotonic() > self._ends:
            self.found.end = PastEnd.SECONDS
        return self.found.end in (PastEnd.STOPPED, PastEnd.SECONDS)


class _Selection:
    """Selects lines that come one by one, with the context of each."""

    def __init__(self, query: LogQuery) -> None:
        self._query = query
        self._before: deque[LogLine] = deque(maxlen=query.context)
        self._after = 0

    def take(self, line: LogLine) -> Sequence[LogLine]:
        """What ``line`` adds to what is selected."""
        if self._query.since is not None and line.at < self._query.since:
            return ()
        if is_chosen(self._query, line):
            found = (*self._before, line)
            self._before.clear()
            self._after = self._query.context
            return found
        if self._after:
            self._after -= 1
            return (line,)
        self._before.append(line)
        return ()
