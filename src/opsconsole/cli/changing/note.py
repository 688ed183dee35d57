"""``opsconsole note``: a person's words on the timeline of every console of this state folder."""

import argparse
import sys

from opsconsole.cli.configuration import from_arguments, require_service
from opsconsole.cli.known_state import note_book
from opsconsole.cli.parsing import EX_USAGE
from opsconsole.clock import SystemClock


def run(arguments: argparse.Namespace) -> int:
    """Keep the note; exit 69 where that cannot be done."""
    configuration = from_arguments(arguments)
    text = " ".join(arguments.text).strip()
    if not text:
        print("opsconsole note: say something", file=sys.stderr)
        return EX_USAGE
    if arguments.service:
        require_service(configuration.settings, arguments.service)
    note_book(configuration).write(text, arguments.service, SystemClock().now())
    print(f"noted for {arguments.service}" if arguments.service else "noted")
    return 0
