"""The systemd units of a host that failed, those that are to be found, and those that are named.

Invariant: two short programs a look, of which the second is asked for the units that are meant and
no other; at most ``UNIT_LIMIT`` of them, those that failed first. A unit that is named and not
loaded is not there; the rest is as systemd says.
"""

from dataclasses import replace
from typing import Final

from opsconsole.clock import Clock
from opsconsole.config.discovery import SystemdDiscovery
from opsconsole.config.hosts import HERE, HostSettings
from opsconsole.machines.base import Machine
from opsconsole.model.fault import Fault
from opsconsole.model.reading import Reading
from opsconsole.model.running.workloads import Inventory, Place, PlaceKind
from opsconsole.model.source_id import UNITS_HERE, SourceId, SourceKind
from opsconsole.sources.base import Source
from opsconsole.sources.host.system_units import CpuUse, Listed, listed, replica, show

UNIT_LIMIT: Final = 500
"""Units of one host at most."""

_DEADLINE: Final = 4.0
"""Seconds for each of the two programs."""


def endpoint_of(source: SourceId) -> str:
    """What is asked there."""
    return "systemd" if source == UNITS_HERE else f"systemd on {source.name}"


class UnitSource(Source[Inventory]):
    """Looks at the units of ``machine``: those of ``rules``, and ``named`` by their full names."""

    def __init__(
        self,
        host: HostSettings,
        machine: Machine,
        rules: SystemdDiscovery | None,
        named: tuple[str, ...],
        clock: Clock,
    ) -> None:
        self._machine, self._rules, self._named = machine, rules, frozenset(named)
        self._interval, self._clock = host.units_every, clock
        self._id = SourceId(SourceKind.SYSTEMD, machine.name) if machine.name else UNITS_HERE
        self._place = Place(PlaceKind.HOST, self._id.name)
        self._cpu = CpuUse()

    @property
    def id(self) -> SourceId:
        """The units of the host."""
        return self._id

    @property
    def interval(self) -> float:
        """Seconds between looks."""
        return self._interval

    @property
    def endpoint(self) -> str:
        """What is asked."""
        return endpoint_of(self._id)

    async def collect(self) -> Reading[Inventory]:
        """Look once."""
        began = self._clock.now()
        seen = await self._look()
        now = self._clock.now()
        if isinstance(seen, Fault):
            return Reading(self._id, now, now - began, fault=seen)
        return Reading(self._id, now, now - began, seen)

    async def close(self) -> None:
        """Nothing is held between looks."""

    async def _look(self) -> Inventory | Fault:
        every = await listed(self._machine, _DEADLINE)
        if isinstance(every, Fault):
            return every
        failed = sorted(each.name for each in every if self._is_found(each) and each.failed)
        rest = {each.name for each in every if self._is_found(each)} | self._named
        names = (*failed, *sorted(rest - set(failed)))[:UNIT_LIMIT]
        found = await show(self._machine, names, _DEADLINE) if names else ()
        if isinstance(found, Fault):
            return found
        now = self._clock.now()
        seen = tuple(
            replace(
                replica(properties, name, self._place, now),
                cpu=self._cpu.of(name, properties, now),
            )
            for name, properties in zip(names, found, strict=True)
            if name in failed or properties.get("LoadState") == "loaded"
        )
        return Inventory(self._place, endpoint_of(self._id), "", seen)

    def _is_found(self, unit: Listed) -> bool:
        rules = self._rules
        host = self._machine.name or HERE
        failed = rules is not None and rules.failed and unit.failed
        return failed or (rules is not None and rules.names(unit.name, host))
