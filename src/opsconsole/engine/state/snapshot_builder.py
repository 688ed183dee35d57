"""Builds snapshots from the store.

Invariant: unchanged parts are the same objects as in the previous snapshot, including the tuple of
services if no service changed.
"""

from typing import Final, TypeVar

from opsconsole.config.settings import Settings
from opsconsole.engine.desks.team_desk import TeamParts
from opsconsole.engine.state.diagnoses import Diagnoses
from opsconsole.engine.state.met_since import MetSince
from opsconsole.engine.state.objective_turns import ObjectiveTurns
from opsconsole.engine.state.store import Store
from opsconsole.model.alerting.silences import SilenceView
from opsconsole.model.choices import SavedView
from opsconsole.model.maintenance import Maintenance
from opsconsole.model.operation import Degradation, Operation
from opsconsole.model.remedies.automation import Automation
from opsconsole.model.runbooks.runbook import RunbookView
from opsconsole.model.runbooks.runs import RunbookRun
from opsconsole.model.running.hosts import HostView
from opsconsole.model.running.workloads import EngineView
from opsconsole.model.snapshot import (
    Appearance,
    EnvironmentView,
    ServiceView,
    Snapshot,
    SourceView,
)
from opsconsole.model.source_id import THIS_HOST, SourceId, SourceKind

NO_TEAM: Final = TeamParts()

T = TypeVar("T")


class SnapshotBuilder:
    """Numbers the snapshots and keeps the parts that they share."""

    def __init__(self, settings: Settings, store: Store, *, read_only: bool) -> None:
        self._environment = EnvironmentView(
            name=settings.environment.name, danger=settings.environment.danger
        )
        self._settings, self._store = settings, store
        self._read_only = read_only
        self._appearance = _appearance(settings)
        self._environments = _environments(settings)
        self._seq = 0
        self._diagnoses = Diagnoses()
        self._met_since = MetSince()
        self._turns = ObjectiveTurns()
        self._services: tuple[ServiceView, ...] = ()
        self._sources: tuple[SourceView, ...] = ()
        self._hosts: tuple[HostView, ...] = ()
        self._engines: tuple[EngineView, ...] = ()
        self._silences: tuple[SilenceView, ...] = ()

    def take_over(self, settings: Settings, store: Store, *, read_only: bool) -> None:
        """Continue with new settings; numbers and unchanged parts stay."""
        platform = self._environment.platform
        named = EnvironmentView(settings.environment.name, settings.environment.danger, platform)
        self._environment = _same(self._environment, named)
        self._settings, self._store, self._read_only = settings, store, read_only
        self._appearance = _same(self._appearance, _appearance(settings))
        self._environments = _same(self._environments, _environments(settings))

    def build(
        self,
        now: float,
        operations: tuple[Operation, ...],
        notices: tuple[str, ...],
        degradations: tuple[Degradation, ...] = (),
        missed: tuple[Operation, ...] = (),
        runbooks: tuple[RunbookView, ...] = (),
        runs: tuple[RunbookRun, ...] = (),
        automation: Automation | None = None,
        maintenances: tuple[Maintenance, ...] = (),
        team: TeamParts = NO_TEAM,
    ) -> Snapshot:
        """Everything known at ``now``; call ``settle`` of the store before."""
        store = self._store
        self._seq += 1
        self._sources = _kept(self._sources, self._source_views(now))
        self._hosts = _kept(self._hosts, store.hosts.views)
        self._engines = _kept(self._engines, store.replicas.engines)
        self._note_platform()
        alerts, events = store.alerts.view(), store.events.view()
        diagnosed = self._diagnoses.added_to(
            self._service_views(),
            now,
            events=events,
            alerts=alerts,
            engines=self._engines,
            hosts=self._hosts,
            named=store.hosts_named(),
            sources=self._sources,
        )
        self._services = _kept(self._services, self._met_since.dated(diagnosed, now))
        for each in self._turns.events(self._services, now):
            store.events.add(each)
        self._silences = _kept(self._silences, (*store.servers.silences, *store.alerts.own()))
        return Snapshot(
            seq=self._seq,
            taken_at=now,
            environment=self._environment,
            services=self._services,
            alerts=alerts,
            hosts=self._hosts,
            engines=self._engines,
            events=store.events.view(),
            sources=self._sources,
            operations=operations,
            read_only=self._read_only,
            notices=notices,
            silences=self._silences,
            rules=store.servers.rules,
            degradations=degradations,
            missed=missed,
            appearance=self._appearance,
            environments=self._environments,
            runbooks=runbooks,
            runbook_runs=runs,
            automation=automation,
            maintenances=maintenances,
            incidents=team.incidents,
            present=team.present,
            handover=team.handover,
        )

    def _service_views(self) -> tuple[ServiceView, ...]:
        records = self._store.services.values()
        return tuple(record.view for record in records if record.view is not None)

    def _source_views(self, now: float) -> tuple[SourceView, ...]:
        store = self._store
        grouped = (store.probes.view(), store.scrapes.view())
        known = store.sources.views() or _awaited(self._settings, now)
        return (*(view for view in grouped if view is not None), *known)

    def _note_platform(self) -> None:
        own = self._store.hosts.of(THIS_HOST)
        here = own.host.platform if own is not None else ""
        if here and here != self._environment.platform:
            before = self._environment
            self._environment = EnvironmentView(before.name, before.danger, here)


def _awaited(settings: Settings, now: float) -> tuple[SourceView, ...]:
    """What is configured to be read, before it is opened: nothing of it is missing."""
    servers: list[tuple[SourceId, float]] = [
        (SourceId(kind, each.name), each.interval)
        for kind, places in (
            (SourceKind.DOCKER, [each for each in settings.docker if each.enabled]),
            (SourceKind.KUBERNETES, [each for each in settings.kubernetes if each.enabled]),
            (SourceKind.PROMETHEUS, settings.prometheus),
            (SourceKind.ALERTMANAGER, settings.alertmanager),
        )
        for each in places
    ]
    servers[:0] = ((who, host.units_every) for who, host in settings.unit_hosts.items())
    read = (pair for pair in settings.host_intervals.items() if settings.reads(pair[0]))
    servers[:0] = read
    return tuple(SourceView(id_, "", interval, None, now) for id_, interval in servers)


def saved_views(settings: Settings) -> tuple[SavedView, ...]:
    """The views that ``settings`` name, in their order."""
    return tuple(
        SavedView(name, each.filter, each.sort or "", each.grouping or "", each.failing)
        for name, each in settings.views.items()
    )


def _appearance(settings: Settings) -> Appearance:
    keys = tuple(sorted(settings.keys.items()))
    return Appearance(settings.display.theme, keys, saved_views(settings))


def _environments(settings: Settings) -> tuple[EnvironmentView, ...]:
    return tuple(
        EnvironmentView(name=name, danger=each.danger)
        for name, each in settings.environments.items()
    )


def _same(before: T, after: T) -> T:
    return before if before == after else after


def _kept(before: tuple[T, ...], after: tuple[T, ...]) -> tuple[T, ...]:
    same = len(before) == len(after) and all(a is b for a, b in zip(before, after, strict=True))
    return before if same else after
