"""``opsconsole services``: the names of the services, for scripts and for completion.

Invariant: looks at nothing but the configuration and, where services are found, what finds them.
"""

import argparse
from typing import Final

from opsconsole.cli.configuration import from_arguments
from opsconsole.discovery.look import look
from opsconsole.text import sanitize

_PATIENCE: Final = 2.0
"""Seconds; a shell waits for what it completes."""


def run(arguments: argparse.Namespace) -> int:
    """Print one name per line, in the configuration's order, then what was found."""
    fleet = look(from_arguments(arguments).settings, within=_PATIENCE)
    serving = {each.found.name for each in fleet.findings if each.serves}
    for name, service in fleet.settings.services.items():
        if service.origin.declared or not service.units or name in serving:
            print(sanitize(name))
    return 0
