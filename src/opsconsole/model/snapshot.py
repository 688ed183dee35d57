"""Everything known at one moment: the only thing that the screens and commands read.

Invariant: a snapshot never changes after it is made, and parts that did not change are the
same objects as in the one before, so that ``is`` shows what to repaint. It compares by
identity. Ages are ``taken_at`` of the part against the clock, never stored.
"""

from collections.abc import Iterable, Iterator
from dataclasses import field

from opsconsole.dataclass import dataclass
from opsconsole.model.alerting.alerts import Alert
from opsconsole.model.alerting.rules import RuleView
from opsconsole.model.alerting.silences import SilenceView
from opsconsole.model.certificate import Validity
from opsconsole.model.choices import SavedView
from opsconsole.model.diagnosis import NO_DIAGNOSIS, Diagnosis, Fact, FactCode
from opsconsole.model.events import Event
from opsconsole.model.fault import Fault
from opsconsole.model.handover import Handover
from opsconsole.model.health import HealthReport, ProbeKind
from opsconsole.model.incidents import Incident
from opsconsole.model.maintenance import Maintenance
from opsconsole.model.objectives import Attainment
from opsconsole.model.operation import ActionView, Degradation, Operation
from opsconsole.model.origin import DECLARED, Origin
from opsconsole.model.people import Present
from opsconsole.model.reading import is_stale
from opsconsole.model.remedies.automation import Automation
from opsconsole.model.runbooks.runbook import RunbookView
from opsconsole.model.runbooks.runs import RunbookRun
from opsconsole.model.running.hosts import HostView
from opsconsole.model.running.workloads import EngineView, Replica
from opsconsole.model.series import Latency, MetricValue, Trace
from opsconsole.model.source_id import SourceId
from opsconsole.model.state import State


@dataclass(frozen=True, slots=True)
class EnvironmentView:
    """Which environment this is, how dangerous, and what it runs on."""

    name: str = "this host"
    danger: str = "none"
    platform: str = ""
    accent: str = ""


@dataclass(frozen=True, slots=True)
class Appearance:
    """What the configuration says of display and keys; ``keys`` are pairs of id and keys."""

    theme: str = "dark"
    keys: tuple[tuple[str, str], ...] = ()
    views: tuple[SavedView, ...] = ()


@dataclass(frozen=True, slots=True)
class ProbeView:
    """The latest answer of one probe of one instance, as judged."""

    kind: ProbeKind
    url: str
    state: State
    taken_at: float | None = None
    took: float | None = None
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class CertificateView:
    """What TLS showed to a look at ``seen_at``, one of looks that come each ``every`` seconds."""

    validity: Validity
    seen_at: float
    every: float

    def is_stale(self, now: float) -> bool:
        """Whether the server may show another by now."""
        return is_stale(self.seen_at, self.every, now)


def first_to_end(shown: Iterable[CertificateView | None], now: float) -> CertificateView | None:
    """The one of ``shown`` that ends first, of those that are not stale."""
    fresh = (each for each in shown if each is not None and not each.is_stale(now))
    return min(fresh, key=lambda each: each.validity.ends, default=None)


@dataclass(frozen=True, slots=True)
class InstanceView:
    """One running copy. ``state`` is after thresholds; ``since`` when it became so.

    ``at_least``: it was so when it was first looked at, and may have been so before.
    ``report`` is the last body understood, ``report_at`` when; ``fault`` is of the latest look.
    ``runs_as`` is the name by which an engine should know it, ``replicas`` the ids of what that is.
    ``wrong_at`` is the first look since the last good one that was not good, ``well_at`` that last
    good one; both are None while looks are good. ``certificate`` is the one of its own that ends
    first, None without TLS.
    """

    service: str
    name: str
    url: str
    state: State
    since: float
    taken_at: float | None = None
    stale: bool = False
    flapping: bool = False
    report: HealthReport | None = None
    report_at: float | None = None
    fault: Fault | None = None
    probes: tuple[ProbeView, ...] = ()
    latency: float | None = None
    reason: str = ""
    runs_as: str = ""
    replicas: tuple[str, ...] = ()
    origin: Origin = DECLARED
    wrong_at: float | None = None
    well_at: float | None = None
    at_least: bool = False
    certificate: CertificateView | None = None


@dataclass(frozen=True, slots=True)
class Reporting:
    """How many of the ``running`` copies of a service report what they use."""

    cpu: int
    memory: int
    running: int


@dataclass(frozen=True, slots=True)
class ServiceView:
    """What an engineer names, with all that is known of it.

    ``error_rate`` is a fraction, ``request_rate`` per second, ``cpu`` a fraction of a core,
    ``memory`` bytes; None where not known; both are sums over the copies that report it, of which
    ``reporting`` says how many they are. ``reason`` is one line: why it is not ok, or what should
    be known although it is. ``replicas`` are the ids of its copies that engines know, ``workloads``
    of what is wanted of it. ``at_least`` as of an instance. ``environment`` is one of the further
    environments, '' for the console's own; ``places`` are the names of where its copies run.
    ``actions_asked``: it is declared what may be done to it, and not known yet what is allowed now.
    """

    name: str
    state: State
    since: float
    instances: tuple[InstanceView, ...] = ()
    group: str = ""
    stale: bool = False
    flapping: bool = False
    reason: str = ""
    latency: Latency = field(default_factory=Latency)
    error_rate: float | None = None
    request_rate: float | None = None
    cpu: float | None = None
    memory: int | None = None
    reporting: Reporting | None = None
    replicas: tuple[str, ...] = ()
    metrics: tuple[MetricValue, ...] = ()
    objectives: tuple[Attainment, ...] = ()
    state_trace: Trace | None = None
    depends_on: tuple[str, ...] = ()
    actions: tuple[ActionView, ...] = ()
    version: str = ""
    advice: tuple[str, ...] = ()
    origin: Origin = DECLARED
    at_least: bool = False
    workloads: tuple[str, ...] = ()
    diagnosis: Diagnosis = NO_DIAGNOSIS
    environment: str = ""
    team: str = ""
    places: tuple[str, ...] = ()
    actions_asked: bool = False

    def certificate(self, now: float) -> CertificateView | None:
        """The one that ends first of those that its instances show; None without TLS."""
        return first_to_end((each.certificate for each in self.instances), now)

    @property
    def missed(self) -> bool:
        """It says ok, and yet it misses an objective or a critical alert of it fires."""
        explained = self.diagnosis.explanations
        if not explained or self.state is not State.OK or self.stale:
            return False
        return any(_is_miss(each.lead) for each in explained)

    @property
    def counts_as(self) -> State:
        """Its state where a command exits by it: a missed objective is a degradation."""
        return State.DEGRADED if self.missed else self.state

    @property
    def ok_instances(self) -> int:
        """How many instances are ok."""
        return sum(instance.state is State.OK for instance in self.instances)


def _is_miss(fact: Fact) -> bool:
    grave = fact.code is FactCode.ALERT and fact.state is State.DOWN
    return grave or fact.code is FactCode.OBJECTIVE_MISSED


@dataclass(frozen=True, slots=True)
class SourceView:
    """A place that is read: a server, an engine, the host, or the probes together.

    ``taken_at`` is the last good reading; ``fault`` is set while the latest look failed, since
    ``since``. ``lag`` is the delay of the latest look behind its schedule, in seconds. A
    server that never has alerts to report, whatever happens, does not report alerts.
    ``unknown_rules`` names the alert rules of which it is not known whether they hold.
    """

    id: SourceId
    endpoint: str
    interval: float
    taken_at: float | None
    since: float
    fault: Fault | None = None
    lag: float = 0.0
    note: str = ""
    tells_alerts: bool = True
    unknown_rules: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What a person calls it; nothing is judged by it."""
        return self.id.label


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """Everything known at ``taken_at``; ``seq`` grows by one with each.

    ``missed`` are operations of this user that ended while no console of theirs was open.
    ``replayed``: it shows a moment that has passed, and nothing may be changed by it; ``seen_by``
    is whose console saw that moment, where it was none of this host.
    ``environments`` are those beside the console's own, by the names that services have for them.
    ``automation`` is None where there are no remedies; ``maintenances`` are those that go on, are
    announced, or ended within a day.
    ``incidents`` are those that are open and the last that were closed, the newest first;
    ``present`` are the consoles that are open, ``handover`` the last one that was taken.
    """

    seq: int
    taken_at: float
    environment: EnvironmentView = field(default_factory=EnvironmentView)
    services: tuple[ServiceView, ...] = ()
    alerts: tuple[Alert, ...] = ()
    hosts: tuple[HostView, ...] = ()
    engines: tuple[EngineView, ...] = ()
    events: tuple[Event, ...] = ()
    sources: tuple[SourceView, ...] = ()
    operations: tuple[Operation, ...] = ()
    read_only: bool = False
    notices: tuple[str, ...] = ()
    silences: tuple[SilenceView, ...] = ()
    rules: tuple[RuleView, ...] = ()
    degradations: tuple[Degradation, ...] = ()
    missed: tuple[Operation, ...] = ()
    replayed: bool = False
    runbooks: tuple[RunbookView, ...] = ()
    runbook_runs: tuple[RunbookRun, ...] = ()

    appearance: Appearance | None = None
    """The same object until the configuration says something else."""

    environments: tuple[EnvironmentView, ...] = ()
    automation: Automation | None = None
    maintenances: tuple[Maintenance, ...] = ()
    incidents: tuple[Incident, ...] = ()
    present: tuple[Present, ...] = ()
    handover: Handover | None = None
    seen_by: str = ""

    def service(self, name: str) -> ServiceView | None:
        """The service called ``name``, if there is one."""
        return next((service for service in self.services if service.name == name), None)

    def replicas(self) -> Iterator[tuple[Replica, EngineView]]:
        """Every copy that an engine knows, with the engine that says so."""
        for engine in self.engines:
            for replica in engine.inventory.replicas:
                yield replica, engine

    def replicas_of(self, service: ServiceView) -> dict[str, tuple[Replica, EngineView]]:
        """The copies of ``service`` by id, each with the engine that says so."""
        mine = frozenset(service.replicas)
        return {each[0].id: each for each in self.replicas() if each[0].id in mine}
