"""``opsconsole init``: a first configuration of what runs here, written once.

Invariant: it only looks, for two seconds at each place and at all of them side by side. Exit codes:
0 complete, 1 with parts left open.
"""

import argparse
from typing import Final

from opsconsole.cli.first_file import place_of, print_found, write_or_compare
from opsconsole.config.loader import default_settings
from opsconsole.discovery.look import look
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
    settings = default_settings()
    fleet = look(settings, within=PATIENCE)
    services = [each.found for each in fleet.findings if each.serves]
    servers = servers_around(fleet.inventories, PATIENCE)
    made = first_configuration(
        services,
        servers,
        jobs_around(servers, PATIENCE),
        fleet.inventories,
        fleet.faults,
        settings.docker if "docker" in settings.model_fields_set else (),
    )
    print_found(made)
    if not services and not path.exists():
        print("nothing was written: no service was found", *BY_HAND, sep="\n")
        return _OPEN
    write_or_compare(path, made)
    return _OPEN if made.left_open else 0
