"""Everything that is known, updated reading by reading.

Invariant: touched by the engine's loop alone. A reading costs the same however many services there
are; a service's view is rebuilt at the next ``settle`` after one of its parts changed, and a part
that is no longer looked at becomes stale and UNKNOWN.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import inf
from typing import Final, assert_never

from opsconsole.config.settings import Settings
from opsconsole.engine.alerts.alert_book import AlertBook, own_rules
from opsconsole.engine.alerts.server_book import ServerBook
from opsconsole.engine.figures import service_figures as figures
from opsconsole.engine.judge import health
from opsconsole.engine.judge.events import certificate_ends, health_flip, version_change
from opsconsole.engine.judge.service import Judgement
from opsconsole.engine.records.event_log import EventLog
from opsconsole.engine.records.find_instance import Locator
from opsconsole.engine.records.fleet import (
    InstanceRecord,
    ProbeRecord,
    ServiceRecord,
    build_services,
)
from opsconsole.engine.records.recall import Recalled
from opsconsole.engine.records.replica_book import ReplicaBook
from opsconsole.engine.state.carry_over import carried
from opsconsole.engine.state.host_book import HostBook
from opsconsole.engine.state.joining import join
from opsconsole.engine.state.judgements import (
    of_instance,
    of_pod,
    of_probes,
    of_service,
)
from opsconsole.engine.state.node_views import node_views
from opsconsole.engine.state.pod_book import PodBook
from opsconsole.engine.state.probe_watch import ProbeWatch
from opsconsole.engine.state.restarts import RestartWatch
from opsconsole.engine.state.scrape_watch import ScrapeWatch
from opsconsole.engine.state.source_book import SourceBook
from opsconsole.engine.state.target_book import TargetBook
from opsconsole.engine.state.views import instance_view, service_view
from opsconsole.model.alerting.alerts import Alert, AlertState
from opsconsole.model.certificate import Validity
from opsconsole.model.diagnosis import NO_DIAGNOSIS, Diagnosis
from opsconsole.model.events import Event, EventKind
from opsconsole.model.health import HealthReport, aged
from opsconsole.model.objectives import WindowCounts
from opsconsole.model.observations import (
    AlertmanagerSeen,
    BudgetsSeen,
    Observation,
    PodsSeen,
    PrometheusSeen,
    ScrapeSeen,
)
from opsconsole.model.operation import ActionView
from opsconsole.model.reading import SINGLE_LOOK, Reading, stale_after
from opsconsole.model.running.hosts import Host, HostView
from opsconsole.model.running.workloads import Inventory
from opsconsole.model.series import MetricValue
from opsconsole.model.snapshot import CertificateView
from opsconsole.model.source_id import THIS_HOST, SourceId, SourceKind
from opsconsole.model.state import State
from opsconsole.sources.base import AnySource

SOONER: Final = 5
"""An undecided look is repeated after this fraction of its interval, so that DOWN shows quickly."""

LEAST_RETRY: Final = 0.25
"""Seconds; no target is looked at more often."""

_LONGEST_QUIET: Final = 60.0
_OF_REPLICAS: Final = frozenset({EventKind.CONTAINER, EventKind.RESTART, EventKind.IMAGE})


class Store:
    """Takes readings through ``apply``; gives records, rows and events."""

    def __init__(
        self,
        settings: Settings,
        now: float,
        *,
        single: bool = False,
        before: "Store | None" = None,
    ) -> None:
        """Empty, or with everything that still applies of ``before``, which had other settings."""
        self.events: EventLog = before.events if before else EventLog()
        self.services = build_services(settings, now, single=single)
        if before is not None:
            self.services = carried(before.services, self.services)
        known_alerts: AlertBook | None = before.alerts if before else None
        self.alerts: AlertBook = AlertBook(settings, self.services, self.events, known_alerts, now)
        self._index: dict[SourceId, tuple[InstanceRecord, ProbeRecord]] = {
            probe.id: (instance, probe)
            for record in self.services.values()
            for instance in record.looked_at
            for probe in instance.probes
        }
        self._pods = PodBook(self.services.values())
        starts = before.restarts if before else None
        self.restarts: RestartWatch = RestartWatch(Locator(settings), self.events, starts)
        self.sources = SourceBook(self.events)
        self.probes = ProbeWatch((probe for _, probe in self._index.values()), now)
        self.scrapes = ScrapeWatch(now)
        self._least = SINGLE_LOOK if single else 0.0
        self.replicas: ReplicaBook = ReplicaBook(
            settings, before.replicas if before else None, least=self._least
        )
        known_targets = before.targets if before else None
        self.targets: TargetBook = TargetBook(settings, known_targets, least=self._least)
        self.servers: ServerBook = before.servers if before else ServerBook()
        known_hosts = before.hosts if before else None
        intervals = {who: max(every, self._least) for who, every in settings.host_intervals.items()}
        self.hosts: HostBook = HostBook(intervals, known_hosts)
        self._host_of = {name: settings.host_source(name) for name in settings.services}
        named = ((name, settings.hosts_named(name)) for name in settings.services)
        self._named = {name: sources for name, sources in named if sources}
        self._reporting: set[SourceId] = set()
        self._touched: set[ServiceRecord] = set()
        self._touched_instances: set[InstanceRecord] = set()
        self.watched_since: float = before.watched_since if before else now
        self._resumed_at: float | None = None
        self._unexplained = NO_DIAGNOSIS
        self._quiet_until = now
        self._probes_due = -inf
        self._changed = True
        if before is not None:
            self._take_over(before)
        known = before.services if before is not None else {}
        for name, record in self.services.items():
            if known.get(name) is not record:
                self._touched.add(record)
                self._touched_instances.update(record.instances)
        for instance, _ in self._index.values():
            instance.judgement = of_pod(instance) if instance.pod else of_probes(instance)
        self.settle(now)

    def watch(self, sources: Sequence[AnySource], now: float) -> None:
        """Track exactly those of ``sources`` that are not probes of an instance."""
        kept = frozenset(source.id for source in sources)
        self.scrapes.retain(kept)
        self.sources.retain(kept)
        self._reporting &= kept
        self.hosts.retain(kept)
        self._share_host()
        self.servers.retain(kept)
        for record in self.services.values():
            if record.forget_servers(kept):
                self._touched.add(record)
        self.alerts.retain(kept, now)
        for source in sources:
            if source.id.kind is SourceKind.SCRAPE:
                self.scrapes.watch(source)
            elif source.id.kind is not SourceKind.PROBE:
                self.sources.watch(source, now)
        self._changed = True

    def _take_over(self, before: "Store") -> None:
        """Carry over what is not about services; ``watch`` drops removed sources."""
        self.sources, self.scrapes = before.sources, before.scrapes
        self.probes.take_over(before.probes)
        self._reporting = before._reporting
        self._share_host()
        self._resumed_at, self._quiet_until = before._resumed_at, before._quiet_until
        self._join_replicas()

    def hosts_named(self) -> dict[str, tuple[HostView, ...]]:
        """The hosts that services name, as far as these were seen; without those that name none."""
        views = {name: map(self.hosts.of, sources) for name, sources in self._named.items()}
        return {name: tuple(filter(None, found)) for name, found in views.items()}

    def _share_host(self) -> None:
        """Each service knows the host that it runs on."""
        for record in self.services.values():
            record.host = self.hosts.of(self._host_of.get(record.name, THIS_HOST))

    def apply(self, reading: Reading[Observation], lag: float = 0.0) -> float | None:
        """Take in one reading. Returns the seconds to a sooner look if it is undecided."""
        source, at = reading.source, reading.taken_at
        if source.kind is SourceKind.PROBE:
            return self._apply_probe(reading, lag)
        self._changed = True
        if source.kind is SourceKind.SCRAPE:
            self.scrapes.note(reading, lag)
        else:
            self.sources.note(reading, lag)
        match reading.value:
            case ScrapeSeen() as seen:
                self.apply_metrics(seen.metrics, at)
                self.restarts.note(seen.starts, at)
                self._apply_counts(seen.counts)
            case Host() as host:
                self.hosts.note(source, host, at)
                self._share_host()
            case Inventory() as inventory:
                self._apply_inventory(source, inventory, at)
            case PrometheusSeen() as seen:
                self.alerts.of_prometheus(source, seen, at)
                self._touch_jobs(self.targets.note(source.name, seen.targets, at))
                self.servers.note_rules(source, seen.rules)
                own = self.servers.evaluated(source, seen.evaluations, at)
                self.alerts.report(own_rules(source), own, at)
                self.apply_metrics(seen.metrics, at)
                self.restarts.note(seen.starts, at)
            case AlertmanagerSeen() as seen:
                self.alerts.of_alertmanager(source, seen, at)
                self.servers.note_silences(source, seen.silences)
            case BudgetsSeen() as seen:
                self._apply_counts(seen.counts)
            case HealthReport() | PodsSeen() | None:
                pass
            case _ as never:
                assert_never(never)
        return None

    def take_event(self, event: Event) -> list[SourceId]:
        """Take in an event that a source reports. Returns the sources to look at now.

        Of workloads only those are kept that somebody watches: a cluster has thousands. What it
        reported of one it knows already, so that it is not asked again for that.
        """
        if event.kind not in _OF_REPLICAS:
            self.events.add(event)
            return []
        reporting = () if event.about else self._reporting
        asked = [each for each in reporting if event.place in {"", each.name}]
        service, whose = event.service, (event.about or event.subject, event.place)
        for record in self.services.values():
            if record.is_about(*whose):
                service = service or record.name
                mine = [each for each in record.instances if each.is_about(*whose)]
                asked.extend(each.id for one in mine or record.instances for each in one.probes)
                asked.extend(record.pod_terms.sources if record.pod_terms else ())
        if service or not event.about:
            self.events.add(replace(event, service=service))
        return asked

    def suspended(self, now: float) -> None:
        """Take in that time was lost: nothing is known, and the next interval's failures do not
        count.

        Becoming unknown by it, and known again, is one event and not one for each service.
        """
        self._resumed_at = self.watched_since = now
        longest = max((probe.interval for _, probe in self._index.values()), default=0.0)
        self._quiet_until = now + 2 * min(longest, _LONGEST_QUIET)

    def set_actions(self, name: str, actions: tuple[ActionView, ...]) -> None:
        """Take in what the operator allows for a service now; a removed service is ignored."""
        record = self.services.get(name)
        if record is not None and record.actions != actions:
            record.actions = actions
            self._touched.add(record)

    def recall_alerts(self, alerts: Iterable[Alert], unseen_from: float | None, now: float) -> None:
        """Go on with the alerts that were recorded; nobody has looked since ``unseen_from``."""
        # Nobody knows whether a condition held without a break while nobody looked.
        known = tuple(
            each for each in alerts if unseen_from is None or each.state is not AlertState.PENDING
        )
        self.servers.recall(known)
        self.alerts.recall(known, unseen_from, now)

    def touch(self, record: ServiceRecord) -> None:
        """Mark the view of ``record`` to be rebuilt."""
        self._touched.add(record)

    def touch_instances(self, record: ServiceRecord) -> None:
        """Mark the views of its instances to be rebuilt as well."""
        self._touched_instances.update(record.instances)

    def settle(self, now: float) -> bool:
        """Rebuild what was touched, age what was not. Returns whether anything changed."""
        self._expire_probes(now)
        if self.replicas.expire(now):
            self._join_replicas()
        self._touch_jobs(self.targets.expire(now))
        for instance in self._touched_instances:
            self._judge_instance(instance, now)
            instance.view = instance_view(instance)
        self._touched_instances.clear()
        touched, self._touched = self._touched, set()
        for record in touched:
            self._rebuild(record, now)
        changed = self._changed or bool(touched)
        self._changed = False
        return self.alerts.tick(now, self.sources.silent(now, self._least), touched) or changed

    def _touch_jobs(self, changed: bool) -> None:
        """Mark what names a job, where what is known of targets has ``changed``."""
        if changed:
            self._touched.update(each for each in self.services.values() if each.config.job)

    def _apply_probe(self, reading: Reading[Observation], lag: float) -> float | None:
        found = self._index.get(reading.source)
        if found is None:
            # Of all pods of a service; or of what was removed from the configuration meanwhile.
            return self._apply_pods(reading, lag)
        instance, probe = found
        report, fault, at = reading.value, reading.fault, reading.taken_at
        assert report is None or isinstance(report, HealthReport), "what a probe gives"
        self.probes.note(reading.source, fault, at, lag)
        probe.taken_at, probe.took, probe.fault, probe.stale = at, reading.took, fault, False
        self._probes_due = min(self._probes_due, stale_after(at, probe.pause(self._least)))
        self._note_certificate(instance.service.name, probe, reading.certificate, at)
        if report is not None:
            if report is not probe.answered:
                probe.answered, probe.report = report, aged(report, probe.report, at)
            probe.report_at = at
        look = health.look_at(at, report, fault)
        if look.state is State.DOWN and (instance.ended or probe.was_down):
            look = health.Look(at, look.state, look.reason, decisive=True)
        probe.was_down = False
        self._touched_instances.add(instance)
        self._touched.add(instance.service)
        if self._forgiven(probe, look):
            return self._sooner(probe)
        probe.note_whether_well(at, look.state)
        before = probe.judged.state
        probe.judged = health.step(probe.judged, look, probe.limits)
        if probe.primary:
            if look.state is not State.UNKNOWN:
                # A time that may be this console's own is no figure of the service.
                latency = reading.took if report is not None and reading.sharp else None
                failed = look.state is State.DOWN
                instance.service.note_look(at, failed=failed, latency=latency)
            if report is not None and report.version != instance.version:
                self._note_version(instance, report.version, at)
        if probe.judged.state is not before:
            self._judge_instance(instance, at)
        return self._sooner(probe) if probe.judged.undecided else None

    def _apply_pods(self, reading: Reading[Observation], lag: float) -> float | None:
        """Take in a look at each pod of a service, or that they could not be asked."""
        record, looks = self._pods.take(reading, self._index)
        if record is not None:
            self._touched.add(record)
        again = [self._apply_probe(each, lag) for each in looks]
        return min((each for each in again if each is not None), default=None)

    def _note_certificate(
        self, service: str, probe: ProbeRecord, validity: Validity | None, at: float
    ) -> None:
        """Take in what TLS showed; that it ends soon is said once, however many copies show it."""
        if validity is None:
            return
        every = max(probe.interval, self._least)
        before, probe.certificate = probe.certificate, CertificateView(validity, at, every)
        event = certificate_ends(at, service, validity)
        if before is not None and event == certificate_ends(
            before.seen_at, service, before.validity
        ):
            return
        if event not in self.events.view():
            self.events.add(event)

    @staticmethod
    def _sooner(probe: ProbeRecord) -> float:
        return min(probe.interval, max(LEAST_RETRY, probe.interval / SOONER))

    def _forgiven(self, probe: ProbeRecord, look: health.Look) -> bool:
        if self._resumed_at is None or look.state in {State.OK, State.DEGRADED}:
            return False
        return look.at - self._resumed_at < probe.interval

    def _apply_inventory(self, key: SourceId, inventory: Inventory, at: float) -> None:
        if self.replicas.note(inventory, at):
            self._reporting.add(key)
            self._join_replicas()

    def _join_replicas(self) -> None:
        """Give every service what engines report of it."""
        for record in self.services.values():
            concerned = [] if record.nodes else join(record, self.replicas)
            if concerned is not None:
                self._touched.add(record)
                self._touched_instances.update(concerned)

    def apply_metrics(self, metrics: Iterable[MetricValue], at: float) -> None:
        """Take in present figures of services, whatever their source."""
        for metric in metrics:
            record = self.services.get(metric.service)
            if record is not None:
                record.note_metric(metric, at)
                self._touched.add(record)

    def _apply_counts(self, counts: Iterable[WindowCounts]) -> None:
        for each in counts:
            record = self.services.get(each.service)
            if record is not None:
                record.note_counts(each)
                self._touched.add(record)

    def _note_version(self, instance: InstanceRecord, version: str, at: float) -> None:
        name = instance.service.name
        subject = instance.name
        self.events.add(version_change(at, name, subject, instance.version, version))
        instance.version = version or instance.version

    def _expire_probes(self, now: float) -> None:
        if now <= self._probes_due:
            return
        ends: list[float] = []
        for instance, probe in self._index.values():
            if probe.taken_at is None or probe.stale:
                continue
            end = stale_after(probe.taken_at, probe.pause(self._least))
            if now <= end:
                ends.append(end)
                continue
            probe.stale = True
            reason = f"not looked at for {now - probe.taken_at:.0f} s"
            probe.judged = health.expire(probe.judged, end, reason)
            self._touched_instances.add(instance)
            self._touched.add(instance.service)
        self._probes_due = min(ends, default=inf)

    def _judge_instance(self, instance: InstanceRecord, at: float) -> None:
        judgement = of_instance(instance, self.replicas)
        before, instance.judgement = instance.judgement, judgement
        if before.state is judgement.state:
            return
        instance.since = max(at, instance.since)
        instance.at_least = not instance.judged_once
        instance.judged_once = True
        recalled, instance.recalled = instance.recalled, None
        if recalled is not None and recalled.state is judgement.state:
            instance.since, instance.at_least = recalled.since, recalled.at_least
            return
        if instance.pod:
            # Pods come and go: the timeline has what becomes of the service.
            return
        self._add_flip(at, (instance.service.name, instance.name), before, judgement, recalled)

    def _rebuild(self, record: ServiceRecord, now: float) -> None:
        nodes = node_views(record, self.replicas.engines, now) if record.nodes else ()
        views, judgement = of_service(record, nodes or self.targets.copies(record, now))
        if not views and record.copies is None and record.wanted:
            judgement = self.replicas.lack(record.wanted[0], meant=record.meant).judgement
        self._note_service_flip(record, judgement, now)
        record.judgement = judgement
        if record.copies is not None or any(each.taken_at is not None for each in views):
            record.history.note_state(now, judgement.state)
        for metric in figures.body_metrics(record):
            record.note_metric(metric, now)
        if self._unexplained.watched_since != self.watched_since:
            self._unexplained = Diagnosis(watched_since=self.watched_since)
        record.view = service_view(record, views, now, self._unexplained)

    def _note_service_flip(self, record: ServiceRecord, judgement: Judgement, now: float) -> None:
        before, recalled = record.judgement, record.recalled
        judged = [each.judged_once for each in record.instances]
        if before.state is not judgement.state:
            record.since = max(now, record.since)
            record.at_least = not record.judged_once
            record.judged_once = all(judged)
        elif recalled is None:
            return
        if recalled is not None:
            if judgement.state is State.UNKNOWN or recalled.waits(now, judged):
                return
            record.recalled = None
            if recalled.state is judgement.state:
                record.since, record.at_least = recalled.since, recalled.at_least
                return
        was = before if recalled is None else recalled
        whole = State.DOWN in {was.state, judgement.state}
        if len(record.instances) != 1 and (whole or not record.instances):
            self._add_flip(now, (record.name, record.name), before, judgement, recalled)

    def _add_flip(
        self,
        at: float,
        subject: tuple[str, str],
        before: Judgement,
        after: Judgement,
        recalled: Recalled | None,
    ) -> None:
        """``subject`` is a service and its part; ``recalled`` is what was recorded before."""
        unknown = State.UNKNOWN in {before.state, after.state}
        if unknown and after.state is not State.DOWN and at < self._quiet_until:
            return
        if recalled is None:
            was, unseen = (before.state, before.reason), None
        else:
            was, unseen = (recalled.state, recalled.reason), recalled.unseen(at)
        self.events.add(health_flip(at, *subject, was, (after.state, after.reason), unseen))
