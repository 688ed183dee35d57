"""Builds an incident report from what was recorded, journalled, noted and logged.

Invariant: it reads and changes nothing; what one source cannot give is named in ``lacks`` and does
not stop the others. It blocks: call it from a thread of your own.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Protocol, TypeVar

from opsconsole.dataclass import dataclass
from opsconsole.engine.judge.alike import Known
from opsconsole.engine.judge.causes import Question, what_changed
from opsconsole.engine.judge.episodes import Episode, episodes
from opsconsole.engine.judge.events import whose
from opsconsole.engine.past.what_changed import topology
from opsconsole.engine.past.what_changed import troubles as troubles_of
from opsconsole.errors import OpsconsoleError
from opsconsole.model.alerting.alerts import AlertState, Severity
from opsconsole.model.alerting.silences import SilenceView
from opsconsole.model.causes import WINDOW, Changes, Topology
from opsconsole.model.events import Event, EventKind
from opsconsole.model.incidents import Incident
from opsconsole.model.operation import SILENCING, Operation
from opsconsole.model.past.recording import FleetFigures
from opsconsole.model.past.replay import Gap, SeenBy, Span
from opsconsole.model.past.reported import Affected, AlertSpan, Excerpt, Reported
from opsconsole.model.snapshot import Snapshot
from opsconsole.model.state import State
from opsconsole.zones import written

POINTS = 240
"""The most moments of figures that are read."""

EXCERPTS = 3
"""The most services whose log lines are shown."""

T = TypeVar("T")


class Recorded(Protocol):
    """What was recorded; ``engine.recording.archive`` has the real one."""

    @property
    def lacks(self) -> str: ...

    def seen_by(self, since: float, until: float) -> tuple[SeenBy, ...]: ...

    def span(self) -> Span | None: ...

    def at(self, moment: float) -> Snapshot | None: ...

    def events(self, since: float, until: float, service: str = "") -> tuple[Event, ...]: ...

    def gaps(self, since: float, until: float) -> tuple[Gap, ...]: ...

    def services(
        self, since: float, until: float, every: float = 0.0
    ) -> Iterator[FleetFigures]: ...


@dataclass(frozen=True, slots=True)
class Material:
    """Where the incident is read from. ``shown`` is what this console has on its screen, if any.

    ``operations`` returns those of the journal, ``notes`` the events of notes; ``logs`` returns
    excerpts around a moment for the named services.
    """

    recorded: Recorded | None
    operations: Callable[[], Iterable[Operation]]
    notes: Callable[[], Iterable[Event]]
    logs: Callable[[Sequence[str], float], Iterable[Excerpt]]
    shown: Snapshot | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What the report is about. ``since`` None means a while before the latest trouble began.

    ``others`` are further services, ``declared`` the incident that people made of it.
    """

    until: float
    since: float | None = None
    service: str = ""
    environment: str = ""
    made_at: float = 0.0
    others: tuple[str, ...] = ()
    declared: Incident | None = None

    @property
    def services(self) -> frozenset[str]:
        """The services that it is about; none for all of them."""
        return frozenset({self.service, *self.others} - {""})


def gather(asked: Asked, material: Material) -> Reported:
    """Everything that is known about ``asked``."""
    reader = _Reader(material)
    known = reader.snapshot(asked.until)
    hangs = topology(known) if known is not None else Topology()
    happened = reader.events(asked.until - 86_400.0, asked.until)
    seen = episodes(happened) if known is None else troubles_of(known, happened)
    troubles = _of(asked.services, seen, hangs)
    since = asked.since if asked.since is not None else _beginning(troubles, asked.until)
    within = {
        name: tuple(each for each in found if each.ended_at is None or each.ended_at > since)
        for name, found in troubles.items()
    }
    affected = _affected(within, hangs, asked.until)
    main = main_of(affected, asked)
    changes = _changes(asked, main, happened, troubles, hangs)
    events = [event for event in happened if since <= event.at <= asked.until]
    if asked.services:
        mine = {*asked.services, *(n for each in asked.services for n in hangs.needs(each)), ""}
        events = [event for event in events if event.service in mine]
    start = main.began_at if main is not None else None
    names = [main.service] if main is not None else []
    return Reported(
        environment=asked.environment,
        since=since,
        until=asked.until,
        made_at=asked.made_at,
        service=asked.service,
        events=tuple(events),
        affected=affected,
        main=main,
        changes=changes,
        alerts=_alerts(events, reader.snapshot(since), asked),
        operations=reader.operations(since, asked.until, asked.services),
        figures=reader.figures(since, asked.until),
        memory_limits=_limits(known),
        excerpts=reader.excerpts([*names, *(each.service for each in affected)], start),
        lacks=reader.lacks(since, asked.until),
        seen_from=reader.seen_from(since, asked.until),
        gaps=reader.gaps(since, asked.until),
        blind=_blind(events, known, affected),
        silences=_silences(known, since, asked.until),
        others=asked.others,
        declared=asked.declared,
    )


class _Reader:
    """Reads each source, and records in words what one cannot give."""

    def __init__(self, material: Material) -> None:
        self._material = material
        self._lacks: list[str] = []

    def snapshot(self, moment: float) -> Snapshot | None:
        recorded, shown = self._material.recorded, self._material.shown
        found = None if recorded is None else self._try(lambda: recorded.at(moment), None)
        if found is None and shown is not None and shown.taken_at <= moment:
            return shown
        return found

    def events(self, since: float, until: float) -> tuple[Event, ...]:
        """Events of the recording, the screen and the notes, each once, oldest first."""
        recorded, shown = self._material.recorded, self._material.shown
        found: dict[tuple[float, Event], Event] = {}
        kept = () if recorded is None else self._all(lambda: recorded.events(since, until))
        there, known = set(kept), Known(kept)
        seen = [each for each in (shown.events if shown else ()) if each not in there]
        # What the screen made of the same as the recording is in it once, as it was recorded.
        seen = [each for each in sorted(seen, key=_moment) if known.same(each) is None]
        for event in (*kept, *seen, *self._all(self._material.notes)):
            if since <= event.at <= until:
                found[round(event.at, 3), replace(event, at=0.0)] = event
        return tuple(sorted(found.values(), key=_moment))

    def operations(
        self, since: float, until: float, services: frozenset[str]
    ) -> tuple[Operation, ...]:
        runs = self._all(self._material.operations)
        return tuple(
            run
            for run in sorted(runs, key=lambda run: run.started_at)
            if since <= run.started_at <= until
            and (not services or run.service in services or run.kind in SILENCING)
        )

    def figures(self, since: float, until: float) -> tuple[FleetFigures, ...]:
        recorded = self._material.recorded
        if recorded is None:
            return ()
        every = (until - since) / POINTS
        return self._all(lambda: recorded.services(since, until, every))

    def excerpts(self, services: Sequence[str], start: float | None) -> tuple[Excerpt, ...]:
        if start is None:
            return ()
        names = list(dict.fromkeys(services))[:EXCERPTS]
        return self._all(lambda: self._material.logs(names, start))

    def seen_from(self, since: float, until: float) -> float | None:
        """When the first look between the two moments was; None: never."""
        span, shown = self._span(), self._material.shown
        if span is not None and span.begin <= until and span.end >= since:
            return max(span.begin, since)
        return shown.taken_at if shown is not None and since <= shown.taken_at <= until else None

    def gaps(self, since: float, until: float) -> tuple[Gap, ...]:
        """When nobody looked, as far as that is known."""
        recorded = self._material.recorded
        return () if recorded is None else self._all(lambda: recorded.gaps(since, until))

    def lacks(self, since: float, until: float) -> tuple[str, ...]:
        """What could not be read, what was not recorded, and what another host saw alone."""
        span = self._span()
        self._lacks += self._of_others(since, until)
        if span is None:
            none = "nothing was recorded: the report has what the console saw and the journal"
            return (*self._lacks, none)
        if span.begin > since + 1.0:
            return (*self._lacks, f"nothing was recorded before {written(span.begin)}")
        return tuple(self._lacks)

    def _of_others(self, since: float, until: float) -> Iterator[str]:
        recorded = self._material.recorded
        if recorded is None:
            return
        for each in self._all(lambda: recorded.seen_by(since, until)):
            began, ended = written(each.begin), written(each.end)
            yield f"nobody looked here from {began} to {ended}: it is as {each.by} saw it"
        if recorded.lacks:
            yield f"what other hosts recorded is not seen: {recorded.lacks}"

    def _span(self) -> Span | None:
        recorded = self._material.recorded
        return None if recorded is None else self._try(recorded.span, None)

    def _all(self, read: Callable[[], Iterable[T]]) -> tuple[T, ...]:
        nothing: tuple[T, ...] = ()
        return self._try(lambda: tuple(read()), nothing)

    def _try(self, read: Callable[[], T], otherwise: T) -> T:
        try:
            return read()
        except (OpsconsoleError, OSError) as error:
            said = str(error)
            if said not in self._lacks:
                self._lacks.append(said)
            return otherwise


def _of(
    services: frozenset[str], troubles: dict[str, tuple[Episode, ...]], hangs: Topology
) -> dict[str, tuple[Episode, ...]]:
    """The trouble of all services, or of some and the services that they are connected with."""
    if not services:
        return troubles
    near = {
        name for each in services for name in (each, *hangs.needs(each), *hangs.needed_by(each))
    }
    return {name: found for name, found in troubles.items() if name in near}


def _beginning(troubles: dict[str, tuple[Episode, ...]], until: float) -> float:
    """One window before the beginning of the latest trouble."""
    last = [found[-1] for found in troubles.values() if found]
    if not last:
        return until - WINDOW
    end = max((each.ended_at or until for each in last), default=until)
    recent = [each.began_at for each in last if (each.ended_at or until) >= end - WINDOW]
    return min(recent) - WINDOW


def _affected(
    troubles: dict[str, tuple[Episode, ...]], hangs: Topology, until: float
) -> tuple[Affected, ...]:
    found = [each for part in troubles.values() for each in part if each.began_at <= until]
    return tuple(
        Affected(
            each.service,
            each.began_at,
            each.ended_at,
            each.worst,
            frozenset(hangs.needs(each.service)),
            each.began_unseen,
            each.ended_unseen,
        )
        for each in sorted(found, key=lambda each: (each.began_at, each.service))
    )


def main_of(affected: Sequence[Affected], asked: Asked) -> Affected | None:
    """The subject of the report: the first to begin among the troubles that lasted.

    A restart's few seconds are trouble too, but not the reason for a call-out.
    """
    wanted = asked.services
    mine = [e for e in affected if not wanted or e.service in wanted] or list(affected)
    lasted = {each: (each.ended_at or asked.until) - each.began_at for each in mine}
    longest = max(lasted.values(), default=0.0)
    return next((each for each in mine if lasted[each] >= longest / 2), None)


def _changes(
    asked: Asked,
    main: Affected | None,
    events: Sequence[Event],
    troubles: dict[str, tuple[Episode, ...]],
    hangs: Topology,
) -> Changes | None:
    if main is None:
        return None
    question = Question(main.service, main.service, main.began_at, asked.until)
    return what_changed(question, events, troubles, hangs)


def _alerts(
    events: Iterable[Event], before: Snapshot | None, asked: Asked
) -> tuple[AlertSpan, ...]:
    """Alerts, from their starts and ends, including those already firing when the report begins."""
    open_: dict[tuple[str, str, str], AlertSpan] = {}
    over: list[AlertSpan] = []
    for alert in before.alerts if before else ():
        mine = not asked.services or alert.service in asked.services
        if alert.state is AlertState.FIRING and mine:
            state = State.DOWN if alert.severity is Severity.CRITICAL else State.DEGRADED
            key = (alert.service, alert.name, whose(alert))
            open_[key] = AlertSpan(alert.name, alert.service, state, alert.summary, None, None)
    for event in events:
        if event.kind is not EventKind.ALERT:
            continue
        key = (event.service, event.subject, event.name)
        known = open_.pop(key, None)
        if event.state is not State.OK:
            state = event.state or State.DEGRADED
            began = AlertSpan(event.subject, event.service, state, event.detail, event.at, None)
            open_[key] = known or began
        else:
            span = known or AlertSpan(event.subject, event.service, State.DEGRADED, "", None, None)
            over.append(
                AlertSpan(span.name, span.service, span.state, span.said, span.began_at, event.at)
            )
    spans = [*over, *open_.values()]
    return tuple(sorted(spans, key=lambda each: (each.began_at or 0.0, each.name, each.service)))


def _blind(
    events: Iterable[Event], known: Snapshot | None, affected: Sequence[Affected]
) -> tuple[str, ...]:
    """The services of which it was not known for a while how they were, or is not at the end."""
    found = {
        each.service
        for each in events
        if each.kind is EventKind.HEALTH and each.state is State.UNKNOWN and each.service
    }
    for service in known.services if known is not None else ():
        if service.state is State.UNKNOWN:
            found.add(service.name)
    return tuple(sorted(found - {each.service for each in affected}))


def _silences(known: Snapshot | None, since: float, until: float) -> tuple[SilenceView, ...]:
    """Those that were in force between the two moments, oldest first."""
    found = [
        each
        for each in (known.silences if known is not None else ())
        if (each.starts_at or 0.0) <= until and (each.ends_at or until) > since
    ]
    return tuple(sorted(found, key=lambda each: each.starts_at or 0.0))


def _moment(event: Event) -> float:
    return event.at


def _limits(snapshot: Snapshot | None) -> dict[str, int]:
    """Memory limits by service, summed over its copies."""
    if snapshot is None:
        return {}
    known = {replica.id: replica.memory_limit or 0 for replica, _ in snapshot.replicas()}
    found = {
        service.name: sum(known.get(id_, 0) for id_ in service.replicas)
        for service in snapshot.services
    }
    return {name: limit for name, limit in found.items() if limit}
