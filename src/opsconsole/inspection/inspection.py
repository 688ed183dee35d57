"""Inspecting the real world that a valid configuration describes.

Invariant: nothing is changed, everything is looked at once and with a deadline, and one thing
that cannot be looked at hides no finding on another. Neither the screen nor the Docker SDK is
imported.
"""

import asyncio
from collections.abc import Coroutine, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from opsconsole.clock import Clock
from opsconsole.config.files.problems import KeyPath
from opsconsole.config.settings import Prometheus, Settings
from opsconsole.inspection.clusters import check_cluster
from opsconsole.inspection.finding import Finding, Weight, once_each
from opsconsole.inspection.loki import check_loki
from opsconsole.inspection.on_host import check_on_host
from opsconsole.inspection.replicas import check_replicas
from opsconsole.inspection.rules import check_rules
from opsconsole.inspection.scrapes import check_scrapes
from opsconsole.inspection.selection import check_selection, shared_figures
from opsconsole.inspection.series import check_availability, check_declared
from opsconsole.inspection.servers import (
    api_of,
    check_alertmanager,
    check_docker,
    check_prometheus,
)
from opsconsole.inspection.state import check_state
from opsconsole.inspection.targets import check_targets
from opsconsole.sources.http.connector import Connector
from opsconsole.sources.metrics.declared import declared_metrics
from opsconsole.sources.prometheus.series_index import SeriesIndex

Look = Coroutine[Any, Any, list[Finding]]


def inspect(
    settings: Settings, *, base: Path, clock: Clock, environ: Mapping[str, str]
) -> tuple[Finding, ...]:
    """Every finding, each once, in the order of the configuration's parts.

    ``base`` is the configuration's folder. Runs its own event loop until everything has been looked
    at.
    """
    return asyncio.run(_inspect(settings, base, clock, environ))


async def _inspect(
    settings: Settings, base: Path, clock: Clock, environ: Mapping[str, str]
) -> tuple[Finding, ...]:
    async with AsyncExitStack() as stack:
        connector = Connector()
        stack.push_async_callback(connector.close)
        looks: list[Look] = [
            check_targets(settings, connector, clock, base),
            check_replicas(settings, clock),
            check_on_host(settings, base),
            check_state(settings),
        ]
        for number, server in enumerate(settings.prometheus):
            path = ("prometheus", number)
            looks.append(_check_metrics(path, settings, server, connector, base))
        looks += [
            check_scrapes(settings, name, connector, base)
            for name in settings.services
            if settings.prometheus_of(name) is None
        ]
        for number, alertmanager in enumerate(settings.alertmanager):
            looks.append(
                check_alertmanager(("alertmanager", number), alertmanager, connector, base)
            )
        for number, docker in enumerate(settings.docker):
            if docker.enabled:
                where = ("docker", number)
                looks.append(check_docker(where, docker, settings, environ, connector))
        looks += [
            check_loki(("services", name, "logs", index), log, connector, base)
            for name, service in settings.services.items()
            for index, log in enumerate(service.logs)
            if log.loki is not None
        ]
        for number, cluster in enumerate(settings.kubernetes):
            if cluster.enabled:
                looks.append(
                    check_cluster(("kubernetes", number), cluster, settings, base, environ)
                )
        found = await asyncio.gather(*looks)
    return once_each(finding for findings in found for finding in findings)


async def _check_metrics(
    path: KeyPath, settings: Settings, server: Prometheus, connector: Connector, base: Path
) -> list[Finding]:
    """The server itself, then each metric that it should serve; no metrics if it does not
    answer."""
    api = api_of(server, connector, base)
    try:
        found = await check_prometheus(path, server, api, connector, base)
        index = SeriesIndex(api)
        served = {
            name: declared_metrics(name, service)
            for name, service in settings.services.items()
            if settings.prometheus_of(name) is server
        }
        if any(finding.path == (*path, "url") for finding in found):
            count = sum(map(len, served.values()))
            if count:
                message = f"{count} metrics were not looked at, because it does not answer"
                found.append(Finding(path, Weight.NOTE, message))
            return found
        rules = check_rules(path, server, index, base)
        looked = await asyncio.gather(
            rules,
            *(
                check_declared(("services", name, "metrics", each.name), each, index)
                for name, declared in served.items()
                for each in declared
            ),
            *(
                check_availability(
                    ("services", name, "availability"), service.availability, service.labels, index
                )
                for name, service in settings.services.items()
                if name in served and service.availability is not None
            ),
            *(
                check_selection(settings.services[name], declared, index)
                for name, declared in served.items()
            ),
        )
        found += shared_figures(served)
        return found + [finding for findings in looked for finding in findings]
    finally:
        await api.close()
