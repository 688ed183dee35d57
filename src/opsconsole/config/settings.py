"""The whole configuration, validated.

Invariant: an instance of ``Settings`` is consistent: every name that refers to something refers
to something that exists. Everything is immutable.
"""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from opsconsole.config.http import HttpConfig
from opsconsole.config.services import Service, Thresholds
from opsconsole.config.types import Duration, Model, Name, Size


class Environment(Model):
    """What kind of place this is; decides the header's colour and how actions are confirmed."""

    name: str = "this host"
    danger: Literal["none", "low", "high"] = "none"


class Defaults(Model):
    """For services that do not say otherwise."""

    interval: Duration = 5.0
    timeout: Duration = 2.0
    thresholds: Thresholds = Field(default_factory=Thresholds)


class Prometheus(Model):
    """A Prometheus-compatible query API. ``rules_url`` where rules live apart (vmalert)."""

    url: str
    name: Name = "prometheus"
    interval: Duration = 15.0
    timeout: Duration = 10.0
    rules_url: str | None = None
    rule_files: tuple[str, ...] = ()
    http: HttpConfig = Field(default_factory=HttpConfig)


class Alertmanager(Model):
    """An Alertmanager, v2 API."""

    url: str
    name: Name = "alertmanager"
    interval: Duration = 10.0
    timeout: Duration = 5.0
    http: HttpConfig = Field(default_factory=HttpConfig)


class Docker(Model):
    """A Docker Engine: by host URL, by context, or as the environment says when neither."""

    host: str | None = None
    context: str | None = None
    name: Name = "docker"
    interval: Duration = 5.0
    stats_interval: Duration = 10.0
    timeout: Duration = 10.0
    tls: str | None = None
    enabled: bool = True


class HostSettings(Model):
    """This host's own resources."""

    enabled: bool = True
    interval: Duration = 2.0
    disks: tuple[str, ...] = ()
    processes: int = Field(default=5, ge=0, le=50)


class Operations(Model):
    """Defaults of policy and verification; Nomad's names where it has them."""

    cooldown: Duration = 60.0
    restart_limit: int = Field(default=2, ge=1)
    restart_window: Duration = 900.0
    audit_file: str | None = None
    audit_syslog: bool = False
    backups: str | None = None


class Recording(Model):
    """What is kept on disk, bounded by age and by size."""

    enabled: bool = True
    keep: Duration = 604800.0
    size: Size = 512_000_000


class Display(Model):
    """How it looks."""

    theme: str = "dark"
    low_bandwidth: bool = False
    ascii: bool = False
    mouse: bool = True
    window: Duration = 900.0


class Wall(Model):
    """A read-only screen that nobody sits at."""

    enabled: bool = False
    rotate: Duration = 20.0
    views: tuple[Literal["overview", "services", "resources", "timeline"], ...] = (
        "overview",
        "services",
        "resources",
        "timeline",
    )


def _as_tuple(value: object) -> object:
    return (value,) if isinstance(value, (str, dict)) else value


class Settings(Model):
    """The root of ``opsconsole.yaml``."""

    environment: Environment = Field(default_factory=Environment)
    environments: dict[str, Environment] = Field(default_factory=dict)
    prometheus: Annotated[tuple[Prometheus, ...], BeforeValidator(_as_tuple)] = ()
    alertmanager: Annotated[tuple[Alertmanager, ...], BeforeValidator(_as_tuple)] = ()
    docker: Annotated[tuple[Docker, ...], BeforeValidator(_as_tuple)] = (Docker(),)
    host: HostSettings = Field(default_factory=HostSettings)
    defaults: Defaults = Field(default_factory=Defaults)
    services: dict[Name, Service] = Field(default_factory=dict)
    operations: Operations = Field(default_factory=Operations)
    recording: Recording = Field(default_factory=Recording)
    display: Display = Field(default_factory=Display)
    wall: Wall = Field(default_factory=Wall)
    keys: dict[str, str] = Field(default_factory=dict)
    read_only: bool = False
    state_dir: str | None = None

    def environment_of(self, service: str) -> Environment:
        """The environment that ``service`` runs in."""
        named = self.services[service].environment if service in self.services else None
        return self.environments[named] if named else self.environment

    def instance_names(self, service: str) -> tuple[str, ...]:
        """Names of the instances of ``service``, in order; numbered where none is given."""
        instances = self.services[service].instances
        return tuple(
            instance.name or (service if len(instances) == 1 else f"{service}-{number}")
            for number, instance in enumerate(instances, 1)
        )
