"""A service: its instances, probes, metrics, objectives, alerts, logs and actions.

Invariant: every path is taken at each instance's URL, every duration is in seconds, and every
objective and condition can be read by ``model.written.expressions``.
"""

from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import BeforeValidator, Field, model_validator

from opsconsole.config.actions import Actions
from opsconsole.config.http import HttpConfig
from opsconsole.config.kubernetes import KubernetesTarget
from opsconsole.config.service_log import ServiceLog
from opsconsole.config.types import (
    Condition,
    Duration,
    DurationOrZero,
    Found,
    Model,
    Name,
    Objective,
    OneOrMany,
    Page,
    Text,
    Url,
    UrlPath,
    as_tuple,
    check_pattern,
    plain,
)
from opsconsole.model.across_copies import Across

NO_PROMETHEUS: Final = "none"
"""Instead of a Prometheus' name: none has this service, the console scrapes it itself."""

LabelName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class Instance(Found):
    """One running copy. ``name`` defaults to the service's with a number behind it."""

    short_form: ClassVar[dict[str, Any] | None] = {"type": "string", "format": "uri"}

    url: Url = Field(description="Where its API is; paths of probes are added to it.")
    name: Name | None = Field(default=None, description="Its name, unique over all services.")
    container: Text | None = Field(default=None, description="The container that it runs in.")
    engine: Text | None = Field(
        default=None, description="The engine that has it, if not the service's."
    )
    host: Name | None = Field(
        default=None, description="The host that it runs on, if not that of the service."
    )
    unit: Text | None = Field(default=None, description="The systemd unit that it is.")
    pid_file: Text | None = Field(default=None, description="The file that holds its process id.")

    @model_validator(mode="before")
    @classmethod
    def _from_url(cls, value: object) -> object:
        return {"url": value} if isinstance(value, str) else value


class Expect(Model):
    """When a health answer counts as ok, where its own words do not say so."""

    status: tuple[Annotated[int, Field(ge=100, le=599)], ...] = Field(
        default=(), description="Status codes that are ok; 200 to 299 unless said otherwise."
    )
    contains: Text | None = Field(default=None, description="Text that the body must hold.")
    regex: Text | None = Field(default=None, description="A pattern that the body must match.")
    json_path: Text | None = Field(
        default=None, description="Dotted path of a value in the body to compare."
    )
    equals: str | int | float | bool | None = Field(
        default=None, description="What the value at json_path must be."
    )

    @model_validator(mode="after")
    def _usable(self) -> "Expect":
        if self.regex is not None:
            check_pattern(self.regex)
        if (self.json_path is None) != (self.equals is None):
            raise ValueError("json_path and equals need each other")
        return self


class Health(Model):
    """The health endpoint. ``state`` and ``components`` are dotted paths that override."""

    short_form: ClassVar[dict[str, Any] | None] = {"type": "string", "pattern": "^/"}

    path: UrlPath = Field(default="/health", description="Path of the health endpoint.")
    method: Literal["GET", "HEAD"] = Field(default="GET", description="How it is asked.")
    state: Text | None = Field(default=None, description="Dotted path of the state in the body.")
    components: Text | None = Field(
        default=None, description="Dotted path of the components in the body."
    )
    version: Text | None = Field(
        default=None, description="Dotted path of the version in the body."
    )
    expect: Expect | None = Field(
        default=None, description="When an answer is ok, where the body does not say so."
    )
    through: Literal["pods", "proxy"] | None = Field(
        default=None,
        description="For a service in a cluster: each of its pods is asked, at its own address "
        "(pods) or through the API server's proxy (proxy).",
    )
    port: Annotated[int, Field(ge=1, le=65535)] | None = Field(
        default=None, description="The port of the pods; the first that they declare if not set."
    )

    @model_validator(mode="before")
    @classmethod
    def _from_path(cls, value: object) -> object:
        return {"path": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _of_pods(self) -> "Health":
        if self.port is not None and self.through is None:
            raise ValueError("port is of pods: say through: pods or through: proxy")
        return self


class Probes(Model):
    """Paths of the liveness, readiness and startup probes."""

    live: UrlPath | None = Field(default=None, description="Should it live?")
    ready: UrlPath | None = Field(default=None, description="May it serve?")
    startup: UrlPath | None = Field(default=None, description="Has it started?")


class Metric(Model):
    """A metric, declared once and read from whichever backend is there.

    Exactly one of ``counter``, ``gauge``, ``histogram``, ``promql``, ``json``, ``header``.
    """

    counter: Text | None = Field(default=None, description="Name of a counter; shown as a rate.")
    gauge: Text | None = Field(default=None, description="Name of a gauge; shown as it is.")
    histogram: Text | None = Field(
        default=None, description="Name of a histogram, without _bucket; shown as quantiles."
    )
    promql: Text | None = Field(default=None, description="Any query; needs a Prometheus.")
    json_path: Text | None = Field(
        default=None, alias="json", description="Dotted path of a number in the health body."
    )
    header: Text | None = Field(
        default=None, description="A header of the health answer that holds a number."
    )
    labels: dict[LabelName, str] = Field(
        default_factory=dict, description="Labels that the series must have."
    )
    unit: str = Field(
        default="", description="What it is counted in: s, ms, B, %, or a word for people."
    )
    window: Duration = Field(
        default=300.0, description="Over which rates and quantiles are calculated."
    )
    copies: Across | None = Field(
        default=None,
        description="What rules and objectives compare where several copies have it: any (each by "
        "itself, the default), mean, max, min or sum. Not of a counter or histogram.",
    )
    description: str = Field(default="", description="What it means, for people.")

    @property
    def across(self) -> Across:
        """How the figures of several copies become one; rates of a counter are added up."""
        return Across.SUM if self.counter is not None else self.copies or Across.ANY

    @model_validator(mode="after")
    def _one_kind(self) -> "Metric":
        if self.copies is not None and (self.counter or self.histogram):
            raise ValueError("copies is not for a counter or histogram: theirs are added up")
        kinds = (
            self.counter,
            self.gauge,
            self.histogram,
            self.promql,
            self.json_path,
            self.header,
        )
        if sum(kind is not None for kind in kinds) != 1:
            raise ValueError("name exactly one of counter, gauge, histogram, promql, json, header")
        return self


class AvailabilitySeries(Model):
    """Series that give the service's availability over weeks, for its error budgets.

    Either ``gauge``, or ``total`` with ``failed`` or ``failed_labels``. Needs a Prometheus.
    """

    gauge: Text | None = Field(
        default=None, description="A gauge that is 1 while it serves: up, probe_success."
    )
    total: Text | None = Field(default=None, description="A counter of all requests.")
    failed: Text | None = Field(
        default=None, description="A counter of the failed ones; total unless said otherwise."
    )
    failed_labels: dict[LabelName, Text] = Field(
        default_factory=dict, description="Patterns of the failed ones' labels: {code: 5..}."
    )
    labels: dict[LabelName, str] = Field(
        default_factory=dict, description="Labels that all of these series must have."
    )

    @model_validator(mode="after")
    def _one_kind(self) -> "AvailabilitySeries":
        if (self.gauge is None) == (self.total is None):
            raise ValueError("name exactly one of gauge and total")
        has_failures = self.failed is not None or bool(self.failed_labels)
        if self.total is not None and not has_failures:
            raise ValueError("total needs failed or failed_labels")
        if self.gauge is not None and has_failures:
            raise ValueError("failed belongs to total")
        return self


class Rule(Model):
    """A local alert rule on what the console sees itself."""

    name: Text = Field(description="The alert's name.")
    when: Condition = Field(
        description="When it fires: state == down, p95(latency) > 30s, disk > 90%; the names are in"
        " [alerts.md](alerts.md#what-when-takes)."
    )
    for_: DurationOrZero = Field(
        default=0, alias="for", description="How long it must hold before the alert fires."
    )
    keep_firing_for: DurationOrZero = Field(
        default=0, description="How long it must not hold before the alert is over."
    )
    severity: str = Field(default="warning", description="critical, warning or info.")
    summary: str = Field(default="", description="One sentence for the person who is woken.")
    runbook: str = Field(default="", description="Where it is written what to do.")


class Scaling(Model):
    """Bounds and targets for scaling advice, in the Kubernetes autoscaler's terms."""

    minimum: int = Field(default=1, ge=1, description="Fewest instances.")
    maximum: int = Field(default=10, ge=1, description="Most instances.")
    cpu: float | None = Field(
        default=None, gt=0, le=1, description="Target share of the CPU, 0 to 1."
    )
    memory: float | None = Field(
        default=None, gt=0, le=1, description="Target share of the memory limit, 0 to 1."
    )
    requests: float | None = Field(
        default=None, gt=0, description="Target requests per second of one instance."
    )
    tolerance: float = Field(
        default=0.1, ge=0, lt=1, description="Deviation from the target that is left alone."
    )
    stabilisation: Duration = Field(
        default=300.0, description="How long a need must last before less is advised."
    )

    @model_validator(mode="after")
    def _in_order(self) -> "Scaling":
        if self.minimum > self.maximum:
            raise ValueError("minimum is more than maximum")
        return self


class Thresholds(Model):
    """How many failures in a row make it down, how many successes make it ok again."""

    failures: int = Field(default=3, ge=1, description="Failures in a row until it is down.")
    successes: int = Field(default=2, ge=1, description="Successes in a row until it is ok.")


class Service(Found):
    """One service as its engineers name it."""

    instances: Annotated[tuple[Instance, ...], BeforeValidator(as_tuple), OneOrMany] = Field(
        default=(), description="Its running copies; all down is down, some down is degraded."
    )
    host: Name | None = Field(
        default=None,
        description="The host where its units, files and programs are: one of hosts. That of all"
        " its instances if not set; local for this one.",
    )
    description: str = Field(default="", description="What it is, for people.")
    group: str = Field(default="", description="A heading to show it under.")
    team: str = Field(default="", description="Who looks after it; a heading as well.")
    environment: str | None = Field(
        default=None, description="One of environments, if not the one of the whole file."
    )
    prometheus: str | None = Field(
        default=None,
        description="Name of the Prometheus that knows it, if there are several; none: no one.",
    )
    interval: Duration | None = Field(default=None, description="Time between two looks.")
    timeout: Duration | None = Field(default=None, description="Deadline of one look, in total.")
    thresholds: Thresholds | None = Field(default=None, description="When it counts as down.")
    health: Health | None = Field(
        default_factory=plain(Health), description="The health endpoint: a path, or more about it."
    )
    probes: Probes = Field(default_factory=plain(Probes), description="Further probes.")
    http: HttpConfig = Field(
        default_factory=plain(HttpConfig), description="Authentication, TLS and headers."
    )
    depends_on: tuple[str, ...] = Field(
        default=(), description="Services that it needs; their alerts explain its own."
    )
    containers: Annotated[tuple[Text, ...], BeforeValidator(as_tuple), OneOrMany] = Field(
        default=(),
        description="Its containers by name, or by that of their Compose or Swarm service.",
    )
    engine: Text | None = Field(
        default=None, description="Name of the engine that has them, if there are several."
    )
    kubernetes: Annotated[tuple[KubernetesTarget, ...], BeforeValidator(as_tuple), OneOrMany] = (
        Field(default=(), description="Its workloads in a cluster: deployment/ai-backend.")
    )
    units: Annotated[tuple[Text, ...], BeforeValidator(as_tuple), OneOrMany] = Field(
        default=(), description="The systemd units of its host that it runs as."
    )
    job: Text | None = Field(
        default=None,
        description="The job of its Prometheus whose targets are its copies.",
    )
    metrics_path: UrlPath | None = Field(
        default=None, description="Where it serves metrics, read when no Prometheus knows it."
    )
    labels: dict[LabelName, str] = Field(
        default_factory=dict,
        description="Labels of its series, which all of its metrics and its availability have.",
    )
    metrics: dict[Name, Metric] = Field(default_factory=dict, description="Its metrics by name.")
    availability: AvailabilitySeries | None = Field(
        default=None,
        description="Series of its availability, over longer than this console runs.",
    )
    objectives: tuple[Objective, ...] = Field(
        default=(), description="Targets: p95(latency) < 100ms, availability 99.9% over 30d."
    )
    alerts: tuple[Rule, ...] = Field(default=(), description="Local alert rules.")
    logs: tuple[ServiceLog, ...] = Field(default=(), description="Where it logs.")
    endpoints: dict[str, Page] = Field(
        default_factory=dict, description="Pages to look at by name, paths or URLs; only ever read."
    )
    actions: Actions = Field(
        default_factory=plain(Actions), description="What may be done to it; nothing else can be."
    )
    scaling: Scaling | None = Field(default=None, description="Targets of scaling advice.")
    runbooks: Annotated[tuple[Name, ...], BeforeValidator(as_tuple), OneOrMany] = Field(
        default=(), description="Its runbooks by name, besides those that name it."
    )

    @model_validator(mode="after")
    def _is_asked_one_way(self) -> "Service":
        through = self.health.through if self.health is not None else None
        calls = (*self.actions.test.values(), *self.actions.call.values())
        at_pods = [each for each in calls if each.http is not None and each.http.through]
        if at_pods and not self.kubernetes:
            raise ValueError(
                "a call through pods or proxy needs the workload: name it by kubernetes"
            )
        if through is None:
            return self
        if self.instances:
            raise ValueError("health.through asks the pods: leave instances out, or through")
        if not self.kubernetes:
            raise ValueError("health.through asks pods: name the workload by kubernetes")
        if through == "proxy" and self.http.model_fields_set - {"plain_query"}:
            raise ValueError("http is not passed on by the API server's proxy: ask through: pods")
        return self
