"""The diagnoses of all services, from snapshot to snapshot.

Invariant: a service of which nothing that its diagnosis stands on has changed keeps its view, as
the same object; one that is well costs nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from operator import attrgetter
from typing import Final, TypeVar

from opsconsole.engine.judge.diagnosis.diagnose import diagnose
from opsconsole.engine.judge.diagnosis.known import Known
from opsconsole.engine.judge.diagnosis.looks import part_in_ok
from opsconsole.model.alerting.alerts import Alert, AlertState
from opsconsole.model.diagnosis import Diagnosis
from opsconsole.model.events import Event
from opsconsole.model.running.hosts import HostView
from opsconsole.model.running.workloads import EngineView
from opsconsole.model.snapshot import ServiceView, SourceView
from opsconsole.model.state import State

T = TypeVar("T", Event, Alert)

AGAIN_AFTER: Final = 5.0
"""Seconds after which a diagnosis is made again though nothing changed: what is read grows old."""


class Diagnoses:
    """What was found so far."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[tuple[object, ...], ServiceView]] = {}
        self._events: tuple[Event, ...] = ()
        self._by_service: dict[str, tuple[Event, ...]] = {}
        self._firing: dict[str, tuple[Alert, ...]] = {}
        self._well: dict[str, ServiceView] = {}

    def added_to(
        self,
        services: tuple[ServiceView, ...],
        now: float,
        *,
        events: tuple[Event, ...],
        alerts: tuple[Alert, ...],
        engines: tuple[EngineView, ...],
        hosts: tuple[HostView, ...],
        named: Mapping[str, tuple[HostView, ...]],
        sources: tuple[SourceView, ...],
    ) -> tuple[ServiceView, ...]:
        """``services``, those that are not plainly well with their diagnoses."""
        found_firing = _by_service(alert for alert in alerts if alert.state is AlertState.FIRING)
        self._firing = firing = _kept(self._firing, found_firing)
        well = self._well
        ill = [
            each
            for each in services
            if (well.get(each.name) is not each and not self._is_well(each, now))
            or each.name in firing
        ]
        if not ill:
            self._found.clear()
            return services
        self._group(events)
        known = Known(
            now,
            {each.name: each for each in services},
            {one.id: (one, engine) for engine in engines for one in engine.inventory.replicas},
            {one.id: (one, engine) for engine in engines for one in engine.inventory.workloads},
            self._by_service,
            firing,
            hosts,
            sources,
            named,
        )
        # Spread, so that not all of a large fleet come at one moment.
        turns = (int(now / AGAIN_AFTER + index / len(ill)) for index in range(len(ill)))
        unread: dict[tuple[object, ...], Diagnosis] = {}
        found = {
            each.name: self._of(each, known, turn, unread)
            for each, turn in zip(ill, turns, strict=True)
        }
        self._found = found
        return tuple(found[each.name][1] if each.name in found else each for each in services)

    def _is_well(self, service: ServiceView, now: float) -> bool:
        """Whether ``service`` is plainly well; remembered, unless a certificate may end by it."""
        well = _plainly_well(service, now)
        if well and service.certificate(now) is None:
            self._well[service.name] = service
        else:
            self._well.pop(service.name, None)
        return well

    def _of(
        self,
        service: ServiceView,
        known: Known,
        turn: int,
        unread: dict[tuple[object, ...], Diagnosis],
    ) -> tuple[tuple[object, ...], ServiceView]:
        mine = (known.events.get(service.name), known.alerts.get(service.name))
        signs = (service, turn, *mine, *_below(service, known))
        before = self._found.get(service.name)
        if before is not None and _same(before[0], signs):
            return before
        diagnosis = _diagnosed(service, known, unread)
        if before is not None and before[0][0] is service and before[1].diagnosis == diagnosis:
            return signs, before[1]
        return signs, replace(service, diagnosis=diagnosis)

    def _group(self, events: tuple[Event, ...]) -> None:
        if events is self._events:
            return
        self._events = events
        self._by_service = _kept(self._by_service, _by_service(sorted(events, key=_in_time)))


def _diagnosed(
    service: ServiceView, known: Known, unread: dict[tuple[object, ...], Diagnosis]
) -> Diagnosis:
    """The diagnosis of ``service``; of those that nobody has read yet, one for all that are alike:
    when a large fleet is opened, that is every one."""
    alike = _unread_alike(service, known)
    if alike is None:
        return diagnose(service, known)
    if alike not in unread:
        unread[alike] = diagnose(service, known)
    return unread[alike]


def _unread_alike(service: ServiceView, known: Known) -> tuple[object, ...] | None:
    """All that a diagnosis can stand on of a service that is a job nobody has read yet; None for
    any other."""
    if service.state is not State.UNKNOWN or len(service.instances) != 1:
        return None
    one = service.instances[0]
    heard = (known.events.get(service.name), known.alerts.get(service.name))
    of_it = (service.depends_on, service.objectives, service.metrics, service.replicas)
    of_one = (one.taken_at, one.probes, one.runs_as, one.url, one.report, one.fault, one.replicas)
    if any((*heard, *of_it, *of_one, service.workloads, service.version)):
        return None
    return (
        *(service.since, service.reason, service.stale, service.flapping, service.places),
        *(service.environment, service.group, service.at_least, service.diagnosis),
        *(one.state, one.since, one.reason, one.stale, one.flapping, one.wrong_at, one.well_at),
    )


def _in_time(event: Event) -> tuple[float, str, str, str, str, str]:
    # What happened at one moment has an order of its own, whichever source was first.
    return event.at, event.code, event.subject, event.name, event.after, event.detail


def _plainly_well(service: ServiceView, now: float) -> bool:
    return (
        service.state is State.OK
        and not service.stale
        and not service.flapping
        and all(each.met is not False for each in service.objectives)
        and not any(map(part_in_ok, service.instances))
        and not _certificate_ends(service, now)
    )


def _certificate_ends(service: ServiceView, now: float) -> bool:
    shown = service.certificate(now)
    return shown is not None and shown.validity.notice(now) is not None


def _below(service: ServiceView, known: Known) -> Iterable[ServiceView]:
    """Everything that ``service`` needs, directly or through others."""
    seen: dict[str, ServiceView] = {}
    ahead = list(service.depends_on)
    while ahead:
        name = ahead.pop()
        other = known.services.get(name)
        if other is not None and name not in seen:
            seen[name] = other
            ahead.extend(other.depends_on)
    return seen.values()


def _same(before: Sequence[object], after: Sequence[object]) -> bool:
    return len(before) == len(after) and all(
        one is other or (isinstance(one, int) and one == other)
        for one, other in zip(before, after, strict=True)
    )


def _kept(
    before: dict[str, tuple[T, ...]], after: dict[str, tuple[T, ...]]
) -> dict[str, tuple[T, ...]]:
    """``after``, a group in which nothing changed as the same object as in ``before``."""
    return {
        name: known if _same(known := before.get(name, ()), group) else group
        for name, group in after.items()
    }


def _by_service(items: Iterable[T]) -> dict[str, tuple[T, ...]]:
    """``items`` by their service, each group in its order."""
    in_groups = sorted(items, key=attrgetter("service"))
    return {name: tuple(group) for name, group in groupby(in_groups, key=attrgetter("service"))}
