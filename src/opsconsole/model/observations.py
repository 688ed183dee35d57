"""What a look sees: exactly one type for each kind of source.

Invariant: the union is closed. Code that takes in observations matches all of them, so that the
type checker finds every place that a new one concerns. All text is sanitised.
"""

from typing import TypeAlias

from opsconsole.dataclass import dataclass
from opsconsole.model.alerting.alerts import Alert
from opsconsole.model.alerting.rules import RuleEvaluation, RuleView
from opsconsole.model.alerting.silences import SilenceView
from opsconsole.model.fault import Fault
from opsconsole.model.health import HealthReport, ProbeKind
from opsconsole.model.objectives import WindowCounts
from opsconsole.model.reading import Reading
from opsconsole.model.running.hosts import Host
from opsconsole.model.running.processes import ProcessStart
from opsconsole.model.running.targets import Target
from opsconsole.model.running.workloads import Inventory
from opsconsole.model.series import MetricValue

Problems = tuple[tuple[str, Fault], ...]
"""The text of each query that failed, and why."""


@dataclass(frozen=True, slots=True)
class ScrapeSeen:
    """The figures of a whole service after the scrape of one instance.

    ``counts`` are requests of this instance since its scrape before, within and beyond targets;
    ``starts`` when its process began, where it reports that; ``problems`` what of the declared
    metrics could not be read, and which are not what they are declared as.
    """

    metrics: tuple[MetricValue, ...]
    counts: tuple[WindowCounts, ...] = ()
    starts: tuple[ProcessStart, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PrometheusSeen:
    """What a server of the Prometheus family gave.

    ``total`` counts alerts that were left out for their number too. Where it does not report
    alerts, having none means nothing. ``evaluations`` are of rules that it has not loaded,
    ``unevaluated`` the names of alerting rules that it has not evaluated since it began,
    ``unknown_rules`` of all of which it is not known whether they hold. ``targets`` are None where
    it was not asked for them, or did not say.
    """

    alerts: tuple[Alert, ...] = ()
    total: int = 0
    metrics: tuple[MetricValue, ...] = ()
    problems: Problems = ()
    rules: tuple[RuleView, ...] = ()
    evaluations: tuple[RuleEvaluation, ...] = ()
    notes: tuple[str, ...] = ()
    starts: tuple[ProcessStart, ...] = ()
    tells_alerts: bool = True
    unevaluated: frozenset[str] = frozenset()
    unknown_rules: tuple[str, ...] = ()
    targets: tuple[Target, ...] | None = None


@dataclass(frozen=True, slots=True)
class AlertmanagerSeen:
    """Alerts of one Alertmanager and its silences; ``total`` counts alerts left out too.

    ``started_at`` is when its process began, by its own clock; None where it does not say. It
    keeps no alerts: one that has restarted has only those that it was sent since.
    """

    alerts: tuple[Alert, ...] = ()
    total: int = 0
    silences: tuple[SilenceView, ...] = ()
    started_at: float | None = None


@dataclass(frozen=True, slots=True)
class BudgetsSeen:
    """What a server has of error budgets, as far as it was queried in this look.

    ``problems`` are the queries whose last answer failed.
    """

    counts: tuple[WindowCounts, ...] = ()
    problems: Problems = ()


@dataclass(frozen=True, slots=True)
class PodLook:
    """One probe of one pod: ``pod`` is the id of the replica, ``url`` where it was asked."""

    pod: str
    name: str
    kind: ProbeKind
    primary: bool
    url: str
    reading: Reading[HealthReport]


@dataclass(frozen=True, slots=True)
class PodsSeen:
    """What the pods of a service in ``cluster`` answered, of those that still ran afterwards."""

    service: str
    cluster: str
    looks: tuple[PodLook, ...]


Observation: TypeAlias = (
    HealthReport
    | ScrapeSeen
    | Host
    | Inventory
    | PrometheusSeen
    | AlertmanagerSeen
    | BudgetsSeen
    | PodsSeen
)
