"""``opsconsole init``: a first configuration of what runs here, written once.

Invariant: it only looks, for two seconds at each place and at all of them side by side. Where there
is a configuration, the places that it names are looked at too; what is declared of a place that is
away stays. Exit codes: 0 complete, 1 with parts left open.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from opsconsole.cli.first_file import place_of, print_found, write_or_compare
from opsconsole.config.discovery import KubernetesDiscovery
from opsconsole.config.loader import default_settings, load, usual_units
from opsconsole.config.services import Service
from opsconsole.config.settings import Settings
from opsconsole.discovery.look import Fleet, look
from opsconsole.errors import ConfigError
from opsconsole.inspection.offers import jobs_around
from opsconsole.inspection.servers_around import servers_around
from opsconsole.render.empty_panels import BY_HAND
from opsconsole.render.first_configuration import first_configuration

PATIENCE: Final = 2.0
"""Seconds for a look at each place."""

_OPEN: Final = 1


def run(arguments: argparse.Namespace) -> int:
    """Look, print what was found and on which evidence, and write or compare it."""
    path = place_of(arguments)
    declared = _declared(path)
    settings = _looked_at(declared)
    fleet = look(settings, within=PATIENCE)
    services = [each.found for each in fleet.findings if each.serves]
    servers = servers_around(fleet.inventories, PATIENCE)
    made = first_configuration(
        services,
        servers,
        jobs_around(servers, PATIENCE),
        fleet.inventories,
        (*fleet.faults, *_unread(fleet)),
        settings.docker if "docker" in settings.model_fields_set else (),
    )
    print_found(made)
    if not services and not path.exists():
        print("nothing was written: no service was found", *BY_HAND, sep="\n")
        return _OPEN
    kept = None if declared is None else frozenset(_untold(declared, fleet))
    write_or_compare(path, made, "what runs now", kept)
    return _OPEN if made.left_open else 0


def _declared(path: Path) -> Settings | None:
    """What is configured; None where nothing is that could be used."""
    if not path.exists():
        return None
    try:
        return load(path)
    except ConfigError:
        return None


def _looked_at(declared: Settings | None) -> Settings:
    """Where to look: at what is here, and at every place that is ``declared``."""
    usual = default_settings()
    if declared is None:
        return usual
    clusters = KubernetesDiscovery() if declared.kubernetes else None
    update: dict[str, object] = {
        "services": {},
        "discover": usual.discover.model_copy(
            update={"kubernetes": clusters, "systemd": usual_units(declared.hosts)}
        ),
    }
    if "docker" not in declared.model_fields_set and "docker" in usual.model_fields_set:
        update["docker"] = usual.docker
    return declared.model_copy(update=update)


def _unread(fleet: Fleet) -> Iterator[str]:
    """What a place that answered did not show."""
    for inventory in fleet.inventories:
        for each in inventory.unread:
            yield f"{inventory.place.name} does not show its {each.what}: {each.fault}"


def _untold(declared: Settings, fleet: Fleet) -> Iterator[str]:
    """The services of which no look can say that they are gone."""
    answered = {each.place.name for each in fleet.inventories if not each.unread}
    found = {each.found.name for each in fleet.findings}
    for name, service in declared.services.items():
        places = set(_places(declared, name, service))
        if name not in found and (not places or not places <= answered):
            yield name


def _places(declared: Settings, name: str, service: Service) -> Iterator[str]:
    """Where a look would have found ``service``."""
    if service.containers:
        yield from [service.engine] if service.engine else [each.name for each in declared.docker]
    for target in service.kubernetes:
        cluster = declared.cluster_of(target)
        yield cluster.name if cluster is not None else ""
    if service.units:
        yield declared.units_of(name).name
