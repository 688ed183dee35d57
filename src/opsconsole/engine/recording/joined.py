"""What this host recorded, and what others of the same environment did, as one recording.

Invariant: a moment is shown as one console saw it, never as a blend of several: as this host did
where it looked, else as the one that had looked longest then; ``seen_by`` of a snapshot says whose
look it is. Where nobody looked there is a gap. What of another cannot be fetched is no gap, and no
other moment is shown for it: StateError says why. Its methods block, as those of an archive do.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.engine.judge.alike import Known
from opsconsole.engine.recording.archive import Archive, between
from opsconsole.engine.recording.database import LEAST_GAP
from opsconsole.engine.recording.fetched import FetchedArchive
from opsconsole.engine.recording.others import Others
from opsconsole.errors import StateError
from opsconsole.model.events import Event
from opsconsole.model.past.recording import FleetFigures
from opsconsole.model.past.replay import Gap, SeenBy, Span
from opsconsole.model.snapshot import Snapshot

_NEAR: Final = 3.0
"""Seconds around what was looked at: a moment is a little older than the note that it was."""


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A time that is shown as one part has it."""

    begin: float
    end: float
    part: Archive


class JoinedArchive:
    """``own``, with ``others`` where it did not look. Every method raises StateError."""

    def __init__(self, own: Archive, others: Others) -> None:
        self._own, self._others = own, others
        self._failed = ""

    @property
    def lacks(self) -> str:
        """Why what others saw is not all there; '' while it is."""
        return self._others.fault or self._failed

    def span(self) -> Span | None:
        """The first and the last recorded moment; None where there is none."""
        found = [span for part in self._parts() if (span := part.span()) is not None]
        if not found:
            return None
        return Span(min(each.begin for each in found), max(each.end for each in found))

    def at(self, moment: float) -> Snapshot | None:
        """The snapshot of the newest recorded moment not after ``moment``; None if there is
        none."""
        parts = self._parts()
        if len(parts) == 1:
            return self._own.at(moment)
        failure: StateError | None = None
        for begin, part in _looked_at(parts, moment):
            try:
                found = part.at(moment)
            except StateError as error:
                failure = failure or error
                continue
            if found is not None and found.taken_at >= begin:
                return _marked(found, part)
        if failure is not None:
            raise failure
        for _, part in _ended_before(parts, moment):
            found = part.at(moment)
            if found is not None:
                return _marked(found, part)
        return None

    def neighbour(self, moment: float, step: int) -> float | None:
        """The next moment that is shown after ``moment``, or before it if ``step`` is negative."""
        parts = self._parts()
        if len(parts) == 1:
            return self._own.neighbour(moment, step)
        if step > 0:
            for each in _stretches(parts, moment, math.inf):
                just = math.nextafter(each.begin, -math.inf)
                found = each.part.neighbour(max(moment, just), step)
                if found is not None and found <= each.end:
                    return found
            return None
        for each in reversed(_stretches(parts, -math.inf, moment)):
            just = math.nextafter(each.end, math.inf)
            found = each.part.neighbour(min(moment, just), step)
            if found is not None and found >= each.begin:
                return found
        return None

    def gaps(self, since: float, until: float) -> tuple[Gap, ...]:
        """The stretches from ``since`` to ``until`` in which nobody looked, oldest first."""
        watched = [span for part in self._parts() for span in part.watched(until)]
        return tuple(between(sorted(watched, key=_begin), since, until))

    def events(self, since: float, until: float, service: str = "") -> tuple[Event, ...]:
        """The events from ``since`` to ``until``, oldest first; of one service, or of all."""
        found: dict[Archive, tuple[Event, ...]] = {}
        self._failed = ""
        for part in self._parts():
            try:
                found[part] = part.events(since, until, service)
            except StateError as error:
                self._miss(part, error)
        stretches = _stretches(list(found), since - _NEAR, until + _NEAR)
        begins = [each.begin for each in stretches]
        shown: list[Event] = []
        unowned: list[Event] = []
        for part, events in found.items():
            for event in events:
                place = bisect_right(begins, event.at) - 1
                if place < 0 or event.at > stretches[place].end:
                    (shown if part is self._own else unowned).append(event)
                elif stretches[place].part is part:
                    shown.append(event)
        known, there = Known(shown), set(shown)
        for event in unowned:
            if event not in there and known.same(event) is None:
                shown.append(event)
                there.add(event)
                known.add(event)
        return tuple(sorted(shown, key=_at))

    def services(self, since: float, until: float, every: float = 0.0) -> Iterator[FleetFigures]:
        """The figures of all services at each moment that is shown, oldest first."""
        wanted = since
        for each in _stretches(self._parts(), since, until):
            try:
                for fleet in each.part.services(max(wanted, each.begin), each.end, every):
                    yield fleet
                    wanted = fleet.at + every
            except StateError as error:
                self._miss(each.part, error)

    def seen_by(self, since: float, until: float) -> tuple[SeenBy, ...]:
        """Where what another host saw is shown."""
        return tuple(
            SeenBy(each.begin, each.end, each.part.by)
            for each in _stretches(self._parts(), since, until)
            if isinstance(each.part, FetchedArchive) and each.end - each.begin > LEAST_GAP
        )

    def close(self) -> None:
        """Close the file, and ask no more."""
        self._own.close()
        self._others.close()

    def _parts(self) -> list[Archive]:
        """This host's first."""
        return [self._own, *self._others.all()]

    def _miss(self, part: Archive, error: StateError) -> None:
        if part is self._own:
            raise error
        self._failed = str(error)


def _looked_at(parts: Sequence[Archive], moment: float) -> list[tuple[float, Archive]]:
    """The parts that looked at ``moment``, and since when, in the order in which they are shown."""
    own, *_ = parts
    found = [
        (span.begin, part)
        for part in parts
        for span in _near(part, moment)
        if span.begin <= moment <= span.end
    ]
    return sorted(found, key=lambda each: (each[1] is not own, each[0]))


def _ended_before(parts: Sequence[Archive], moment: float) -> list[tuple[float, Archive]]:
    """The parts that looked before ``moment``, the latest first."""
    found = [
        (max(ends), part)
        for part in parts
        if (ends := [span.end for span in part.watched(moment) if span.begin <= moment])
    ]
    return sorted(found, key=_first, reverse=True)


def _stretches(parts: Sequence[Archive], since: float, until: float) -> list[_Stretch]:
    """How the time from ``since`` to ``until`` is shown, oldest first; nothing of it twice."""
    own = parts[0] if parts else None
    spans = [(span, part) for part in parts for span in _near(part, until)]
    spans.sort(key=lambda each: (each[1] is not own, each[0].begin))
    free, taken = [Span(since, until)], []
    for span, part in spans:
        # Of another there may be many: what is free is in order, and only what they share is seen.
        place = past = bisect_left(free, span.begin, key=_end)
        left: list[Span] = []
        while past < len(free) and free[past].begin <= span.end:
            each = free[past]
            past += 1
            first, last = max(span.begin, each.begin), min(span.end, each.end)
            if first > last:
                left.append(each)
                continue
            taken.append(_Stretch(first, last, part))
            if each.begin < first:
                left.append(Span(each.begin, math.nextafter(first, -math.inf)))
            if last < each.end:
                left.append(Span(math.nextafter(last, math.inf), each.end))
        free[place:past] = left
    return sorted(taken, key=_begin)


def _near(part: Archive, until: float) -> Iterator[Span]:
    for span in part.watched(until + _NEAR):
        yield Span(span.begin - _NEAR, span.end + _NEAR)


def _marked(snapshot: Snapshot, part: Archive) -> Snapshot:
    if isinstance(part, FetchedArchive):
        return replace(snapshot, seen_by=part.by)
    return snapshot


def _begin(span: Span | _Stretch) -> float:
    return span.begin


def _end(span: Span) -> float:
    return span.end


def _first(found: tuple[float, Archive]) -> float:
    return found[0]


def _at(event: Event) -> float:
    return event.at
