"""A service: its instances, probes, metrics, objectives, alerts, logs and actions.

Invariant: every path is taken at each instance's URL, every duration is in seconds.
"""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from opsconsole.config.actions import Actions
from opsconsole.config.http import HttpConfig
from opsconsole.config.types import Duration, Model, Name


class Instance(Model):
    """One running copy. ``name`` defaults to the service's with a number behind it."""

    url: str
    name: Name | None = None
    container: str | None = None
    unit: str | None = None
    pid_file: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_url(cls, value: object) -> object:
        return {"url": value} if isinstance(value, str) else value


class Expect(Model):
    """When a health answer counts as ok, where its own words do not say so."""

    status: tuple[int, ...] = ()
    contains: str | None = None
    regex: str | None = None
    json_path: str | None = None
    equals: str | int | float | bool | None = None


class Health(Model):
    """The health endpoint. ``state`` and ``components`` are dotted paths that override."""

    path: str = "/health"
    method: Literal["GET", "HEAD"] = "GET"
    state: str | None = None
    components: str | None = None
    version: str | None = None
    expect: Expect | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_path(cls, value: object) -> object:
        return {"path": value} if isinstance(value, str) else value


class Probes(Model):
    """Paths of the liveness, readiness and startup probes."""

    live: str | None = None
    ready: str | None = None
    startup: str | None = None


class Metric(Model):
    """A metric, declared once and read from whichever backend is there.

    Exactly one of ``counter``, ``gauge``, ``histogram``, ``promql``, ``json``, ``header``.
    """

    counter: str | None = None
    gauge: str | None = None
    histogram: str | None = None
    promql: str | None = None
    json_path: str | None = Field(default=None, alias="json")
    header: str | None = None
    labels: dict[str, str] = Field(default_factory=dict)
    unit: str = ""
    window: Duration = 300.0
    description: str = ""

    @model_validator(mode="after")
    def _one_kind(self) -> "Metric":
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


class Rule(Model):
    """A local alert rule on what the console sees itself."""

    name: str
    when: str
    for_: Duration | Literal[0] = Field(default=0, alias="for")
    keep_firing_for: Duration | Literal[0] = 0
    severity: str = "warning"
    summary: str = ""
    runbook: str = ""


class LogSource(Model):
    """Where a service logs: a file, its containers, a Swarm service, or a journal unit."""

    file: str | None = None
    docker: str | None = None
    swarm: str | None = None
    journal: str | None = None
    format: Literal["auto", "json", "text"] = "auto"
    patterns: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_place(self) -> "LogSource":
        places = (self.file, self.docker, self.swarm, self.journal)
        if sum(place is not None for place in places) != 1:
            raise ValueError("name exactly one of file, docker, swarm, journal")
        return self


class Scaling(Model):
    """Bounds and targets for scaling advice, in the Kubernetes autoscaler's terms."""

    minimum: int = Field(default=1, ge=1)
    maximum: int = Field(default=10, ge=1)
    cpu: float | None = None
    memory: float | None = None
    requests: float | None = None
    tolerance: float = 0.1
    stabilisation: Duration = 300.0


class Thresholds(Model):
    """How many failures in a row make it down, how many successes make it ok again."""

    failures: int = Field(default=3, ge=1)
    successes: int = Field(default=2, ge=1)


def _as_tuple(value: object) -> object:
    return (value,) if isinstance(value, (str, dict)) else value


class Service(Model):
    """One service as its engineers name it."""

    instances: Annotated[tuple[Instance, ...], BeforeValidator(_as_tuple)] = ()
    description: str = ""
    group: str = ""
    environment: str | None = None
    prometheus: str | None = None
    interval: Duration | None = None
    timeout: Duration | None = None
    thresholds: Thresholds | None = None
    health: Health | None = Field(default_factory=Health)
    probes: Probes = Field(default_factory=Probes)
    http: HttpConfig = Field(default_factory=HttpConfig)
    depends_on: tuple[str, ...] = ()
    containers: Annotated[tuple[str, ...], BeforeValidator(_as_tuple)] = ()
    metrics_path: str | None = None
    metrics: dict[Name, Metric] = Field(default_factory=dict)
    objectives: tuple[str, ...] = ()
    alerts: tuple[Rule, ...] = ()
    logs: tuple[LogSource, ...] = ()
    endpoints: dict[str, str] = Field(default_factory=dict)
    actions: Actions = Field(default_factory=Actions)
    scaling: Scaling | None = None
