"""The fleet as it is at this moment: what is declared, and what is found by looking now.

Invariant: nothing is remembered and nothing is taken from the shared state, so that two processes
that look at the same world work with the same settings. What does not answer finds nothing
and is named.
"""

import asyncio
import os
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final

from opsconsole.config.effective import effective
from opsconsole.config.hosts import HERE, HostSettings, host_named
from opsconsole.config.kubernetes import KubernetesCluster
from opsconsole.config.settings import Docker, Settings
from opsconsole.dataclass import dataclass
from opsconsole.discovery.finding import Finding
from opsconsole.discovery.inventories import read
from opsconsole.discovery.systemd import may_name
from opsconsole.machines.machines import Machines
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.running.workloads import Inventory, Place, PlaceKind
from opsconsole.model.source_id import SourceId
from opsconsole.sources.docker.containers import join
from opsconsole.sources.docker.endpoint import DockerUnavailableError, resolve
from opsconsole.sources.docker.reader import EngineReader
from opsconsole.sources.host.system_units import listed
from opsconsole.sources.host.units import endpoint_of

_UNITS_WITHIN: Final = 10.0


@dataclass(frozen=True, slots=True)
class Fleet:
    """Effective settings, why some of it could not be looked for, what was found and in what."""

    settings: Settings
    faults: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    inventories: tuple[Inventory, ...] = ()


def look(
    declared: Settings,
    environ: Mapping[str, str] = os.environ,
    *,
    within: float | None = None,
    about: Collection[str] | None = None,
) -> Fleet:
    """``declared`` with what its discovery finds now. Blocks, at most ``within`` seconds a call.

    Asks nobody where nothing is to be found; with ``about``, none of the other hosts than those
    that may have services of these names.
    """
    asked: dict[str, Callable[[], Inventory | Fault]] = {
        each.name: partial(_inventory, each, environ, within) for each in declared.discovered
    }
    base = declared.path if declared.path is not None else Path()
    base = base if base.is_dir() else base.parent
    for cluster in declared.discovered_clusters:
        asked[cluster.name] = partial(_workloads, cluster, environ, base, within)
    for who, host in declared.unit_hosts.items():
        if declared.discovers(who) and (about is None or may_name(host_named(who), about)):
            name = "systemd" if host_named(who) == HERE else who.label
            asked[name] = partial(_units, host, who, within or _UNITS_WITHIN)
    if not asked:
        return Fleet(declared)
    with ThreadPoolExecutor(len(asked), "discovery") as threads:
        answers = list(threads.map(lambda ask: ask(), asked.values()))
    inventories = tuple(each for each in answers if isinstance(each, Inventory))
    findings = tuple(
        finding for inventory in inventories for finding in read(declared, inventory, None)
    )
    faults = tuple(
        f"{name} does not answer: {_why(answer)}"
        for name, answer in zip(asked, answers, strict=True)
        if isinstance(answer, Fault)
    )
    merged = effective(declared, [each.found for each in findings])
    return Fleet(merged.settings, faults, findings, inventories)


def _why(fault: Fault) -> str:
    """What is absent is named in the message, which says so itself."""
    absent = fault.kind is FaultKind.ABSENT and fault.message
    return fault.message if absent else str(fault)


def _inventory(
    engine: Docker, environ: Mapping[str, str], within: float | None
) -> Inventory | Fault:
    place = Place(PlaceKind.ENGINE, engine.name)
    try:
        reader = EngineReader(resolve(engine, environ), within or engine.timeout)
        try:
            listed = reader.containers()
            workloads = reader.swarm_services(place) or ()
        finally:
            reader.close()
    except DockerUnavailableError as error:
        return error.fault
    replicas = tuple(join(each, None, place) for each in listed)
    return Inventory(place, str(reader.endpoint), "", replicas, workloads)


def _workloads(
    cluster: KubernetesCluster, environ: Mapping[str, str], base: Path, within: float | None
) -> Inventory | Fault:
    # What reads clusters is imported where there is one alone.
    from opsconsole.sources.kubernetes.one_look import workloads_of

    return workloads_of(cluster, environ, base, within)


def _units(host: HostSettings, source: SourceId, within: float) -> Inventory | Fault:
    """Every unit that is loaded, so that one that has just recovered is found as well."""
    place, machines = Place(PlaceKind.HOST, source.name), Machines()
    try:
        every = asyncio.run(listed(machines.of(host), within))
    finally:
        machines.close()
    if isinstance(every, Fault):
        return every
    return Inventory(place, endpoint_of(source), "", tuple(each.replica(place) for each in every))
