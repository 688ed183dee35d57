"""One look at everything, with what the state has beside it, for a page of it.

Invariant: it changes nothing; what cannot be read is a notice.
"""

from dataclasses import replace

from opsconsole.cli.configuration import Configuration
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
from opsconsole.clock import SystemClock
from opsconsole.engine.engine import Engine
from opsconsole.errors import OpsconsoleError
from opsconsole.model.snapshot import Snapshot


def look_with_state(configuration: Configuration) -> Snapshot:
    """What is now, as a console would show it. Takes as long as the slowest source."""
    engine = Engine(
        configuration.settings,
        base=configuration.base,
        clock=SystemClock(),
        read_only=True,
        single=True,
        archive=archive_of(configuration),
    )
    seen = engine.look_once(
        acknowledged=acknowledged(configuration), maintenances=known_maintenances(configuration)
    )
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
