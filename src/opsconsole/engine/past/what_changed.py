"""What changed before a service or an alert went wrong, read from a snapshot. Pure.

Invariant: the present state decides on trouble whose beginning or end has no event: the timeline is
bounded, and a console may have been opened in the middle of the trouble.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from opsconsole.engine.judge.causes import Question, what_changed
from opsconsole.engine.judge.episodes import RED, Episode, episodes
from opsconsole.model.alerting.alerts import Alert, AlertState
from opsconsole.model.causes import WINDOW, Changes, Ties, Topology
from opsconsole.model.events import Event
from opsconsole.model.snapshot import ServiceView, Snapshot
from opsconsole.model.state import State

SLACK: Final = 2.0
"""Seconds by which an alert may be dated before the state change that it is about."""


def before_service(
    snapshot: Snapshot, name: str, *, events: Iterable[Event] | None = None, window: float = WINDOW
) -> Changes:
    """What changed before ``name`` went wrong, this time or the last time."""
    happened = tuple(snapshot.events if events is None else events)
    known = troubles(snapshot, happened)
    latest = next(iter(known.get(name, ())[-1:]), None)
    now = snapshot.taken_at
    if latest is None:
        firing = [each.since for each in snapshot.alerts if _fires(each) and each.service == name]
        question = Question(name, name, min(firing, default=None), now)
    else:
        over = latest.ended_at is not None
        question = Question(name, name, latest.began_at, now, over)
    found = what_changed(question, happened, known, topology(snapshot), window)
    return replace(found, watched_since=_watched_since(snapshot))


def before_alert(
    snapshot: Snapshot,
    alert: Alert,
    *,
    events: Iterable[Event] | None = None,
    window: float = WINDOW,
) -> Changes:
    """What changed before ``alert``, or the trouble that it is about, began."""
    happened = tuple(snapshot.events if events is None else events)
    known = troubles(snapshot, happened)
    moment = alert.since
    for episode in known.get(alert.service, ()):
        if episode.covers(moment + SLACK):
            moment = min(moment, episode.began_at)
    over = alert.state is AlertState.RESOLVED
    question = Question(alert.name, alert.service, moment, snapshot.taken_at, over)
    found = what_changed(question, happened, known, topology(snapshot), window)
    return replace(found, watched_since=_watched_since(snapshot))


def _watched_since(snapshot: Snapshot) -> float | None:
    """From when on changes would have been seen, whichever service they are of."""
    since = [each.diagnosis.watched_since for each in snapshot.services]
    return max((at for at in since if at is not None), default=None)


def topology(snapshot: Snapshot) -> Topology:
    """How the services of a snapshot depend on each other."""
    engines = {one.id: engine.inventory.endpoint for one, engine in snapshot.replicas()}
    return Topology({each.name: _ties(each, engines) for each in snapshot.services})


def _ties(service: ServiceView, engines: Mapping[str, str]) -> Ties:
    """``engines`` maps each replica's id to its place."""
    hosts = {urlsplit(each.url).hostname or "" for each in service.instances if each.url}
    hosts |= {engines[id_] for id_ in service.replicas if id_ in engines} | set(service.places)
    return Ties(service.depends_on, frozenset(hosts - {""}))


def troubles(snapshot: Snapshot, events: Iterable[Event]) -> dict[str, tuple[Episode, ...]]:
    """Episodes from the events; where they differ from the snapshot's state, that state decides."""
    found = episodes(events)
    for service in snapshot.services:
        known = found.get(service.name, ())
        lasting = bool(known) and known[-1].ended_at is None
        if service.state in RED and not lasting:
            worst = State.DOWN if service.state is State.DOWN else State.DEGRADED
            found[service.name] = (*known, Episode(service.name, service.since, None, worst))
        elif service.state is State.OK and lasting and snapshot.taken_at >= known[-1].began_at:
            ended = replace(known[-1], ended_at=max(service.since, known[-1].began_at))
            found[service.name] = (*known[:-1], ended)
    return found


def _fires(alert: Alert) -> bool:
    return alert.state is AlertState.FIRING
