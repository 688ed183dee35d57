"""What systemd runs on a host, as services: units that failed, and those that are named. Pure.

Invariant: a unit is a service under its own full name, so that it is no container or job of the
same name, and that name never comes to mean something else. What a declared service runs as, acts
on or logs to already is no other service. Restarting is all that can be done to it.
"""

from collections.abc import Iterator
from typing import Any, Final

from opsconsole.config.actions import Action
from opsconsole.config.discovery import SystemdDiscovery
from opsconsole.config.drivers import SystemdTarget
from opsconsole.config.effective import FoundService
from opsconsole.config.services import Service
from opsconsole.config.settings import Settings
from opsconsole.discovery.finding import Finding, fit
from opsconsole.model.running.units import unit_name
from opsconsole.model.running.workloads import Inventory, Phase, Replica
from opsconsole.model.source_id import UNITS_HERE
from opsconsole.model.state import State

HEADING: Final = "systemd"


def read(declared: Settings, inventory: Inventory) -> tuple[Finding, ...]:
    """The services of ``inventory``, by name; one that neither failed nor is named does not
    serve."""
    rules = declared.discover.systemd
    if rules is None or not declared.discovers(UNITS_HERE):
        return ()
    known = {unit: name for name, each in declared.services.items() for unit in _units(each)}
    taken: set[str] = set()
    found: list[Finding] = []
    for replica in sorted(inventory.replicas, key=lambda each: each.name):
        name = fit(replica.name, "")
        if name in taken:
            name = fit(name, ".unit")
        if not name or name in taken or known.get(replica.name, name) != name:
            continue
        taken.add(name)
        service = Service.model_validate(_document(replica.name, rules))
        failed = rules.failed and replica.state is State.DOWN
        found.append(
            Finding(
                FoundService(name, service, UNITS_HERE, _why(replica, rules)),
                serves=failed or rules.names(replica.name),
                is_over=replica.phase is Phase.ENDED and replica.state is not State.DOWN,
            )
        )
    return tuple(found)


def _why(replica: Replica, rules: SystemdDiscovery) -> str:
    why = "named by discover" if rules.names(replica.name) else "which failed"
    return f"unit {replica.name}, {why}"


def _units(service: Service) -> Iterator[str]:
    """The units that a declared service runs as, restarts or reads the journal of."""
    yield from map(unit_name, service.units)
    for instance in service.instances:
        if instance.unit:
            yield unit_name(instance.unit)
    for log in service.logs:
        if log.journal:
            yield unit_name(log.journal)
    for _, action in service.actions:
        if isinstance(action, Action) and isinstance(action.target, SystemdTarget):
            yield unit_name(action.target.unit)


def _document(unit: str, rules: SystemdDiscovery) -> dict[str, Any]:
    """What was found of it, and nothing else, is set."""
    document: dict[str, Any] = {"units": [unit], "group": HEADING, "logs": [{"journal": unit}]}
    # A name that begins like an option, -.mount, is no word that systemctl takes for a unit.
    if rules.actions and not unit.startswith("-"):
        document["actions"] = {kind: {"systemd": unit} for kind in rules.actions}
    return document
