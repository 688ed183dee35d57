"""Goes on from what was recorded before the console was opened.

Invariant: old data never looks fresh: only empty past slots of traces are filled; the open slot and
every present figure and state stay unknown until they are looked at. What is then as it was
recorded goes on, with its beginning. Events keep their times, and no event is added twice. What
only another host saw is its word: no alert that waits and no budget goes on from it.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Final, Protocol

from opsconsole.dataclass import dataclass
from opsconsole.engine.figures.budget_sources import LOOKS
from opsconsole.engine.judge.events import not_watched
from opsconsole.engine.records.fleet import InstanceRecord, ServiceRecord
from opsconsole.engine.records.recall import recalled
from opsconsole.engine.state.store import Store
from opsconsole.model.alerting.alerts import Alert, AlertState
from opsconsole.model.events import Event, EventCode, EventKind
from opsconsole.model.past.replay import Gap
from opsconsole.model.snapshot import InstanceView, ServiceView, Snapshot
from opsconsole.model.state import State
from opsconsole.model.written.expressions import Availability

EVENTS_OVER: Final = 86_400.0
"""Seconds of the timeline that are loaded; an older state is not gone on with."""

EVENTS_KEPT: Final = 500
_PROBE: Final = "probe"


class Recorded(Protocol):
    """A recording. Its methods block and raise OpsconsoleError."""

    def at(self, moment: float, /) -> Snapshot | None:
        """The snapshot of the newest recorded moment not after ``moment``; None if there is
        none."""
        ...

    def events(self, since: float, until: float) -> tuple[Event, ...]:
        """The events between two moments, oldest first."""
        ...

    def gaps(self, since: float, until: float) -> tuple[Gap, ...]:
        """The stretches between two moments in which nobody looked."""
        ...


@dataclass(frozen=True, slots=True)
class Past:
    """The last snapshot before the console started, and the events until then.

    ``recent``: it is from within the charts' window. ``gap``: nobody looked just before.
    """

    snapshot: Snapshot | None = None
    events: tuple[Event, ...] = ()
    recent: bool = True
    gap: Gap | None = None


def read(recorded: Recorded, began: float, window: float) -> Past:
    """Load the charts' ``window`` in seconds and a day of events before ``began``. Blocks."""
    snapshot = recorded.at(began)
    if snapshot is None or began - snapshot.taken_at > EVENTS_OVER:
        return Past()
    events = recorded.events(began - EVENTS_OVER, began)[-EVENTS_KEPT:]
    gaps = recorded.gaps(snapshot.taken_at, began)
    gap = gaps[-1] if gaps and gaps[-1].end >= began else None
    return Past(snapshot, events, began - snapshot.taken_at <= window, gap)


def fill(store: Store, past: Past, now: float) -> None:
    """Put ``past`` into ``store``, on the engine's loop."""
    store.events.preload(past.events)
    if past.snapshot is None:
        return
    watched = [each.diagnosis.watched_since for each in past.snapshot.services]
    if past.gap is None and watched:
        since = [each for each in watched if each is not None]
        store.watched_since = min((store.watched_since, *since))
    if past.gap is not None:
        store.events.add(not_watched(past.gap.begin, past.gap.end))
    for service in past.snapshot.services:
        record = store.services.get(service.name)
        if record is not None:
            if past.recent:
                _fill(record, service, now)
            _recall(record, service, past, now)
            if not past.snapshot.seen_by:
                _recall_budgets(record, service, past.snapshot.taken_at)
            store.touch(record)
    here_until = past.snapshot.taken_at if past.snapshot.seen_by else None
    unseen_from = here_until if past.gap is None else past.gap.begin
    store.recall_alerts(_as_shown(past.snapshot.alerts, past.events), unseen_from, now)


def _as_shown(alerts: tuple[Alert, ...], events: tuple[Event, ...]) -> Iterator[Alert]:
    """The alerts, firing where the timeline says so.

    Who records may wait for what another console, which has gone, has seen fire and recorded. Of
    several alerts of one name the timeline does not say which it was.
    """
    last = {(each.service, each.subject): each for each in events if each.kind is EventKind.ALERT}
    named = Counter((each.service, each.name) for each in alerts)
    for alert in alerts:
        latest = last.get((alert.service, alert.name))
        fired = (
            latest is not None and latest.code is EventCode.ALERT_FIRED and latest.at >= alert.since
        )
        waits = alert.state is AlertState.PENDING and named[alert.service, alert.name] == 1
        yield replace(alert, state=AlertState.FIRING) if waits and fired else alert


def _recall(record: ServiceRecord, service: ServiceView, past: Past, now: float) -> None:
    unseen = None if past.gap is None else past.gap.begin
    if not record.judged_once:
        record.recalled = recalled(service, now, unseen)
    known = {(each.name, each.url): each for each in service.instances}
    for instance in record.instances:
        view = known.get((instance.name, instance.url))
        if view is None:
            continue
        if not instance.judged_once:
            instance.recalled = recalled(view, now, unseen)
            _recall_probes(instance, view, recent=past.recent)
        elif instance.at_least and instance.judgement.state is view.state:
            # It was looked at before its past was read.
            instance.since, instance.at_least = view.since, view.at_least


def _recall_budgets(record: ServiceRecord, service: ServiceView, until: float) -> None:
    """What the looks of the console before have counted of an availability counts on."""
    every = [each.interval for one in record.instances for each in one.probes if each.primary]
    for counted in service.objectives:
        budget = record.budgets.get(counted.objective)
        if budget is None or counted.origin != LOOKS or not counted.seen or not every:
            continue
        if (
            counted.unit == "%"
            and counted.actual is not None
            and isinstance(dict(record.objectives).get(counted.objective), Availability)
        ):
            looks = counted.seen * sum(1 / each for each in every)
            budget.recall(counted.actual, looks, until - counted.seen, until)


def _recall_probes(instance: InstanceRecord, view: InstanceView, *, recent: bool) -> None:
    """A look that finds a probe down as it was recorded recently needs no others beside it."""
    down = {(each.kind, each.url) for each in view.probes if each.state is State.DOWN}
    for probe in instance.probes:
        probe.was_down = recent and probe.taken_at is None and (probe.kind, probe.url) in down


def _fill(record: ServiceRecord, service: ServiceView, now: float) -> None:
    history, latency = record.history, service.latency
    if latency.origin == _PROBE:
        history.fill_latency((latency.trace_p50, latency.trace, latency.trace_p99), now)
    history.fill_states(service.state_trace, now)
    for metric in service.metrics:
        if metric.trace is not None:
            record.trace_of(metric.name).fill(metric.trace, now)
