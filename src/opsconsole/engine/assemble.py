"""Builds the sources that the settings ask for.

Invariant: what is not configured is not imported; a source's key is unique; a source that cannot be
made affects no other; one whose configuration did not change is the same object after a reload, and
reads its secrets again. Call it on the event loop that the sources will live on.
"""

from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from opsconsole.clock import Clock
from opsconsole.config.discovery import SystemdDiscovery
from opsconsole.config.hosts import HostSettings, RemoteHost
from opsconsole.config.kubernetes import KubernetesCluster
from opsconsole.config.services import Service
from opsconsole.config.settings import Alertmanager, Docker, Prometheus, Settings
from opsconsole.engine.judge.budget import SPANS
from opsconsole.engine.records.fleet import scrape_interval
from opsconsole.machines.base import Machine
from opsconsole.machines.machines import Machines
from opsconsole.model.events import Event
from opsconsole.model.running.units import unit_name
from opsconsole.model.source_id import THIS_HOST, SourceId, SourceKind
from opsconsole.sources.base import AnySource
from opsconsole.sources.health.factory import join_url, pods_of, probes_of, timeout_of

if TYPE_CHECKING:
    from opsconsole.config.rule_files import RuleFiles
    from opsconsole.machines.ssh.machine import SshMachine
    from opsconsole.sources.http.connector import Connector
    from opsconsole.sources.kubernetes.pod_health import KnowsPods
    from opsconsole.sources.metrics.service_samples import ServiceSamples
    from opsconsole.threads import BoundedExecutor

Failed = Callable[[SourceId, Exception], None]
Made = tuple[SourceId, "partial[Any]"]
"""A source's id and how to make it; it depends on nothing but the arguments."""


class Assembly:
    """Makes the sources of the settings, again after each reload, and what they share."""

    def __init__(
        self,
        clock: Clock,
        base: Path,
        machines: Machines,
        on_event: Callable[[Event], None],
        on_failure: Failed,
        cleanup: AsyncExitStack,
    ) -> None:
        self._clock, self._base, self._machines = clock, base, machines
        self._on_event, self._on_failure = on_event, on_failure
        self._cleanup = cleanup
        self._connector: Connector | None = None
        self._parser: BoundedExecutor | None = None
        self._samples: dict[str, tuple[object, ServiceSamples]] = {}
        self._made: dict[SourceId, tuple[partial[Any], AnySource]] = {}

    def sources(self, settings: Settings) -> list[AnySource]:
        """Every source of ``settings``; an unchanged source is the same object."""
        if self._connector is not None:
            self._connector.renew()
        before, self._made = self._made, {}
        found: list[AnySource] = []
        # One after another: what asks pods needs the source of their cluster.
        for who, make in chain(
            self._of_instances(settings), self._of_places(settings), self._of_pods(settings)
        ):
            known = before.get(who)
            try:
                kept = known is not None and _alike(known[0], make)
                source = known[1] if known is not None and kept else make()
            except Exception as error:  # noqa: BLE001 - the boundary of one source: our defect
                self._on_failure(who, error)
                continue
            self._made[who] = make, source
            found.append(source)
        return found

    def _of_instances(self, settings: Settings) -> Iterator[Made]:
        if not any(service.instances for service in settings.services.values()):
            return
        connector = self._connect()
        yield from _probes(settings, self._clock, self._base, connector)
        yield from self._scrapes(settings, connector)

    def _of_places(self, settings: Settings) -> Iterator[Made]:
        yield from places(settings, self._clock, self._on_event, self._machines, self._base)
        if settings.prometheus or settings.alertmanager:
            yield from _servers(settings, self._clock, self._connect(), self._base)

    def _of_pods(self, settings: Settings) -> Iterator[Made]:
        """What asks the pods of services for their health, by the sources of their clusters."""
        for name in settings.services:
            for asked in pods_of(settings, name):
                from opsconsole.sources.kubernetes.pod_health import PodHealth

                made = self._made.get(SourceId(SourceKind.KUBERNETES, asked.cluster))
                if made is None:
                    # It could not be made, which was said.
                    continue
                common = partial(PodHealth, asked, cast("KnowsPods", made[1]))
                yield (
                    asked.id,
                    partial(common, clock=self._clock, connector=self._connect(), base=self._base),
                )

    def _connect(self) -> "Connector":
        """What all HTTP sources share."""
        if self._connector is None:
            from opsconsole.sources.http.connector import Connector, allow_many_sockets

            # Before the connector, because it keeps as many connections as there are descriptors.
            allow_many_sockets()
            self._connector = Connector()
            self._cleanup.push_async_callback(self._connector.close)
        return self._connector

    def _scrapes(self, settings: Settings, connector: "Connector") -> Iterator[Made]:
        """A scrape of each instance whose service declares metrics that no Prometheus serves."""
        services = {
            name: service
            for name, service in settings.services.items()
            if service.metrics and service.instances and settings.prometheus_of(name) is None
        }
        self._samples = {name: each for name, each in self._samples.items() if name in services}
        if not services:
            return
        from opsconsole.sources.metrics.scrape import DEFAULT_PATH, ScrapeSource, scrape_id
        from opsconsole.threads import BoundedExecutor

        if self._parser is None:
            self._parser = BoundedExecutor("scrape-parser", 1)
            self._cleanup.callback(self._parser.close)
        for name, service in services.items():
            samples = self._samples_of(name, service)
            if not samples.names:
                continue
            common = partial(
                ScrapeSource,
                samples=samples,
                http=service.http,
                interval=scrape_interval(service),
                timeout=timeout_of(settings, service),
                clock=self._clock,
                connector=connector,
                executor=self._parser,
                base=self._base,
            )
            path = service.metrics_path or DEFAULT_PATH
            for instance, url in _instances(settings, name, service):
                target = partial(common, service=name, instance=instance, url=join_url(url, path))
                yield scrape_id(name, instance), target

    def _samples_of(self, name: str, service: Service) -> "ServiceSamples":
        """What all instances of a service share; the same object while the declarations are the
        same."""
        from opsconsole.sources.metrics.budget_series import budget_series
        from opsconsole.sources.metrics.declared import declared_metrics
        from opsconsole.sources.metrics.service_samples import ServiceSamples

        declared = declared_metrics(name, service)
        targets = tuple(budget_series(name, service))
        wanted = declared, targets, tuple(each.url for each in service.instances)
        known = self._samples.get(name)
        if known is None or known[0] != wanted:
            self._samples[name] = known = (wanted, ServiceSamples(declared, targets))
        return known[1]


def _alike(one: "partial[Any]", other: "partial[Any]") -> bool:
    return one.args == other.args and one.keywords == other.keywords


def _probes(settings: Settings, clock: Clock, base: Path, connector: "Connector") -> Iterator[Made]:
    from opsconsole.sources.health.http_probe import HttpProbe

    common = partial(HttpProbe.at_its_url, clock=clock, connector=connector, base=base)
    for name in settings.services:
        for asked in probes_of(settings, name):
            yield asked.id, partial(common, asked)


def _instances(settings: Settings, name: str, service: Service) -> Iterator[tuple[str, str]]:
    names = settings.instance_names(name)
    for called, instance in zip(names, service.instances, strict=True):
        yield called, instance.url


def places(
    settings: Settings,
    clock: Clock,
    on_event: Callable[[Event], None],
    machines: Machines,
    base: Path = Path(),
) -> Iterator[Made]:
    """This host, and what reports which replicas run."""
    if settings.host.enabled:
        yield THIS_HOST, partial(_host, settings.host, clock)
    for name, host in settings.hosts.items():
        if host.enabled:
            make = partial(_remote_host, host, machines.over_ssh(host), clock)
            yield SourceId(SourceKind.HOST, name), make
    for who, each in settings.unit_hosts.items():
        rules = settings.discover.systemd if settings.discovers(who) else None
        named = units_of(settings, who)
        yield who, partial(_units, each, machines.of(each), rules, named, clock)
    for docker in settings.docker:
        if docker.enabled:
            make = partial(_docker, docker, clock, on_event)
            yield SourceId(SourceKind.DOCKER, docker.name), make
    for cluster in settings.kubernetes:
        if cluster.enabled:
            make = partial(_cluster, cluster, clock, on_event, base)
            yield SourceId(SourceKind.KUBERNETES, cluster.name), make


def units_of(settings: Settings, source: SourceId) -> tuple[str, ...]:
    """The full names of the units that services run as where ``source`` reads, each once."""
    named = {
        unit_name(unit)
        for name, each in settings.services.items()
        if each.units and settings.units_of(name) == source
        for unit in each.units
    }
    return tuple(sorted(named))


def _servers(
    settings: Settings, clock: Clock, connector: "Connector", base: Path
) -> Iterator[Made]:
    for prometheus in settings.prometheus:
        rules = _rules(prometheus, base)
        declared = _declared(settings, prometheus)
        asks = settings.tells_targets
        make = partial(_prometheus, prometheus, declared, clock, connector, base, rules, asks)
        yield SourceId(SourceKind.PROMETHEUS, prometheus.name), make
        yield from _history(settings, prometheus, clock, connector, base)
    for alertmanager in settings.alertmanager:
        make = partial(_alertmanager, alertmanager, clock, connector, base)
        yield SourceId(SourceKind.ALERTMANAGER, alertmanager.name), make


def _host(host: HostSettings, clock: Clock) -> AnySource:
    from opsconsole.sources.host.source import HostSource

    return HostSource(host, clock)


def _units(
    host: HostSettings,
    machine: Machine,
    rules: SystemdDiscovery | None,
    named: tuple[str, ...],
    clock: Clock,
) -> AnySource:
    from opsconsole.sources.host.units import UnitSource

    return UnitSource(host, machine, rules, named, clock)


def _remote_host(host: RemoteHost, machine: "SshMachine", clock: Clock) -> AnySource:
    from opsconsole.sources.host.ssh import SshHostSource

    return SshHostSource(host, machine, clock)


def _docker(docker: Docker, clock: Clock, on_event: Callable[[Event], None]) -> AnySource:
    from opsconsole.sources.docker.source import DockerSource

    return DockerSource(docker, clock, on_event)


def _cluster(
    cluster: KubernetesCluster, clock: Clock, on_event: Callable[[Event], None], base: Path
) -> AnySource:
    from opsconsole.sources.kubernetes.source import KubernetesSource

    return KubernetesSource(cluster, clock, on_event, base)


def _rules(prometheus: Prometheus, base: Path) -> "RuleFiles":
    from opsconsole.config.rule_files import load_rule_files

    return load_rule_files(prometheus.rule_files, base)


def _prometheus(
    prometheus: Prometheus,
    declared: tuple[Any, ...],
    clock: Clock,
    connector: "Connector",
    base: Path,
    rules: "RuleFiles",
    asks: bool,
) -> AnySource:
    from opsconsole.sources.prometheus.source import PrometheusSource

    return PrometheusSource(prometheus, declared, clock, connector, base, rules, tells_targets=asks)


def _history(
    settings: Settings, prometheus: Prometheus, clock: Clock, connector: "Connector", base: Path
) -> Iterator[Made]:
    """The error budgets that ``prometheus`` has history for, if any objective reads one there."""
    served = [
        (name, service)
        for name, service in settings.services.items()
        if service.objectives and settings.prometheus_of(name) is prometheus
    ]
    if not served:
        return
    from opsconsole.sources.metrics.budget_series import budget_series
    from opsconsole.sources.prometheus.history import PrometheusHistory

    series = [each for name, service in served for each in budget_series(name, service)]
    if series:
        make = partial(PrometheusHistory, prometheus, series, SPANS, clock, connector, base)
        yield SourceId(SourceKind.BUDGETS, prometheus.name), make


def _alertmanager(
    alertmanager: Alertmanager, clock: Clock, connector: "Connector", base: Path
) -> AnySource:
    from opsconsole.sources.prometheus.alertmanager import AlertmanagerSource

    return AlertmanagerSource(alertmanager, clock, connector, base)


def _declared(settings: Settings, prometheus: Prometheus) -> tuple[Any, ...]:
    """The metrics that ``prometheus`` serves."""
    from opsconsole.sources.metrics.declared import declared_metrics

    return tuple(
        declared
        for name, service in settings.services.items()
        if settings.prometheus_of(name) is prometheus
        for declared in declared_metrics(name, service)
    )
