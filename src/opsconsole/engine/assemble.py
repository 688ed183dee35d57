"""From settings to the sources that they ask for.

Invariant: what is not configured is not imported; a source's key is unique. Call it on the event
loop that the sources will live on.
"""

from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from opsconsole.clock import Clock
from opsconsole.config.services import Health, Service
from opsconsole.config.settings import Prometheus, Settings
from opsconsole.engine.fleet import interval_of, probe_key, probe_paths
from opsconsole.model.events import Event
from opsconsole.model.health import ProbeKind
from opsconsole.sources.base import Source


async def assemble(
    settings: Settings,
    clock: Clock,
    base: Path,
    on_event: Callable[[Event], None],
    cleanup: AsyncExitStack,
) -> list[Source[Any]]:
    """Every source of ``settings``. What they share is closed by ``cleanup``, after them."""
    found: list[Source[Any]] = []
    if any(service.instances for service in settings.services.values()):
        found.extend(await _probes(settings, clock, base, cleanup))
    found.extend(_places(settings, clock, base, on_event))
    return found


async def _probes(
    settings: Settings, clock: Clock, base: Path, cleanup: AsyncExitStack
) -> list[Source[Any]]:
    from opsconsole.sources.connector import Connector
    from opsconsole.sources.http_probe import HttpProbe

    connector = Connector()
    cleanup.push_async_callback(connector.close)
    return [
        HttpProbe(
            key=probe_key(name, instance, kind),
            kind=kind,
            url=url.rstrip("/") + "/" + path.lstrip("/"),
            health=_health(service, kind, path),
            http=service.http,
            interval=interval_of(settings, service),
            timeout=service.timeout or settings.defaults.timeout,
            clock=clock,
            connector=connector,
            base=base,
        )
        for name, service in settings.services.items()
        for instance, url in _instances(settings, name, service)
        for kind, path in probe_paths(service)
    ]


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
) -> Iterator[Source[Any]]:
    if settings.host.enabled:
        from opsconsole.sources.host import HostSource

        yield HostSource(settings.host, clock)
    for docker in settings.docker:
        if docker.enabled:
            from opsconsole.sources.docker import DockerSource

            yield DockerSource(docker, clock, on_event)
    for prometheus in settings.prometheus:
        from opsconsole.sources.prometheus import PrometheusSource

        yield PrometheusSource(prometheus, _queries(settings, prometheus), clock, base)
    for alertmanager in settings.alertmanager:
        from opsconsole.sources.alertmanager import AlertmanagerSource

        yield AlertmanagerSource(alertmanager, clock, base)


def _queries(settings: Settings, prometheus: Prometheus) -> tuple[Any, ...]:
    """The figures that ``prometheus`` serves: of services that name it, or name none if first."""
    from opsconsole.sources.promql import queries_for

    first = settings.prometheus[0].name
    return tuple(
        query
        for name, service in settings.services.items()
        if (service.prometheus or first) == prometheus.name
        for query in queries_for(name, service.metrics)
    )
