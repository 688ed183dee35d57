"""The console's own scrapes as one source.

Invariant: it fails only when no target could be read; a target that could not be read is named in
the note, and its service's figures become stale.
"""

from collections.abc import Container

from opsconsole.model.fault import Fault
from opsconsole.model.observations import Observation, ScrapeSeen
from opsconsole.model.reading import Reading
from opsconsole.model.snapshot import SourceView
from opsconsole.model.source_id import SourceId, SourceKind
from opsconsole.sources.base import AnySource


class ScrapeWatch:
    """Counts, for all scraped instances together."""

    def __init__(self, now: float) -> None:
        self._intervals: dict[SourceId, float] = {}
        self._faults: dict[SourceId, Fault] = {}
        self._problems: dict[SourceId, tuple[str, ...]] = {}
        self._taken_at: float | None = None
        self._since = now
        self._lag = 0.0
        self._view: SourceView | None = None

    def watch(self, source: AnySource) -> None:
        """Track ``source`` from now on."""
        if self._intervals.get(source.id) != source.interval:
            self._view = None
            self._intervals[source.id] = source.interval

    def retain(self, kept: Container[SourceId]) -> None:
        """Forget the sources that are not in ``kept``."""
        if all(who in kept for who in self._intervals):
            return
        self._view = None
        self._intervals = {who: each for who, each in self._intervals.items() if who in kept}
        self._faults = {who: each for who, each in self._faults.items() if who in kept}
        self._problems = {who: each for who, each in self._problems.items() if who in kept}

    def note(self, reading: Reading[Observation], lag: float) -> None:
        """Take in the result of one scrape."""
        self._view = None
        self._lag = max(lag, self._lag * 0.99)
        failed_before = self._all_failed
        if reading.fault is None:
            self._taken_at = reading.taken_at
            self._faults.pop(reading.source, None)
            seen = reading.value
            self._problems[reading.source] = seen.problems if isinstance(seen, ScrapeSeen) else ()
        else:
            self._faults[reading.source] = reading.fault
        if self._all_failed is not failed_before:
            self._since = reading.taken_at

    def view(self) -> SourceView | None:
        """None if nothing is scraped; the same object until the next scrape."""
        if self._view is None and self._intervals:
            self._view = self._made()
        return self._view

    def _made(self) -> SourceView:
        first = next(iter(self._faults.items()), None)
        note = ""
        if first is not None:
            counted = f"{len(self._faults)} of {len(self._intervals)} not read"
            note = f"{counted}, {first[0].name}: {first[1]}"
        else:
            named = [(who.name, said) for who, all_ in self._problems.items() for said in all_]
            if named:
                who, said = named[0]
                note = f"{len(named)} metrics not read, first of {who}: {said}"
        return SourceView(
            id=SourceId(SourceKind.SCRAPE),
            endpoint="",
            interval=max(self._intervals.values()),
            taken_at=self._taken_at,
            since=self._since,
            fault=first[1] if first is not None and self._all_failed else None,
            lag=self._lag,
            note=note,
        )

    @property
    def _all_failed(self) -> bool:
        return bool(self._intervals) and len(self._faults) == len(self._intervals)
