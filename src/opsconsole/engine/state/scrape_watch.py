"""The console's own scrapes as one source.

Invariant: it fails only when no target could be read; one that could not is named in the note,
and its service's figures grow old by themselves.
"""

from collections.abc import Container

from opsconsole.model.fault import Fault
from opsconsole.model.reading import Reading
from opsconsole.model.snapshot import SourceView
from opsconsole.sources.base import Source

PREFIX = "scrape:"


class ScrapeWatch:
    """Counts, for all scraped instances together."""

    def __init__(self, now: float) -> None:
        self._intervals: dict[str, float] = {}
        self._faults: dict[str, Fault] = {}
        self._taken_at: float | None = None
        self._since = now
        self._lag = 0.0

    def watch(self, source: Source[object]) -> None:
        """Keep account of ``source`` from now on."""
        self._intervals[source.key] = source.interval

    def retain(self, keys: Container[str]) -> None:
        """Forget the sources that are not called one of ``keys``."""
        self._intervals = {key: each for key, each in self._intervals.items() if key in keys}
        self._faults = {key: each for key, each in self._faults.items() if key in keys}

    def note(self, reading: Reading[object], lag: float) -> None:
        """Take in how one scrape went."""
        self._lag = max(lag, self._lag * 0.99)
        failed_before = self._all_failed
        if reading.fault is None:
            self._taken_at = reading.taken_at
            self._faults.pop(reading.source, None)
        else:
            self._faults[reading.source] = reading.fault
        if self._all_failed is not failed_before:
            self._since = reading.taken_at

    def view(self) -> SourceView | None:
        """None where nothing is scraped."""
        if not self._intervals:
            return None
        first = next(iter(self._faults.items()), None)
        note = ""
        if first is not None:
            whom = first[0].removeprefix(PREFIX)
            note = f"{len(self._faults)} of {len(self._intervals)} not read, {whom}: {first[1]}"
        return SourceView(
            name="scrapes",
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
