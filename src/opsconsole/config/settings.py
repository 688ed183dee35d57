"""The whole configuration, validated.

Invariant: an instance of ``Settings`` that ``loader.load`` gives is consistent: every name that
refers to something refers to something that exists. Everything is immutable.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal, assert_never

from pydantic import BeforeValidator, Field, PrivateAttr, model_validator

from opsconsole.config.actions import Action
from opsconsole.config.discovery import Discovery
from opsconsole.config.display import Display, View, Wall
from opsconsole.config.hosts import HERE, HostSettings, RemoteHost, host_named
from opsconsole.config.http import HttpConfig
from opsconsole.config.kubernetes import InCluster, KubernetesCluster
from opsconsole.config.notify import Heartbeat, Notify, TellMe, Watch
from opsconsole.config.remedies import Automation, MaintenanceHours, Remedy
from opsconsole.config.service_log import ServiceLog
from opsconsole.config.services import NO_PROMETHEUS, Instance, Service, Thresholds
from opsconsole.config.state import State
from opsconsole.config.types import (
    Duration,
    Model,
    Name,
    OneOrMany,
    Size,
    Text,
    Url,
    as_tuple,
    plain,
)
from opsconsole.model.source_id import THIS_HOST, UNITS_HERE, SourceId, SourceKind


class Environment(Model):
    """What kind of place this is; decides the header's colour and how actions are confirmed."""

    name: str = Field(default="this host", description="Its name, shown in the header.")
    danger: Literal["none", "low", "high"] = Field(
        default="none", description="high colours the header red and asks for more confirmation."
    )


class Defaults(Model):
    """For services that do not say otherwise."""

    interval: Duration = Field(default=5.0, description="Time between two looks at an instance.")
    timeout: Duration = Field(default=2.0, description="Deadline of one look, in total.")
    thresholds: Thresholds = Field(
        default_factory=plain(Thresholds), description="When an instance counts as down."
    )


class Prometheus(Model):
    """A Prometheus-compatible query API. ``rules_url`` where rules live apart (vmalert)."""

    url: Url = Field(description="Where its API is, with any prefix.")
    name: Name = Field(default="prometheus", description="To distinguish several.")
    interval: Duration = Field(default=15.0, description="Time between two looks.")
    timeout: Duration = Field(default=10.0, description="Deadline of one query.")
    rules_url: Url | None = Field(
        default=None, description="Where its rules and alerts are served, if elsewhere (vmalert)."
    )
    rule_files: tuple[Text, ...] = Field(
        default=(), description="Rule files to evaluate when it has not loaded them."
    )
    http: HttpConfig = Field(
        default_factory=plain(HttpConfig), description="Authentication, TLS and headers."
    )


class Alertmanager(Model):
    """An Alertmanager, v2 API."""

    url: Url = Field(description="Where its API is, with any prefix.")
    name: Name = Field(default="alertmanager", description="To distinguish several.")
    interval: Duration = Field(default=10.0, description="Time between two looks.")
    timeout: Duration = Field(default=5.0, description="Deadline of one look.")
    http: HttpConfig = Field(
        default_factory=plain(HttpConfig), description="Authentication, TLS and headers."
    )


class Docker(Model):
    """A Docker Engine: by host URL, by context, or as the environment says when neither."""

    host: Text | None = Field(
        default=None,
        description="unix:///var/run/docker.sock, tcp://host:2376, or ssh://host: one of hosts, or "
        "any that ssh knows; a user, a port and the path of the socket may be added.",
    )
    context: Text | None = Field(default=None, description="Name of a Docker context.")
    name: Name = Field(default="docker", description="To distinguish several.")
    interval: Duration = Field(default=5.0, description="Time between two lists of containers.")
    stats_interval: Duration = Field(
        default=10.0, description="Time between two readings of what containers use."
    )
    timeout: Duration = Field(default=10.0, description="Deadline of one call.")
    tls: Text | None = Field(
        default=None, description="Folder of ca.pem, cert.pem and key.pem for tcp://."
    )
    enabled: bool = Field(default=True, description="Whether it is looked at.")

    _through: RemoteHost | None = PrivateAttr(default=None)

    @property
    def through(self) -> RemoteHost | None:
        """The host of the settings that ``ssh://`` names."""
        return self._through

    def led_through(self, hosts: Mapping[str, RemoteHost]) -> None:
        """Know the host, if it is one of ``hosts``."""
        scheme, _, rest = (self.host or "").partition("://")
        self._through = hosts.get(rest.partition("/")[0]) if scheme == "ssh" else None

    @model_validator(mode="after")
    def _one_way(self) -> "Docker":
        if self.host and self.context:
            raise ValueError("host and context exclude each other")
        return self


class Operations(Model):
    """Defaults of policy and verification; Nomad's names where it has them."""

    cooldown: Duration = Field(
        default=60.0, description="Time between two operations on one service."
    )
    restart_limit: int = Field(default=2, ge=1, description="Restarts within restart_window.")
    restart_window: Duration = Field(
        default=900.0, description="Within which restart_limit needs an override."
    )
    rollback_countdown: Duration = Field(
        default=30.0, gt=0, description="How long an automatic rollback can be stopped."
    )
    audit_file: Text | None = Field(default=None, description="A further copy of the audit log.")
    audit_syslog: bool = Field(default=False, description="Whether syslog gets the audit too.")
    backups: Text | None = Field(default=None, description="Folder of the backups.")


class Recording(Model):
    """What is kept on disk, bounded by age and by size."""

    enabled: bool = Field(default=True, description="Whether history outlives the console.")
    keep: Duration = Field(default=604800.0, description="How long it is kept.")
    size: Size = Field(default=512_000_000, description="How large it may grow.")


class Settings(Model):
    """The root of ``opsconsole.yaml``."""

    environment: Environment = Field(
        default_factory=plain(Environment), description="What kind of place all of this is."
    )
    environments: dict[Name, Environment] = Field(
        default_factory=dict, description="Further environments that services can name."
    )
    prometheus: Annotated[tuple[Prometheus, ...], BeforeValidator(as_tuple), OneOrMany] = Field(
        default=(), description="Prometheus-compatible servers to query."
    )
    alertmanager: Annotated[tuple[Alertmanager, ...], BeforeValidator(as_tuple), OneOrMany] = Field(
        default=(), description="Alertmanagers to read."
    )
    always_firing: tuple[Text, ...] = Field(
        default=(),
        description="Alerts that always fire; one that is missing is red, as are those of the "
        "severity none.",
    )
    docker: Annotated[tuple[Docker, ...], BeforeValidator(as_tuple), OneOrMany] = Field(
        default=(plain(Docker)(),), description="Docker Engines; [] for none."
    )
    kubernetes: Annotated[tuple[KubernetesCluster, ...], BeforeValidator(as_tuple), OneOrMany] = (
        Field(default=(), description="Kubernetes clusters to read.")
    )
    host: HostSettings = Field(
        default_factory=plain(HostSettings), description="This host's resources."
    )
    hosts: dict[Name, RemoteHost] = Field(
        default_factory=dict, description="Other hosts, by the name that services use."
    )
    defaults: Defaults = Field(
        default_factory=plain(Defaults), description="For services that do not say otherwise."
    )
    services: dict[Name, Service] = Field(
        default_factory=dict, description="What is watched, by name."
    )
    discover: Discovery = Field(
        default_factory=plain(Discovery),
        description="What is found, and watched like what is named.",
    )
    operations: Operations = Field(
        default_factory=plain(Operations), description="Limits on what may be done."
    )
    remedies: tuple[Remedy, ...] = Field(
        default=(), description="What is done by itself, suggested, or asked for."
    )
    automation: Automation = Field(
        default_factory=plain(Automation), description="What all remedies share."
    )
    maintenance: tuple[MaintenanceHours, ...] = Field(
        default=(), description="Hours in which services are worked on, each week."
    )
    recording: Recording = Field(
        default_factory=plain(Recording), description="What is kept on disk."
    )
    display: Display = Field(default_factory=plain(Display), description="How it looks.")
    views: dict[Name, View] = Field(
        default_factory=dict, description="Ways to look at the services, by name."
    )
    wall: Wall = Field(
        default_factory=plain(Wall), description="A read-only screen without a keyboard."
    )
    keys: dict[str, str] = Field(
        default_factory=dict, description="Keys by binding, such as restart: ctrl+k."
    )
    read_only: bool = Field(default=False, description="Refuse every change.")
    notify: Notify = Field(
        default_factory=plain(Notify), description="Who is notified of trouble by opsconsole watch."
    )
    tell_me: TellMe = Field(
        default_factory=plain(TellMe), description="Who else hears what a person asked to hear of."
    )
    heartbeat: Heartbeat | None = Field(
        default=None, description="Who hears that opsconsole watch sees and is heard."
    )
    watch: Watch = Field(default_factory=plain(Watch), description="opsconsole watch itself.")
    runbooks: Text | None = Field(
        default=None, description="Folder of the runbooks; runbooks, beside this file, if not set."
    )
    state_dir: Text | None = Field(
        default=None, description="Where history, journal and locks are kept."
    )
    state: State = Field(
        default_factory=plain(State), description="A server that keeps them for several hosts."
    )

    _path: Path | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _name_hosts(self) -> "Settings":
        if HERE in self.hosts:
            raise ValueError(
                f"hosts: {HERE} is the name of this host; call the other one otherwise"
            )
        for name, host in self.hosts.items():
            host.named(name)
        for engine in self.docker:
            if engine.host:
                engine.led_through(self.hosts)
        return self

    def __eq__(self, other: object) -> bool:
        """Equal settings are equal wherever they were read from."""
        return isinstance(other, Settings) and self.__dict__ == other.__dict__

    __hash__ = Model.__hash__

    def came_from(self, path: Path) -> None:
        """Know the file or folder that these settings were read from."""
        self._path = path.absolute()

    @property
    def path(self) -> Path | None:
        """The file or folder that they were read from; None where there was none."""
        return self._path

    @property
    def places(self) -> dict[str, tuple[Docker, ...] | tuple[KubernetesCluster, ...]]:
        """Where replicas run, by the key of these settings; also those that are not enabled."""
        return {"docker": self.docker, "kubernetes": self.kubernetes}

    @property
    def engines(self) -> dict[str, float]:
        """What may be named by ``engine``: names, and the seconds between two looks."""
        every = (each for places in self.places.values() for each in places)
        return {each.name: each.interval for each in every if each.enabled}

    @property
    def unit_hosts(self) -> dict[SourceId, HostSettings]:
        """The hosts whose systemd units are read, by what reads them."""
        named = {self.units_of(name) for name, each in self.services.items() if each.units}
        every = {UNITS_HERE: self.host}
        every |= {SourceId(SourceKind.SYSTEMD, name): each for name, each in self.hosts.items()}
        return {
            who: host
            for who, host in every.items()
            if host.enabled and (who in named or self._finds_units(who))
        }

    def units_of(self, service: str) -> SourceId:
        """What reads the units of the host that ``service`` is on."""
        host = self.host_of(service)
        if isinstance(host, RemoteHost):
            return SourceId(SourceKind.SYSTEMD, host.name)
        return UNITS_HERE

    def _finds_units(self, source: SourceId) -> bool:
        rules = self.discover.systemd
        return rules is not None and rules.covers(host_named(source))

    @property
    def tells_replicas(self) -> dict[str, float]:
        """What says which replicas run: engines, and hosts with units, by the place's name."""
        units = {who.name: host.units_every for who, host in self.unit_hosts.items()}
        return {**self.engines, **units}

    def without_places(self) -> "Settings":
        """The same, but neither this host nor any engine is read."""
        host = self.host.model_copy(update={"enabled": False})
        hosts = {
            name: each.model_copy(update={"enabled": False}) for name, each in self.hosts.items()
        }
        return self.model_copy(
            update={**dict.fromkeys(self.places, ()), "host": host, "hosts": hosts}
        )

    @property
    def discovered(self) -> tuple[Docker, ...]:
        """The engines whose containers become services."""
        rules = self.discover.docker
        if rules is None:
            return ()
        wanted = rules.engines
        return tuple(
            each for each in self.docker if each.enabled and (not wanted or each.name in wanted)
        )

    @property
    def discovered_clusters(self) -> tuple[KubernetesCluster, ...]:
        """The clusters whose workloads become services."""
        rules = self.discover.kubernetes
        if rules is None:
            return ()
        wanted = rules.clusters
        return tuple(
            each for each in self.kubernetes if each.enabled and (not wanted or each.name in wanted)
        )

    def cluster_of(self, target: InCluster) -> KubernetesCluster | None:
        """The cluster that ``target`` names, else the only one; None where there is none."""
        found = [each for each in self.kubernetes if target.cluster in {None, each.name}]
        return found[0] if len(found) == 1 else None

    @property
    def tells_targets(self) -> bool:
        """Whether anybody wants to know what the Prometheus servers scrape."""
        found = self.discover.prometheus is not None
        return found or any(each.job for each in self.services.values())

    def discovers(self, source: SourceId) -> bool:
        """Whether what ``source`` reports becomes services."""
        if source.kind is SourceKind.PROMETHEUS:
            return self.discover.prometheus is not None and self.reads(source)
        if source.kind is SourceKind.SYSTEMD:
            return self._finds_units(source) and self.reads(source)
        found: tuple[Docker, ...] | tuple[KubernetesCluster, ...] = ()
        if source.kind is SourceKind.DOCKER:
            found = self.discovered
        if source.kind is SourceKind.KUBERNETES:
            found = self.discovered_clusters
        return any(each.name == source.name for each in found)

    def reads(self, source: SourceId) -> bool:
        """Whether ``source`` is among the places that are to be read."""
        match source.kind:
            case SourceKind.HOST if source != THIS_HOST:
                return source.name in self.hosts and self.hosts[source.name].enabled
            case SourceKind.HOST:
                return self.host.enabled
            case SourceKind.DOCKER | SourceKind.KUBERNETES:
                return source.name in self.engines
            case SourceKind.SYSTEMD:
                return source in self.unit_hosts
            case SourceKind.PROMETHEUS:
                return any(each.name == source.name for each in self.prometheus)
            case SourceKind.ALERTMANAGER:
                return any(each.name == source.name for each in self.alertmanager)
            case (
                SourceKind.PROBE
                | SourceKind.SCRAPE
                | SourceKind.BUDGETS
                | SourceKind.LOCAL
                | SourceKind.UNKNOWN
            ):
                return False
            case _ as never:
                assert_never(never)

    def environment_of(self, service: str) -> Environment:
        """The environment that ``service`` runs in."""
        named = self.services[service].environment if service in self.services else None
        return self.environments[named] if named else self.environment

    def prometheus_of(self, service: str) -> Prometheus | None:
        """The server that serves the metrics of ``service``: the one named, else the first."""
        named = self.services[service].prometheus if service in self.services else None
        if named == NO_PROMETHEUS:
            return None
        found = (each for each in self.prometheus if named is None or each.name == named)
        return next(found, None)

    def host_of(
        self, service: str, part: Instance | ServiceLog | Action | None = None
    ) -> HostSettings:
        """The host where the units, files and programs of ``service``, or of a part of it, are.

        What the part names, else the service, else the one that all its instances name. Every place
        that reaches a host asks here.
        """
        config = self.services.get(service)
        named = part.host if part is not None else None
        if named is None and config is not None:
            named = config.host
            if named is None and not isinstance(part, Instance):
                theirs = {each.host for each in config.instances}
                named = theirs.pop() if len(theirs) == 1 else None
        return self.hosts.get(named or HERE, self.host)

    def hosts_of(self, service: str, part: Action | None = None) -> dict[str, HostSettings]:
        """Each host where something is done that is done at every instance, by its name.

        One alone where the action or the service names it, or all instances are on it.
        """
        config = self.services.get(service)
        named = (part is not None and part.host) or (config is not None and config.host)
        instances = config.instances if config is not None and not named else ()
        theirs = list(dict.fromkeys(each.host or HERE for each in instances))
        if len(theirs) < 2:
            host = self.host_of(service, part)
            return {host.name if isinstance(host, RemoteHost) else HERE: host}
        return {name: self.hosts.get(name, self.host) for name in theirs}

    def host_source(self, service: str) -> SourceId:
        """What reads the figures of the host that ``service`` is on."""
        host = self.host_of(service)
        if isinstance(host, RemoteHost):
            return SourceId(SourceKind.HOST, host.name)
        return THIS_HOST

    def hosts_named(self, service: str) -> tuple[SourceId, ...]:
        """What reads the hosts that ``service`` is declared to be on; () where it names none."""
        config = self.services[service]
        theirs = dict.fromkeys(each.host or config.host or HERE for each in config.instances)
        found = list(theirs) or [config.host or HERE]
        if found == [HERE]:
            return ()
        return tuple(
            THIS_HOST if name == HERE else SourceId(SourceKind.HOST, name) for name in found
        )

    @property
    def host_intervals(self) -> dict[SourceId, float]:
        """How often each host is read, in seconds."""
        others = {SourceId(SourceKind.HOST, name): each for name, each in self.hosts.items()}
        every = {THIS_HOST: self.host, **others}
        return {who: each.interval for who, each in every.items()}

    def alertmanager_of(self, name: str) -> Alertmanager | None:
        """The Alertmanager that is called ``name``."""
        return next((each for each in self.alertmanager if each.name == name), None)

    def instance_names(self, service: str) -> tuple[str, ...]:
        """Names of the instances of ``service``, in order; numbered where none is given."""
        instances = self.services[service].instances
        return tuple(
            instance.name or (service if len(instances) == 1 else f"{service}-{number}")
            for number, instance in enumerate(instances, 1)
        )


PLACES: Final = tuple(Settings.model_construct().places)
"""The keys of ``Settings.places``."""


def effective_read_only(settings: Settings, asked: bool) -> bool:
    """Whether every change is refused: ``asked`` for at the start or so far, or by ``settings``.

    What was asked for is never undone by settings, so reading the
    configuration again can forbid changes and never allow them.
    """
    return asked or settings.read_only or settings.wall.enabled
