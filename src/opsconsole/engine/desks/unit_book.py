"""The systemd units that instances run as: read on request, with CPU use between two looks.

Invariant: nothing is read unless a person asks for it and the service declares units.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

from opsconsole.clock import Clock
from opsconsole.config.settings import Settings
from opsconsole.dataclass import dataclass
from opsconsole.machines.base import Machine
from opsconsole.machines.machines import Machines
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.running.units import unit_name
from opsconsole.model.running.workloads import Phase, Place, PlaceKind, ReplicaLook
from opsconsole.model.state import State
from opsconsole.sources.host.system_units import CpuUse, replica, show


@dataclass(frozen=True, slots=True)
class _Unit:
    """What an instance runs as: the full name of a unit, and the machine that has it."""

    instance: str
    name: str
    machine: Machine


class UnitBook:
    """The units that ``settings`` declare."""

    def __init__(self, settings: Settings, machines: Machines, clock: Clock) -> None:
        self._settings = settings
        self._machines = machines
        self._clock = clock
        self._cpu = CpuUse()

    def use(self, settings: Settings) -> None:
        """Use ``settings`` from now on."""
        self._settings = settings

    async def look(self, service: str) -> tuple[ReplicaLook, ...]:
        """Every unit of ``service``; () where it declares none."""
        declared = tuple(self._declared(service))
        if not declared:
            return ()
        config = self._settings.services[service]
        timeout = config.timeout or self._settings.defaults.timeout
        of_each = [tuple(units) for _, units in groupby(declared, lambda unit: unit.machine)]
        looks = await asyncio.gather(*(self._look(units, timeout) for units in of_each))
        return tuple(look for several in looks for look in several)

    async def _look(self, units: Sequence[_Unit], timeout: float) -> tuple[ReplicaLook, ...]:
        """The units of one machine, asked for at once."""
        found = await show(units[0].machine, tuple(unit.name for unit in units), timeout)
        now = self._clock.now()
        if isinstance(found, Fault):
            return tuple(ReplicaLook(unit.instance, unit.name, now, fault=found) for unit in units)
        pairs = zip(units, found, strict=True)
        return tuple(self._seen(unit, properties, now) for unit, properties in pairs)

    def _declared(self, service: str) -> Iterator[_Unit]:
        config = self._settings.services.get(service)
        if config is None:
            return
        names = self._settings.instance_names(service)
        for called, instance in zip(names, config.instances, strict=True):
            if instance.unit is not None:
                name = unit_name(instance.unit)
                machine = self._machines.of(self._settings.host_of(service, instance))
                yield _Unit(called, name, machine)

    def _seen(self, unit: _Unit, properties: Mapping[str, str], now: float) -> ReplicaLook:
        name = unit.name
        loaded = properties.get("LoadState", "")
        if loaded != "loaded":
            fault = Fault(FaultKind.ABSENT, f"{name} is {loaded or 'not known'}", "look at unit:")
            return ReplicaLook(unit.instance, name, now, fault=fault)
        place = Place(PlaceKind.HOST, unit.machine.name)
        seen = replica(properties, name, place, now)
        # Somebody declared that the instance runs.
        state = State.DOWN if seen.phase is Phase.ENDED else seen.state
        cpu = self._cpu.of(seen.id, properties, now)
        return ReplicaLook(unit.instance, name, now, replace(seen, state=state, cpu=cpu))
