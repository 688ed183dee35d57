"""``opsconsole status``: look once at everything and say what was seen.

Invariant: the exit code is that of a Nagios plugin over the services asked for, made by the same
engine that the screen shows; nothing is printed that was not seen in this look.
"""

import argparse
import json
import sys

from opsconsole.cli.configuration import from_arguments
from opsconsole.cli.known_state import acknowledged, known_maintenances, with_automation, with_team
from opsconsole.clock import SystemClock
from opsconsole.engine.engine import Engine
from opsconsole.errors import OpsconsoleError
from opsconsole.model.snapshot import ServiceView, Snapshot
from opsconsole.model.state import exit_code
from opsconsole.render.json.status import status_document
from opsconsole.render.status_text import NOTHING_WATCHED, status_lines


def run(arguments: argparse.Namespace) -> int:
    """Print the status and return 0 ok, 1 degraded or missed, 2 down, 3 unknown."""
    configuration = from_arguments(arguments)
    clock = SystemClock()
    engine = Engine(
        configuration.settings, base=configuration.base, clock=clock, read_only=True, single=True
    )
    snapshot = engine.look_once(
        acknowledged=acknowledged(configuration), maintenances=known_maintenances(configuration)
    )
    snapshot = with_team(configuration, snapshot)
    if arguments.json:
        snapshot = with_automation(configuration, snapshot)
    chosen = _chosen(snapshot, arguments.services)
    if arguments.json:
        document = status_document(snapshot, chosen, clock.now())
        json.dump(document, sys.stdout, indent=2, ensure_ascii=False)
        print()
    else:
        for line in status_lines(snapshot, chosen, clock.now()):
            print(line)
    if not chosen:
        return _of_this_host(snapshot)
    return int(exit_code(service.counts_as for service in chosen))


def _chosen(snapshot: Snapshot, names: list[str]) -> tuple[ServiceView, ...]:
    if not names:
        return snapshot.services
    known = {service.name: service for service in snapshot.services}
    missing = [name for name in names if name not in known]
    if missing:
        raise OpsconsoleError(
            f"no service is called {', '.join(missing)}",
            remedy=f"there are: {', '.join(known)}" if known else NOTHING_WATCHED,
        )
    return tuple(known[name] for name in names)


def _of_this_host(snapshot: Snapshot) -> int:
    """Without services what runs decides; where nothing does, nothing is known to be well."""
    return int(exit_code(replica.state for replica, _ in snapshot.replicas()))
