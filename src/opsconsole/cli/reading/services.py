"""``opsconsole services``: the names of the services, for scripts and for completion.

Invariant: reads the configuration and looks at nothing else.
"""

import argparse

from opsconsole.cli.configuration import from_arguments
from opsconsole.text import sanitize


def run(arguments: argparse.Namespace) -> int:
    """Print one name a line, in the configuration's order."""
    for name in from_arguments(arguments).settings.services:
        print(sanitize(name))
    return 0
