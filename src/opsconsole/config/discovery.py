"""What the console finds by itself, besides what the configuration names.

Invariant: what is not named here is not looked for. A rule can only leave out: it makes nothing a
service that does not run, and allows no action that the console would not know by itself.
"""

from fnmatch import fnmatchcase
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import BeforeValidator, Field, model_validator

from opsconsole.config.types import Duration, Model, OneOrMany, Text, as_tuple
from opsconsole.model.running.units import unit_name

NativeAction = Literal["restart", "rollback", "scale"]
NATIVE_ACTIONS: Final[tuple[NativeAction, ...]] = ("restart", "rollback", "scale")
"""What can be done to what was found, because its engine knows how."""

_Texts = Annotated[tuple[Text, ...], BeforeValidator(as_tuple), OneOrMany]


class _Discovery(Model):
    """One kind of discovery; ``true`` is all of its defaults."""

    short_form: ClassVar[dict[str, Any] | None] = {"const": True}

    @model_validator(mode="before")
    @classmethod
    def _from_true(cls, value: object) -> object:
        return {} if value is True else value


class DockerDiscovery(_Discovery):
    """Compose services, Swarm services and lone containers become services; ``true`` for all."""

    engines: _Texts = Field(
        default=(), description="Names of the Docker Engines to look at; all when empty."
    )
    projects: _Texts = Field(
        default=(), description="Compose projects and Swarm stacks; * stands for anything."
    )
    names: _Texts = Field(
        default=(), description="Services by the name they would have; * stands for anything."
    )
    labels: _Texts = Field(
        default=(), description="Labels that containers must have: key, or key=value."
    )
    actions: tuple[NativeAction, ...] = Field(
        default=NATIVE_ACTIONS, description="What may be done to what was found."
    )


class KubernetesDiscovery(_Discovery):
    """Deployments, StatefulSets and DaemonSets become services; ``true`` for all."""

    clusters: _Texts = Field(
        default=(), description="Names of the clusters to look at; all when empty."
    )
    namespaces: _Texts = Field(default=(), description="Namespaces; * stands for anything.")
    names: _Texts = Field(
        default=(), description="Services by the name they would have; * stands for anything."
    )
    labels: _Texts = Field(
        default=(), description="Labels that workloads must have: key, or key=value."
    )
    actions: tuple[NativeAction, ...] = Field(
        default=NATIVE_ACTIONS, description="What may be done to what was found."
    )
    health: Literal["pods", "proxy"] | None = Field(
        default=None,
        description="How the pods of those are asked that say opsconsole.io/health: at their own "
        "address, or through the API server's proxy; not at all if not set.",
    )


class SystemdDiscovery(_Discovery):
    """The systemd units of hosts that failed become services, and those that are named; ``true``
    for those that failed.
    """

    hosts: _Texts = Field(
        default=(),
        description="Hosts whose units are looked at, local for this one; * stands for anything. "
        "All when empty.",
    )
    units: _Texts = Field(
        default=(),
        description="Units that are watched though they did not fail, of all those hosts or, as "
        "HOST/UNIT, of some; * stands for anything: nginx, db-*/postgresql@*.",
    )
    failed: bool = Field(default=True, description="Whether each unit that fails becomes one.")
    actions: tuple[Literal["restart"], ...] = Field(
        default=("restart",), description="What may be done to them."
    )

    def covers(self, host: str) -> bool:
        """Whether the units of ``host`` are looked at."""
        return not self.hosts or any(fnmatchcase(host, each) for each in self.hosts)

    def names(self, unit: str, host: str) -> bool:
        """Whether the full name ``unit`` is among ``units`` of ``host``, whatever becomes of it."""
        for each in self.units:
            where, _, name = each.rpartition("/")
            if fnmatchcase(unit, unit_name(name)) and fnmatchcase(host, where or "*"):
                return True
        return False


class PrometheusDiscovery(_Discovery):
    """The jobs that a Prometheus scrapes become services; ``true`` for all."""

    jobs: _Texts = Field(default=(), description="Jobs by name; * stands for anything.")
    labels: _Texts = Field(
        default=(),
        description="Labels that one of its targets must have, found or given: key, or key=value.",
    )


class Discovery(Model):
    """What becomes a service without being named."""

    docker: DockerDiscovery | None = Field(
        default=None, description="What the Docker Engines run; true for all of it."
    )
    kubernetes: KubernetesDiscovery | None = Field(
        default=None, description="What the Kubernetes clusters run; true for all of it."
    )
    prometheus: PrometheusDiscovery | None = Field(
        default=None, description="What the Prometheus servers scrape; true for all of it."
    )
    systemd: SystemdDiscovery | None = Field(
        default=None, description="Units of this host and of hosts; true for those that failed."
    )
    forget: Duration = Field(
        default=600.0, description="How long what has gone is still shown, as gone."
    )
