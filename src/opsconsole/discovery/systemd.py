"""What systemd runs on a host, as services: units that failed, and those that are named. Pure.

Invariant: a unit is a service under its own full name, with the name of its host behind it where
that is another one, so that it is no container or job of the same name, and that name never comes
to mean something else. What a declared service runs as, acts on or logs to on that host already is
no other service. Restarting is all that can be done to it, there alone. What another host calls a
unit and no unit can be called is none: it would be found under a name that is not its own.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from opsconsole.config.actions import Action
from opsconsole.config.discovery import SystemdDiscovery
from opsconsole.config.drivers import SystemdTarget
from opsconsole.config.effective import FoundService
from opsconsole.config.hosts import HERE, host_named
from opsconsole.config.service_log import ServiceLog
from opsconsole.config.services import Instance, Service
from opsconsole.config.settings import Settings
from opsconsole.discovery.finding import Finding, fit
from opsconsole.model.running.units import unit_name
from opsconsole.model.running.workloads import Inventory, Phase
from opsconsole.model.source_id import SourceId, SourceKind
from opsconsole.model.state import State

HEADING: Final = "systemd"

_NAMED: Final = re.compile(r"[A-Za-z0-9:_.\\@-]{1,255}")
"""systemd.unit(5), with the ending of its kind."""


def read(declared: Settings, inventory: Inventory) -> tuple[Finding, ...]:
    """The services of ``inventory``, by name; one that neither failed nor is named does not
    serve."""
    rules = declared.discover.systemd
    source = SourceId(SourceKind.SYSTEMD, inventory.place.name)
    if rules is None or not declared.discovers(source):
        return ()
    host = host_named(source)
    suffix = _suffix(host)
    known = dict(_known(declared, host))
    taken: set[str] = set()
    found: list[Finding] = []
    for replica in sorted(inventory.replicas, key=lambda each: each.name):
        if not _is_one(replica.name):
            continue
        name = fit(replica.name, suffix)
        if name in taken:
            name = fit(replica.name, f".unit{suffix}")
        if not name or name in taken or known.get(replica.name, name) != name:
            continue
        taken.add(name)
        service = Service.model_validate(_document(replica.name, host, rules))
        failed = rules.failed and replica.state is State.DOWN
        named = rules.names(replica.name, host)
        found.append(
            Finding(
                FoundService(name, service, source, _why(replica.name, host, named=named)),
                serves=failed or named,
                is_over=replica.phase is Phase.ENDED and replica.state is not State.DOWN,
            )
        )
    return tuple(found)


def may_name(host: str, services: Iterable[str]) -> bool:
    """Whether a unit of ``host`` may be found as one of ``services``."""
    return any(each.endswith(_suffix(host)) for each in services)


def _is_one(unit: str) -> bool:
    return _NAMED.fullmatch(unit) is not None and unit_name(unit) == unit


def _suffix(host: str) -> str:
    return "" if host == HERE else f"-{host}"


def _why(unit: str, host: str, *, named: bool) -> str:
    why = "named by discover" if named else "which failed"
    where = "" if host == HERE else f" of {host}"
    return f"unit {unit}{where}, {why}"


def _known(declared: Settings, host: str) -> Iterator[tuple[str, str]]:
    """The units on ``host`` that a declared service runs as, restarts or reads the journal of."""
    here = declared.hosts.get(host, declared.host)
    for name, service in declared.services.items():
        for part, unit in _units(service):
            restarts = part if isinstance(part, Action) else None
            on = (
                [declared.host_of(name, part)]
                if restarts is None
                else declared.hosts_of(name, restarts).values()
            )
            if any(each is here for each in on):
                yield unit_name(unit), name


def _units(service: Service) -> Iterator[tuple[Instance | ServiceLog | Action | None, str]]:
    yield from ((None, each) for each in service.units)
    yield from ((each, each.unit) for each in service.instances if each.unit)
    yield from ((each, each.journal) for each in service.logs if each.journal)
    for _, action in service.actions:
        if isinstance(action, Action) and isinstance(action.target, SystemdTarget):
            yield action, action.target.unit


def _document(unit: str, host: str, rules: SystemdDiscovery) -> dict[str, Any]:
    """What was found of it, and nothing else, is set."""
    document: dict[str, Any] = {"units": [unit], "group": HEADING, "logs": [{"journal": unit}]}
    if host != HERE:
        document |= {"host": host, "group": host}
    # A name that begins like an option, -.mount, is no word that systemctl takes for a unit.
    if rules.actions and not unit.startswith("-"):
        document["actions"] = {kind: {"systemd": unit} for kind in rules.actions}
    return document
