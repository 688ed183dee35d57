"""The engine's records of what is watched: services, their instances, their probes.

Invariant: these records are touched by the engine's loop alone. A record's ``view`` is rebuilt only
after it was marked as touched, so that an unchanged view stays the same object.
"""

from collections.abc import Container, Sequence
from dataclasses import field, replace
from typing import Final
from urllib.parse import urlsplit

from opsconsole.config.actions import Actions
from opsconsole.config.services import Service, Thresholds
from opsconsole.config.settings import Settings
from opsconsole.dataclass import dataclass
from opsconsole.engine.judge.health import Judged, Limits
from opsconsole.engine.judge.service import Judgement
from opsconsole.engine.records.recall import Recalled
from opsconsole.engine.records.replica_book import Copies, Wanted
from opsconsole.engine.traces.budget_history import BudgetHistory
from opsconsole.engine.traces.figure_trace import FigureTrace
from opsconsole.engine.traces.history import LEAST_SLOTS, History
from opsconsole.engine.traces.scaling_watch import ScalingWatch
from opsconsole.hiding import without_query
from opsconsole.model.fault import Fault
from opsconsole.model.health import HealthReport, ProbeKind
from opsconsole.model.objectives import WindowCounts
from opsconsole.model.operation import ActionView
from opsconsole.model.origin import DECLARED, Origin
from opsconsole.model.reading import SINGLE_LOOK, is_stale
from opsconsole.model.running.hosts import HostView
from opsconsole.model.running.units import unit_name
from opsconsole.model.running.workloads import Replica
from opsconsole.model.series import MetricValue
from opsconsole.model.snapshot import CertificateView, InstanceView, ServiceView
from opsconsole.model.source_id import NOBODY, SourceId, SourceKind
from opsconsole.model.state import State
from opsconsole.model.written.expressions import (
    Availability,
    Comparison,
    Expression,
    ExpressionError,
    parse,
)
from opsconsole.sources.health.factory import (
    Asked,
    interval_of,
    pods_of,
    probes_of,
    timeout_of,
)

SCRAPE_EVERY: Final = 15.0
"""Seconds between the console's own scrapes of an instance, unless a short window needs more."""

_NO_ACTIONS: Final = Actions.model_construct()

LEAST_SCRAPE: Final = 1.0
"""Seconds; no target is scraped more often."""


@dataclass(slots=True, eq=False)
class ProbeRecord:
    """One URL of one instance. ``primary`` is the probe whose latency and errors are counted.

    ``answered`` is the latest report as it was read, ``report`` the same with the ages of its
    components. ``well_at`` is the last good look, ``wrong_at`` the first after it that was not.
    ``was_down``: as was recorded just before this console's first look.
    """

    id: SourceId
    kind: ProbeKind
    url: str
    interval: float
    timeout: float
    limits: Limits
    primary: bool
    judged: Judged
    taken_at: float | None = None
    took: float | None = None
    report: HealthReport | None = None
    report_at: float | None = None
    fault: Fault | None = None
    stale: bool = False
    answered: HealthReport | None = None
    was_down: bool = False
    well_at: float | None = None
    wrong_at: float | None = None
    certificate: CertificateView | None = None

    def pause(self, least: float) -> float:
        """Seconds to its next look at most: a target that asked for a rest gets it."""
        rest = self.fault.retry_after if self.fault else 0.0
        return max(self.interval, rest, least)

    def note_whether_well(self, at: float, state: State) -> None:
        """Take in whether a look at ``at`` was good."""
        if state is State.OK:
            self.well_at, self.wrong_at = at, None
        elif self.wrong_at is None:
            self.wrong_at = at


@dataclass(slots=True, eq=False)
class InstanceRecord:
    """One running copy. ``runs_as`` is the name by which an engine knows it, '' if none does.

    ``on`` is the host of its URL. ``replicas`` are what that name stands for; ``ended`` says that
    none of them runs any more. ``judged_once``: some look decided about it; until then ``recalled``
    is what was recorded. ``pod`` is the id of the replica that it is, where it is a pod that is
    asked itself.
    """

    service: "ServiceRecord"
    name: str
    url: str
    runs_as: str
    engine: str = ""
    on: str = ""
    probes: list[ProbeRecord] = field(default_factory=list)
    replicas: tuple[Replica, ...] = ()
    ended: bool = False
    judgement: Judgement = field(default_factory=lambda: Judgement(State.UNKNOWN))
    since: float = 0.0
    version: str = ""
    view: InstanceView | None = None
    origin: Origin = DECLARED
    judged_once: bool = False
    at_least: bool = False
    recalled: Recalled | None = None
    pod: str = ""

    def is_about(self, name: str, place: str) -> bool:
        """Whether the name ``name`` in ``place`` ('': any) may be what it runs as."""
        return _means((self.runs_as, self.engine), name, place) or _among(
            self.replicas, name, place
        )


@dataclass(frozen=True, slots=True)
class PodTerms:
    """How the pods of a service are judged: by whose looks, how often, with which thresholds."""

    sources: tuple[SourceId, ...]
    interval: float
    timeout: float
    limits: Limits


@dataclass(slots=True, eq=False)
class ServiceRecord:
    """One service. ``copies`` is what engines report of it; None while none of them has answered.

    ``metrics_every`` is the interval, in seconds, that decides whether its metrics are stale.
    Counts for its objectives, by their text: ``budgets`` of looks, ``scraped`` of requests seen by
    own scrapes, ``asked`` of windows as Prometheus reported them. ``host`` is its host,
    ``workloads`` what it is in clusters. ``pods`` are those that answered a look, by the ids of
    their replicas; ``unasked`` is why those of a cluster could not be asked. ``nodes`` are those
    that it is about, where it is nothing else, with their clusters before them. ``units_at`` reads
    its units.
    """

    name: str
    config: Service
    history: History
    objectives: tuple[tuple[str, Expression], ...]
    since: float
    metrics_every: float
    instances: list[InstanceRecord] = field(default_factory=list)
    workloads: tuple[Wanted, ...] = ()
    copies: Copies | None = None
    metrics: dict[str, MetricValue] = field(default_factory=dict)
    traces: dict[str, FigureTrace] = field(default_factory=dict)
    actions: tuple[ActionView, ...] = ()
    judgement: Judgement = field(default_factory=lambda: Judgement(State.UNKNOWN))
    view: ServiceView | None = None
    budgets: dict[str, BudgetHistory] = field(default_factory=dict)
    scraped: dict[str, BudgetHistory] = field(default_factory=dict)
    asked: dict[str, dict[float, WindowCounts]] = field(default_factory=dict)
    scaling: ScalingWatch | None = None
    judged_once: bool = False
    at_least: bool = False
    recalled: Recalled | None = None
    host: HostView | None = None
    pod_terms: PodTerms | None = None
    pods: dict[str, InstanceRecord] = field(default_factory=dict)
    unasked: dict[str, Fault] = field(default_factory=dict)
    nodes: tuple[tuple[str, str], ...] = ()
    units_at: SourceId = NOBODY

    @property
    def looked_at(self) -> tuple[InstanceRecord, ...]:
        """All that probes look at: its instances, or its pods."""
        return (*self.instances, *self.pods.values())

    @property
    def failing_since(self) -> float:
        """When its present state began: where looks fail, the first of them that did."""
        if self.judgement.state is State.OK:
            return self.since
        wrong = [
            probe.wrong_at
            for each in self.looked_at
            for probe in each.probes
            if probe.wrong_at is not None
        ]
        return min((self.since, *wrong))

    def note_look(self, at: float, *, failed: bool, latency: float | None) -> None:
        """Take in a look that was answered or refused; ``latency`` in seconds where answered.

        Where it was answered and has no latency, the time is not known: of an objective on it, that
        look is neither good nor bad.
        """
        self.history.add(at, failed=failed, latency=latency)
        for text, expression in self.objectives:
            budget = self.budgets.get(text)
            if budget is None:
                continue
            slow = False
            if isinstance(expression, Comparison) and not failed:
                if latency is None:
                    continue
                slow = not expression.holds(latency)
            budget.add(at, bad=failed or slow)

    def note_counts(self, counts: WindowCounts) -> None:
        """Take in requests seen by own scrapes, or a window reported by the named Prometheus."""
        if counts.source:
            self.asked.setdefault(counts.objective, {})[counts.over] = counts
        else:
            history = self.scraped.setdefault(counts.objective, BudgetHistory(requests=True))
            history.count(counts.at, good=counts.good, bad=counts.bad)

    def forget_servers(self, kept: Container[SourceId]) -> bool:
        """Drop the counts of servers that are not in ``kept``. Returns whether there were any."""
        before = sum(map(len, self.asked.values()))
        for windows in self.asked.values():
            for over, each in tuple(windows.items()):
                if SourceId(SourceKind.BUDGETS, each.source) not in kept:
                    del windows[over]
        return sum(map(len, self.asked.values())) < before

    def trace_of(self, metric: str) -> FigureTrace:
        """The history of a metric's figure, empty if nothing is known about it."""
        trace = self.traces.get(metric)
        if trace is None:
            history = self.history
            step = max(history.step, 1.5 * self.metrics_every)
            slots = max(LEAST_SLOTS, int(history.slots * history.step / step))
            self.traces[metric] = trace = FigureTrace(slots, step)
        return trace

    def note_metric(self, metric: MetricValue, at: float) -> None:
        """Take in a metric's present figure, and add it to its history while it is one."""
        every = max(metric.every, self.metrics_every)
        trace = self.trace_of(metric.name)
        trace.add(at, None if is_stale(metric.at, every, at) else metric.value)
        self.metrics[metric.name] = replace(metric, every=every, trace=trace.view(at))

    @property
    def replicas(self) -> tuple[Replica, ...]:
        """The copies that engines report."""
        return self.copies.replicas if self.copies is not None else ()

    @property
    def wanted(self) -> tuple[Wanted, ...]:
        """The names by which engines should know it."""
        named = [(name, self.config.engine or "") for name in self.config.containers]
        units = [(unit_name(each), self.units_at.name) for each in self.config.units]
        return (
            *named,
            *units,
            *self.workloads,
            *((each.runs_as, each.engine) for each in self.instances if each.runs_as),
        )

    def is_about(self, name: str, place: str) -> bool:
        """Whether the name ``name`` in ``place`` ('': any) may be a copy of it."""
        return (
            _among(self.replicas, name, place)
            or any(_means(each, name, place) for each in self.wanted)
            or any(each.workload == name for each in self.replicas)
        )

    @property
    def meant(self) -> bool:
        """Whether somebody declared that it runs."""
        return self.config.origin.declared

    @property
    def acts(self) -> bool:
        """Whether any action is configured for it."""
        actions = self.config.actions
        return bool(actions.model_fields_set) and actions != _NO_ACTIONS


def _means(wanted: Wanted, name: str, place: str) -> bool:
    called, engine = wanted
    return called == name and (not engine or not place or engine == place)


def _among(replicas: Sequence[Replica], name: str, place: str) -> bool:
    return any(each.name == name and place in {"", each.place.name} for each in replicas)


def build_services(settings: Settings, now: float, *, single: bool) -> dict[str, ServiceRecord]:
    """A record for each configured service; ``single`` looks decide at once."""
    return {
        name: _build_service(settings, name, service, now, single=single)
        for name, service in settings.services.items()
    }


def _build_service(
    settings: Settings, name: str, service: Service, now: float, *, single: bool
) -> ServiceRecord:
    history = History(settings.display.window, interval_of(settings, service))
    every = max(_metrics_every(settings, name, service), SINGLE_LOOK if single else 0.0)
    record = ServiceRecord(name, service, history, _objectives(service), now, every)
    record.workloads = _workloads(settings, service)
    record.nodes = _nodes(settings, service)
    record.units_at = settings.units_of(name) if service.units else NOBODY
    record.budgets = {
        text: BudgetHistory()
        for text, expression in record.objectives
        if _budgeted(record, expression)
    }
    record.scaling = ScalingWatch(service.scaling) if service.scaling else None
    lone = service.containers[0] if len(service.containers) == 1 else ""
    for instance, named in zip(service.instances, settings.instance_names(name), strict=True):
        fallback = lone if len(service.instances) == 1 else ""
        engine = instance.engine or service.engine or ""
        url = without_query(instance.url, service.http.plain_query)
        on = urlsplit(url).hostname or ""
        row = InstanceRecord(record, named, url, instance.container or fallback, engine, on)
        row.since, row.origin = now, instance.origin
        record.instances.append(row)
    thresholds = service.thresholds or settings.defaults.thresholds
    limits = Limits(1, 1) if single else _limits(thresholds)
    for asked in probes_of(settings, name):
        record.instances[asked.number].probes.append(_build_probe(asked, limits, now))
    if sources := tuple(each.id for each in pods_of(settings, name)):
        times = interval_of(settings, service), timeout_of(settings, service)
        record.pod_terms = PodTerms(sources, *times, limits)
    return record


def _workloads(settings: Settings, service: Service) -> tuple[Wanted, ...]:
    """What it is in clusters; a cluster that is not configured has nothing of it."""
    found = ((target, settings.cluster_of(target)) for target in service.kubernetes)
    return tuple((target.full_name(each), each.name) for target, each in found if each)


def _nodes(settings: Settings, service: Service) -> tuple[tuple[str, str], ...]:
    """The nodes that its calls are about, where it is declared as nothing else."""
    if service.instances or service.kubernetes or service.containers or service.units:
        return ()
    if service.job:
        return ()
    targets = (each.kubernetes for each in service.actions.call.values())
    found = (
        (cluster.name, target.node)
        for target in targets
        if target is not None and target.node and (cluster := settings.cluster_of(target))
    )
    return tuple(dict.fromkeys(found))


def _build_probe(asked: Asked, limits: Limits, now: float) -> ProbeRecord:
    return ProbeRecord(
        id=asked.id,
        kind=asked.kind,
        url=without_query(asked.url, asked.http.plain_query),
        interval=asked.interval,
        timeout=asked.timeout,
        limits=limits,
        primary=asked.primary,
        judged=Judged(since=now),
    )


def scrape_interval(service: Service) -> float:
    """Seconds between the console's own scrapes of ``service``.

    Four scrapes fit into the shortest window, as Prometheus' manual advises for ``rate``; more
    than one in 15 seconds is not needed for the usual windows of minutes.
    """
    windows = [metric.window for metric in service.metrics.values() if not metric.gauge]
    return max(LEAST_SCRAPE, min([SCRAPE_EVERY, *(window / 4 for window in windows)]))


def _metrics_every(settings: Settings, name: str, service: Service) -> float:
    server = settings.prometheus_of(name)
    served = server.interval if server else scrape_interval(service)
    return max(interval_of(settings, service), served)


def _limits(thresholds: Thresholds) -> Limits:
    return Limits(thresholds.failures, thresholds.successes)


def _budgeted(record: ServiceRecord, expression: Expression) -> bool:
    """Whether looks decide it: availability, and quantiles of the latency that probes see."""
    if isinstance(expression, Availability):
        return True
    if not isinstance(expression, Comparison) or expression.operator[0] != "<":
        return False
    quantity = expression.quantity
    probed = quantity.name == "latency" and quantity.name not in record.config.metrics
    return probed and quantity.quantile is not None


def _objectives(service: Service) -> tuple[tuple[str, Expression], ...]:
    found: list[tuple[str, Expression]] = []
    for text in service.objectives:
        try:
            found.append((text, parse(text)))
        except ExpressionError:
            # The check of the configuration rejects it and names its place; here it has no figure.
            continue
    return tuple(found)
