"""``opsconsole handover``: everything that is open now, as Markdown.

Invariant: it looks once, as ``status`` does, and reads the state beside it; what cannot be read is
on the page. It changes nothing but the file it writes, which is new or not written.
"""

import argparse
import sys

from opsconsole.cli.configuration import from_arguments
from opsconsole.cli.parsing import as_text
from opsconsole.cli.reading.incident import write_new
from opsconsole.cli.reading.one_look import look_with_state
from opsconsole.clock import SystemClock
from opsconsole.render.team.handover import markdown


def run(arguments: argparse.Namespace) -> int:
    """Print the page, or write it to a new file."""
    text = markdown(look_with_state(from_arguments(arguments)), SystemClock().now())
    if arguments.out is None:
        sys.stdout.write(text)
    else:
        print(f"written: {as_text(write_new(text, arguments.out))}")
    return 0
