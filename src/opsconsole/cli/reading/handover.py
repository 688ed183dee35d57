"""``opsconsole handover``: everything that is open now, as Markdown.

Invariant: it looks once, as ``status`` does, and reads the state beside it; what cannot be read is
on the page. It changes nothing but the file it writes, which is new or not written.
"""

import argparse
import sys
from dataclasses import replace

from opsconsole.cli.configuration import Configuration, from_arguments
from opsconsole.cli.engine import archive_of
from opsconsole.cli.known_state import (
    acknowledged,
    degradations_of,
    known_maintenances,
    notes_of,
    operations_of,
    with_automation,
    with_team,
)
from opsconsole.cli.parsing import as_text
from opsconsole.cli.reading.incident import write_new
from opsconsole.clock import SystemClock
from opsconsole.engine.engine import Engine
from opsconsole.errors import OpsconsoleError
from opsconsole.model.snapshot import Snapshot
from opsconsole.render.team.handover import markdown


def run(arguments: argparse.Namespace) -> int:
    """Print the page, or write it to a new file."""
    configuration = from_arguments(arguments)
    text = markdown(_shared(configuration, _seen(configuration)), SystemClock().now())
    if arguments.out is None:
        sys.stdout.write(text)
    else:
        print(f"written: {as_text(write_new(text, arguments.out))}")
    return 0


def _seen(configuration: Configuration) -> Snapshot:
    engine = Engine(
        configuration.settings,
        base=configuration.base,
        clock=SystemClock(),
        read_only=True,
        single=True,
        archive=archive_of(configuration),
    )
    return engine.look_once(
        acknowledged=acknowledged(configuration), maintenances=known_maintenances(configuration)
    )


def _shared(configuration: Configuration, seen: Snapshot) -> Snapshot:
    """``seen``, with what the state has; what it cannot give is a notice."""
    found = with_automation(configuration, with_team(configuration, seen))
    try:
        return replace(
            found,
            operations=operations_of(configuration),
            degradations=degradations_of(configuration),
            events=(*seen.events, *notes_of(configuration)),
        )
    except OpsconsoleError as error:
        return replace(found, notices=(*found.notices, f"the state is not read: {error}"))
