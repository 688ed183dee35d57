"""From settings to the sources that they ask for.

Invariant: what is not configured is not imported; a source's key is unique; a source that cannot
be made costs itself alone. Call it on the event loop that the sources will live on.
"""

from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsconsole.clock import Clock
from opsconsole.config.services import Health, Service
from opsconsole.config.settings import Alertmanager, Docker, Prometheus, Settings
from opsconsole.engine.fleet import (
    interval_of,
    join_url,
    probe_key,
    probe_paths,
    scrape_interval,
)
from opsconsole.engine.judge.budget import SPANS
from opsconsole.model.events import Event
from opsconsole.model.health import ProbeKind
from opsconsole.sources.base import Source

if TYPE_CHECKING:
    from opsconsole.sources.connector import Connector

Failed = Callable[[str, Exception], None]
Make = Callable[[], Source[Any]]


def assemble(
    settings: Settings,
    clock: Clock,
    base: Path,
    *,
    on_event: Callable[[Event], None],
    on_failure: Failed,
    cleanup: AsyncExitStack,
) -> list[Source[Any]]:
    """Every source of ``settings``; what they share is closed by ``cleanup``.

    ``on_failure`` is told the name and the exception of each that could not be made.
    """
    found: list[Source[Any]] = []
    for name, make in (
        *_of_instances(settings, clock, base, cleanup),
        *_places(settings, clock, base, on_event),
    ):
        try:
            found.append(make())
        except Exception as error:  # noqa: BLE001 - the boundary of one source: a defect of ours
            on_failure(name, error)
    return found


def _of_instances(
    settings: Settings, clock: Clock, base: Path, cleanup: AsyncExitStack
) -> Iterator[tuple[str, Make]]:
    if not any(service.instances for service in settings.services.values()):
        return
    from opsconsole.sources.connector import Connector, allow_many_sockets

    # Before the connector, which keeps connections as far as descriptors reach.
    allow_many_sockets()
    connector = Connector()
    cleanup.push_async_callback(connector.close)
    yield from _probes(settings, clock, base, connector)
    yield from _scrapes(settings, clock, base, connector, cleanup)


def _probes(
    settings: Settings, clock: Clock, base: Path, connector: "Connector"
) -> Iterator[tuple[str, Make]]:
    from opsconsole.sources.http_probe import HttpProbe

    for name, service in settings.services.items():
        common = partial(
            HttpProbe,
            http=service.http,
            interval=interval_of(settings, service),
            timeout=service.timeout or settings.defaults.timeout,
            clock=clock,
            connector=connector,
            base=base,
        )
        for instance, url in _instances(settings, name, service):
            for kind, path in probe_paths(service):
                key = probe_key(name, instance, kind)
                health = _health(service, kind, path)
                target = join_url(url, path)
                yield key, partial(common, key=key, kind=kind, url=target, health=health)


def _scrapes(
    settings: Settings,
    clock: Clock,
    base: Path,
    connector: "Connector",
    cleanup: AsyncExitStack,
) -> Iterator[tuple[str, Make]]:
    """A scrape of each instance whose service declares metrics that no Prometheus serves."""
    services = {
        name: service
        for name, service in settings.services.items()
        if service.metrics and service.instances and settings.prometheus_of(name) is None
    }
    if not services:
        return
    from opsconsole.sources.budget_series import budget_series
    from opsconsole.sources.declared import declared_metrics
    from opsconsole.sources.executor import BoundedExecutor
    from opsconsole.sources.scrape import DEFAULT_PATH, ScrapeSource, scrape_key
    from opsconsole.sources.service_samples import ServiceSamples

    executor = BoundedExecutor("scrape-parser", 1)
    cleanup.callback(executor.close)
    for name, service in services.items():
        targets = tuple(budget_series(name, service))
        samples = ServiceSamples(declared_metrics(name, service), targets)
        if not samples.names:
            continue
        common = partial(
            ScrapeSource,
            samples=samples,
            http=service.http,
            interval=scrape_interval(service),
            timeout=service.timeout or settings.defaults.timeout,
            clock=clock,
            connector=connector,
            executor=executor,
            base=base,
        )
        for instance, url in _instances(settings, name, service):
            key = scrape_key(name, instance)
            yield (
                key,
                partial(common, key=key, url=join_url(url, service.metrics_path or DEFAULT_PATH)),
            )


def _instances(settings: Settings, name: str, service: Service) -> Iterator[tuple[str, str]]:
    names = settings.instance_names(name)
    for called, instance in zip(names, service.instances, strict=True):
        yield called, instance.url


def _health(service: Service, kind: ProbeKind, path: str) -> Health:
    if kind is ProbeKind.HEALTH and service.health is not None:
        return service.health
    return Health(path=path)


def _places(
    settings: Settings, clock: Clock, base: Path, on_event: Callable[[Event], None]
) -> Iterator[tuple[str, Make]]:
    if settings.host.enabled:
        yield "host", partial(_host, settings, clock)
    for docker in settings.docker:
        if docker.enabled:
            yield docker.name, partial(_docker, docker, clock, on_event)
    for prometheus in settings.prometheus:
        yield prometheus.name, partial(_prometheus, settings, prometheus, clock, base)
        yield from _history(settings, prometheus, clock, base)
    for alertmanager in settings.alertmanager:
        yield alertmanager.name, partial(_alertmanager, alertmanager, clock, base)


def _host(settings: Settings, clock: Clock) -> Source[Any]:
    from opsconsole.sources.host import HostSource

    return HostSource(settings.host, clock)


def _docker(docker: Docker, clock: Clock, on_event: Callable[[Event], None]) -> Source[Any]:
    from opsconsole.sources.docker import DockerSource

    return DockerSource(docker, clock, on_event)


def _prometheus(
    settings: Settings, prometheus: Prometheus, clock: Clock, base: Path
) -> Source[Any]:
    from opsconsole.config.rule_files import load_rule_files
    from opsconsole.sources.prometheus import PrometheusSource

    rules = load_rule_files(prometheus.rule_files, base)
    return PrometheusSource(prometheus, _declared(settings, prometheus), clock, base, rules)


def _history(
    settings: Settings, prometheus: Prometheus, clock: Clock, base: Path
) -> Iterator[tuple[str, Make]]:
    """What ``prometheus`` remembers of error budgets, where any objective has one there."""
    served = [
        (name, service)
        for name, service in settings.services.items()
        if service.objectives and settings.prometheus_of(name) is prometheus
    ]
    if not served:
        return
    from opsconsole.sources.budget_series import budget_series
    from opsconsole.sources.prometheus_history import PREFIX, PrometheusHistory

    series = [each for name, service in served for each in budget_series(name, service)]
    if series:
        make = partial(PrometheusHistory, prometheus, series, SPANS, clock, base)
        yield f"{PREFIX}{prometheus.name}", make


def _alertmanager(alertmanager: Alertmanager, clock: Clock, base: Path) -> Source[Any]:
    from opsconsole.sources.alertmanager import AlertmanagerSource

    return AlertmanagerSource(alertmanager, clock, base)


def _declared(settings: Settings, prometheus: Prometheus) -> tuple[Any, ...]:
    """The metrics that ``prometheus`` serves."""
    from opsconsole.sources.declared import declared_metrics

    return tuple(
        declared
        for name, service in settings.services.items()
        if settings.prometheus_of(name) is prometheus
        for declared in declared_metrics(name, service)
    )
