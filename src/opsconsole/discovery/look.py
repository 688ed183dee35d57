"""The fleet as it is at this moment: what is declared, and what is found by looking now.

Invariant: nothing is remembered and nothing is taken from the shared state, so that two processes
that look at the same world work with the same settings. An engine that does not answer finds
nothing and is named.
"""

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from opsconsole.config.effective import effective
from opsconsole.config.settings import Docker, Settings
from opsconsole.discovery.docker import read
from opsconsole.discovery.finding import Finding
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.running.workloads import Inventory, Place, PlaceKind
from opsconsole.sources.docker.containers import join
from opsconsole.sources.docker.endpoint import DockerUnavailableError, resolve
from opsconsole.sources.docker.reader import EngineReader


@dataclass(frozen=True, slots=True)
class Fleet:
    """Effective settings, why some of it could not be looked for, what was found and in what."""

    settings: Settings
    faults: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    inventories: tuple[Inventory, ...] = ()


def look(
    declared: Settings, environ: Mapping[str, str] = os.environ, *, within: float | None = None
) -> Fleet:
    """``declared`` with what its discovery finds now. Blocks, at most ``within`` seconds a call.

    Asks nobody where nothing is to be found.
    """
    engines = declared.discovered
    if not engines:
        return Fleet(declared)
    with ThreadPoolExecutor(len(engines), "discovery") as threads:
        answers = list(threads.map(lambda each: _inventory(each, environ, within), engines))
    inventories = tuple(each for each in answers if isinstance(each, Inventory))
    findings = tuple(
        finding for inventory in inventories for finding in read(declared, inventory, None)
    )
    faults = tuple(
        f"{engine.name} does not answer: {_why(answer)}"
        for engine, answer in zip(engines, answers, strict=True)
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
