"""What a diagnosis stands on: everything known at one moment, by service. Pure.

Invariant: nothing in it is newer than ``now``; a place that has not answered recently says
nothing of the present.
"""

from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Final
from urllib.parse import urlsplit

from opsconsole.dataclass import dataclass
from opsconsole.engine.judge.episodes import RED, episodes
from opsconsole.model.alerting.alerts import Alert
from opsconsole.model.events import Event, EventCode
from opsconsole.model.running.hosts import HostView
from opsconsole.model.running.workloads import EngineView, Replica, Workload
from opsconsole.model.snapshot import InstanceView, ServiceView, SourceView
from opsconsole.model.state import State

PRECISION: Final = 2.0
"""Seconds by which the times of two sources may differ for one and the same thing."""


@dataclass(frozen=True, slots=True)
class Onset:
    """When a service went wrong: after ``well``, its last good look, and by ``wrong``."""

    well: float
    wrong: float


@dataclass(frozen=True, slots=True)
class Known:
    """``events`` of each service are in order of time; ``replicas`` and ``workloads`` by id.

    ``named`` are the hosts that a service names, of those that do.
    """

    now: float
    services: Mapping[str, ServiceView] = field(default_factory=dict)
    replicas: Mapping[str, tuple[Replica, EngineView]] = field(default_factory=dict)
    workloads: Mapping[str, tuple[Workload, EngineView]] = field(default_factory=dict)
    events: Mapping[str, tuple[Event, ...]] = field(default_factory=dict)
    alerts: Mapping[str, tuple[Alert, ...]] = field(default_factory=dict)
    hosts: tuple[HostView, ...] = ()
    sources: tuple[SourceView, ...] = ()
    named: Mapping[str, tuple[HostView, ...]] = field(default_factory=dict)

    def copies(self, service: ServiceView) -> list[Replica]:
        """The copies of ``service`` that an engine knows at present, by name."""
        found = [self.replicas[one] for one in service.replicas if one in self.replicas]
        fresh = [replica for replica, engine in found if not engine.stale(self.now)]
        return sorted(fresh, key=lambda replica: (replica.name, replica.id))

    def wanted(self, service: ServiceView) -> list[Workload]:
        """What is wanted of ``service``, as engines say at present."""
        found = [self.workloads[one] for one in service.workloads if one in self.workloads]
        return [workload for workload, engine in found if not engine.stale(self.now)]

    def stands_on(self, service: ServiceView) -> tuple[HostView, ...]:
        """The hosts among those that are read, and recently, on which ``service`` runs.

        What it names, else by its addresses: a loopback's is the console's own.
        """
        if service.name in self.named:
            named = self.named[service.name]
            return tuple(each for each in named if not each.stale(self.now))
        addresses = {urlsplit(each.url).hostname or "" for each in service.instances if each.url}
        local = any(map(_is_loopback, addresses)) or any(
            self.replicas[one][1].inventory.endpoint.startswith("unix:")
            for one in service.replicas
            if one in self.replicas
        )
        return tuple(
            each
            for each in self.hosts
            if not each.stale(self.now)
            and ((local and not each.elsewhere) or each.host.name in addresses)
        )

    def onset(self, service: ServiceView) -> Onset | None:
        """When ``service`` went wrong; None if it is not wrong, or not known to be.

        What a person took away and put back went wrong when it was back and not well.
        """
        if service.state not in RED:
            return None
        seen = [found for each in service.instances if (found := _onset(each)) is not None]
        seen += [Onset(at, at) for at in self._ends(service)]
        seen.append(Onset(service.since, service.since))
        lasting = episodes(self.events.get(service.name, ())).get(service.name, ())
        if lasting and lasting[-1].ended_at is None:
            seen.append(Onset(lasting[-1].began_at, lasting[-1].began_at))
        first = min(seen, key=lambda each: (each.wrong, each.well))
        return Onset(first.well, max(first.wrong, self._back(service, first) or first.wrong))

    def _back(self, service: ServiceView, onset: Onset) -> float | None:
        """When what was taken away by order at ``onset`` was there again; None if it was not."""
        events = self.events.get(service.name, ())
        ordered = [
            each
            for each in events
            if _is_order(each) and onset.well - PRECISION <= each.at <= onset.wrong + PRECISION
        ]
        if not ordered:
            return None
        last = ordered[-1]
        return next(
            (
                each.at
                for each in events
                if each.at > last.at and each.subject == last.subject and each.code in _BACK
            ),
            None,
        )

    def _ends(self, service: ServiceView) -> Iterable[float]:
        for replica in self.copies(service):
            if replica.state in RED and replica.finished_at is not None:
                yield replica.finished_at


_BACK: Final = frozenset({EventCode.STARTED, EventCode.RECREATED, EventCode.IMAGE_CHANGED})


def _is_order(event: Event) -> bool:
    return event.code is EventCode.REMOVED or (event.code is EventCode.ENDED and bool(event.name))


def _onset(instance: InstanceView) -> Onset | None:
    if instance.state is State.OK or instance.wrong_at is None:
        return None
    return Onset(
        instance.wrong_at if instance.well_at is None else instance.well_at, instance.wrong_at
    )


def _is_loopback(address: str) -> bool:
    return address in {"localhost", "::1"} or address.startswith("127.")
