"""The health of each source: when it last answered, and since when it has not.

Invariant: a source is lost with its first failed look and back with its first good one; its last
good value is kept with its age. The probes count as one source, which fails only when the failure
seems to be on our own side.
"""

from collections.abc import Container
from typing import assert_never

from opsconsole.dataclass import dataclass
from opsconsole.engine.judge.events import source_back, source_lost
from opsconsole.engine.records.event_log import EventLog
from opsconsole.model.fault import Fault
from opsconsole.model.health import HealthReport
from opsconsole.model.observations import (
    AlertmanagerSeen,
    BudgetsSeen,
    Observation,
    PodsSeen,
    Problems,
    PrometheusSeen,
    ScrapeSeen,
)
from opsconsole.model.reading import Reading, is_stale
from opsconsole.model.running.hosts import Host
from opsconsole.model.running.workloads import Inventory
from opsconsole.model.snapshot import SourceView
from opsconsole.model.source_id import SourceId, SourceKind
from opsconsole.sources.base import AnySource


@dataclass(slots=True, eq=False)
class _Place:
    source: AnySource
    since: float
    interval: float
    taken_at: float | None = None
    fault: Fault | None = None
    lag: float = 0.0
    note: str = ""
    tells_alerts: bool = True
    unknown_rules: tuple[str, ...] = ()
    view: SourceView | None = None

    @property
    def aside(self) -> bool:
        """Whether it is a server's history, which is a source of its own besides the server."""
        return self.source.id.kind is SourceKind.BUDGETS

    @property
    def name(self) -> str:
        """Its name for people."""
        return self.source.id.label


class SourceBook:
    """Every source that is not a probe, by id."""

    def __init__(self, events: EventLog) -> None:
        self._events = events
        self._places: dict[SourceId, _Place] = {}

    def watch(self, source: AnySource, now: float) -> None:
        """Track ``source`` from now on."""
        known = self._places.get(source.id)
        if known is not None and known.source is source:
            return
        self._places[source.id] = _Place(source, now, source.interval)

    def retain(self, kept: Container[SourceId]) -> None:
        """Forget the sources that are not in ``kept``."""
        self._places = {id_: place for id_, place in self._places.items() if id_ in kept}

    def note(self, reading: Reading[Observation], lag: float) -> None:
        """Take in how a look went."""
        place = self._places.get(reading.source)
        if place is None:
            return
        place.lag = lag
        place.view = None
        lost = place.fault
        place.fault = reading.fault
        if reading.fault is None:
            place.taken_at = reading.taken_at
            place.note, place.tells_alerts = _note_of(reading.value), _serves_alerts(reading.value)
            place.unknown_rules = _unknown_rules(reading.value)
            if lost is not None:
                if not place.aside:
                    self._events.add(source_back(reading.taken_at, place.name, place.since))
                place.since = reading.taken_at
        elif lost is None:
            place.since = reading.taken_at
            # A source that never answered is shown by its view; the timeline is for changes.
            if place.taken_at is not None and not place.aside:
                self._events.add(source_lost(reading.taken_at, place.name, reading.fault))

    def silent(self, now: float, least: float) -> dict[SourceId, float]:
        """The servers whose latest answer is too old to go by, with when it was.

        No interval is taken for shorter than ``least`` seconds.
        """
        return {
            who: place.taken_at
            for who, place in self._places.items()
            if place.taken_at is not None
            and is_stale(place.taken_at, max(place.interval, least), now)
        }

    def views(self) -> tuple[SourceView, ...]:
        """One view per source; unchanged ones are the same objects."""
        return tuple(_view(place) for place in self._places.values() if self._shown(place))

    def _shown(self, place: _Place) -> bool:
        """A server's history is shown when something is wrong with it but not with the server."""
        if not place.aside:
            return True
        server = self._places.get(SourceId(SourceKind.PROMETHEUS, place.source.id.name))
        if server is not None and server.fault is not None:
            return False
        return place.fault is not None or bool(place.note)


def _note_of(seen: Observation | None) -> str:
    """What is missing in a good answer: queries and rules that failed, alerts left out."""
    match seen:
        case PrometheusSeen():
            parts = _failed(seen.problems), "; ".join(seen.notes), _left_out(seen)
            return next(filter(None, parts), "")
        case AlertmanagerSeen():
            return _left_out(seen)
        case BudgetsSeen():
            return _failed(seen.problems)
        case Inventory():
            return "; ".join(f"no {each.what}: {each.fault}" for each in seen.unread)
        case HealthReport() | PodsSeen() | ScrapeSeen() | Host() | None:
            return ""
        case _ as never:
            assert_never(never)


def _serves_alerts(seen: Observation | None) -> bool:
    return seen.tells_alerts if isinstance(seen, PrometheusSeen) else True


def _unknown_rules(seen: Observation | None) -> tuple[str, ...]:
    return seen.unknown_rules if isinstance(seen, PrometheusSeen) else ()


def _failed(problems: Problems) -> str:
    if not problems:
        return ""
    query, fault = problems[0]
    return f"{len(problems)} queries failed, first {query}: {fault}"


def _left_out(seen: PrometheusSeen | AlertmanagerSeen) -> str:
    shown = len(seen.alerts)
    return f"{shown} of {seen.total} alerts shown" if seen.total > shown else ""


def _view(place: _Place) -> SourceView:
    if place.view is None:
        place.view = SourceView(
            id=place.source.id,
            endpoint=place.source.endpoint,
            interval=place.interval,
            taken_at=place.taken_at,
            since=place.since,
            fault=place.fault,
            lag=place.lag,
            note=place.note,
            tells_alerts=place.tells_alerts,
            unknown_rules=place.unknown_rules,
        )
    return place.view
