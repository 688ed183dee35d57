"""``opsconsole audit verify``: whether the record of who did what is whole.

Invariant: says what it cannot see as plainly as what it found. Exit 0 whole, 1 not.
"""

import argparse

from opsconsole.cli.configuration import from_arguments
from opsconsole.operations.journal.audit import verify
from opsconsole.operations.state_place import place_from


def run(arguments: argparse.Namespace) -> int:
    """Check the chain and print each finding."""
    configuration = from_arguments(arguments)
    report = verify(place_from(configuration.settings).audit_rows())
    for line in report.lines:
        print(line)
    return 0 if report.whole else 1
