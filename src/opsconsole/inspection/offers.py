"""What runs and answers here and is not watched: containers, jobs of a Prometheus, servers.

Invariant: it only looks, for some seconds at each place. Nothing is offered that the configuration
names, finds by itself or covers under another name.
"""

import asyncio
import time
from collections.abc import Iterable, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from opsconsole.config.discovery import Discovery, KubernetesDiscovery, PrometheusDiscovery
from opsconsole.config.effective import FoundService
from opsconsole.config.loader import default_settings, usual_units
from opsconsole.config.offers import Offer, ServerAround
from opsconsole.config.settings import Alertmanager, Prometheus, Settings
from opsconsole.discovery import inventories, prometheus
from opsconsole.discovery.finding import Finding
from opsconsole.discovery.look import look
from opsconsole.inspection.servers_around import servers_around
from opsconsole.model.running.targets import Target
from opsconsole.model.source_id import SourceKind
from opsconsole.sources.http.connector import Connector
from opsconsole.sources.prometheus.api_targets import PATH, read_targets
from opsconsole.sources.prometheus.series_index import PatientApi

_HERE: Final = frozenset({"localhost", "127.0.0.1", "::1", None})


def offers_around(settings: Settings, base: Path, within: float) -> tuple[Offer, ...]:
    """What could be watched; paths of ``settings`` are relative to ``base``. Blocks."""
    further = {
        "prometheus": PrometheusDiscovery(),
        "kubernetes": KubernetesDiscovery(),
        "systemd": usual_units(settings.hosts),
    }
    every = default_settings().discover.model_copy(update=further)
    wanted = settings.model_copy(update={"discover": every})
    fleet = look(wanted, within=within)
    found: list[Offer] = []
    for inventory in fleet.inventories:
        watched = _names(inventories.read(settings, inventory, None))
        named = {each.name: each for each in inventory.replicas}
        findings = inventories.read(wanted, inventory, None)
        place = inventory.place.name
        for each in _unwatched(findings, watched, settings):
            mine = (named.get(log.docker or "") for log in each.service.logs)
            containers = tuple(replica for replica in mine if replica is not None)
            key, several = f"{each.by.kind} {place} {each.name}", len(wanted.discovered) > 1
            found.append(Offer(key, each, place, containers, several=several))
    for server, targets in asyncio.run(_targets(settings.prometheus, base, within)):
        watched = _names(prometheus.read(settings, server.name, targets))
        findings = prometheus.read(wanted, server.name, targets)[: prometheus.JOB_LIMIT]
        for each in _unwatched(findings, watched, settings):
            found.append(Offer(f"prometheus {server.name} {each.name}", each, server.name))
    around = servers_around(fleet.inventories, within)
    begins = _begins(settings)
    return tuple(replace(each, begins=begins) for each in (*found, *_servers(around, settings)))


def _begins(settings: Settings) -> dict[str, object]:
    """What ``settings`` find by themselves, as a first configuration says it."""
    begins: dict[str, object] = {}
    if "docker" in settings.model_fields_set:
        kept = {"name", "host"}
        begins["docker"] = [
            each.model_dump(include=kept, exclude_none=True) for each in settings.docker
        ]
    found = settings.discover
    wanted = {"docker": found.docker, "systemd": found.systemd}
    begins["discover"] = {key: True for key, each in wanted.items() if each is not None}
    return begins


def jobs_around(servers: Iterable[ServerAround], within: float) -> tuple[FoundService, ...]:
    """The jobs of those of ``servers`` that are a Prometheus, as services. Blocks."""
    urls = [each.url for each in servers if each.kind is SourceKind.PROMETHEUS]
    if not urls:
        return ()
    # The first is the one that a first configuration offers.
    server = Prometheus(url=urls[0])
    settings = Settings(
        docker=(), prometheus=(server,), discover=Discovery(prometheus=PrometheusDiscovery())
    )
    ((_, targets),) = asyncio.run(_targets([server], Path.cwd(), within))
    return tuple(each.found for each in prometheus.read(settings, server.name, targets))


def _names(findings: Iterable[Finding]) -> frozenset[str]:
    return frozenset(each.found.name for each in findings)


def _unwatched(
    findings: Iterable[Finding], watched: frozenset[str], settings: Settings
) -> Iterator[FoundService]:
    for each in findings:
        name = each.found.name
        if each.serves and name not in watched and name not in settings.services:
            yield each.found


async def _targets(
    servers: Iterable[Prometheus], base: Path, within: float
) -> list[tuple[Prometheus, tuple[Target, ...]]]:
    """What each server scrapes; nothing of those that do not answer."""
    async with AsyncExitStack() as stack:
        connector = Connector()
        stack.push_async_callback(connector.close)
        asked = list(servers)
        answers = await asyncio.gather(
            *(_targets_of(each, connector, base, within) for each in asked)
        )
    return list(zip(asked, answers, strict=True))


async def _targets_of(
    server: Prometheus, connector: Connector, base: Path, within: float
) -> tuple[Target, ...]:
    api = PatientApi(
        str(server.url), http=server.http, timeout=within, connector=connector, base=base
    )
    try:
        answer = await api.get(PATH, {"state": "active"})
    finally:
        await api.close()
    now = time.time()
    try:
        return read_targets(answer, None, theirs=now, ours=now).targets
    except ValueError:
        return ()


def _servers(around: Iterable[ServerAround], settings: Settings) -> Iterator[Offer]:
    given: dict[SourceKind, tuple[Prometheus, ...] | tuple[Alertmanager, ...]] = {
        SourceKind.PROMETHEUS: settings.prometheus,
        SourceKind.ALERTMANAGER: settings.alertmanager,
    }
    for each in around:
        known = given[each.kind]
        if any(_same(each.url, str(server.url)) for server in known):
            continue
        taken = {server.name for server in known}
        called = f"{each.kind}-{urlsplit(each.url).port}" if taken else ""
        blocked = f"a {each.kind} is called {called}: write this one beside it"
        yield Offer(
            f"{each.kind} {each.url}",
            each,
            "this host",
            called=called,
            blocked=blocked if called in taken else "",
        )


def _same(one: str, other: str) -> bool:
    """Whether two URLs are of one server, by whichever name this host has."""
    a, b = urlsplit(one), urlsplit(other)
    host = a.hostname == b.hostname or (a.hostname in _HERE and b.hostname in _HERE)
    return host and a.port == b.port
