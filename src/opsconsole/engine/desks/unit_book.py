"""The systemd units of services: asked for when somebody looks, CPU from one look to the next.

Invariant: nothing is asked unless somebody looks and the service declares units.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from opsconsole.clock import Clock
from opsconsole.config.settings import Settings
from opsconsole.machines.base import Machine
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.state import State
from opsconsole.model.system_units import SystemUnit
from opsconsole.sources.host.system_units import number, show, uptime

_STATES: Final = {
    "active": State.OK,
    "reloading": State.OK,
    "inactive": State.DOWN,
    "failed": State.DOWN,
}


class UnitBook:
    """The units that ``settings`` declare."""

    def __init__(self, settings: Settings, machine: Machine, clock: Clock) -> None:
        self._settings = settings
        self._machine = machine
        self._clock = clock
        self._used: dict[str, tuple[float, int]] = {}

    def use(self, settings: Settings) -> None:
        """Look at what ``settings`` declare from now on."""
        self._settings = settings

    async def look(self, service: str) -> tuple[SystemUnit, ...]:
        """Every unit of ``service``; () where it declares none."""
        declared = dict(self._declared(service))
        if not declared:
            return ()
        config = self._settings.services[service]
        timeout = config.timeout or self._settings.defaults.timeout
        found = await show(self._machine, tuple(declared.values()), timeout)
        now = self._clock.now()
        if isinstance(found, Fault):
            return tuple(
                SystemUnit(instance, unit, now, fault=found) for instance, unit in declared.items()
            )
        pairs = zip(declared.items(), found, strict=True)
        return tuple(self._unit(*names, properties, now) for names, properties in pairs)

    def _declared(self, service: str) -> Iterator[tuple[str, str]]:
        """Instance and full unit name."""
        config = self._settings.services.get(service)
        if config is None:
            return
        names = self._settings.instance_names(service)
        for called, instance in zip(names, config.instances, strict=True):
            if instance.unit is not None:
                yield called, instance.unit if "." in instance.unit else f"{instance.unit}.service"

    def _unit(
        self, instance: str, name: str, properties: Mapping[str, str], now: float
    ) -> SystemUnit:
        loaded = properties.get("LoadState", "")
        if loaded != "loaded":
            fault = Fault(FaultKind.ABSENT, f"{name} is {loaded or 'not known'}", "look at unit:")
            return SystemUnit(instance, name, now, fault=fault)
        active = properties.get("ActiveState", "")
        return SystemUnit(
            instance,
            name,
            now,
            state=_STATES.get(active, State.UNKNOWN),
            words=f"{active} ({properties.get('SubState', '')})",
            cpu=self._cpu(name, number(properties, "CPUUsageNSec"), now),
            memory=number(properties, "MemoryCurrent"),
            memory_limit=number(properties, "MemoryMax"),
            restarts=number(properties, "NRestarts"),
            uptime=uptime(properties) if active == "active" else None,
            pid=number(properties, "MainPID") or None,
        )

    def _cpu(self, name: str, used: int | None, now: float) -> float | None:
        """Cores in use since the look before; None at first, and after the unit began anew."""
        before = self._used.pop(name, None)
        if used is None:
            return None
        self._used[name] = (now, used)
        if before is None or now <= before[0] or used < before[1]:
            return None
        return (used - before[1]) / 1e9 / (now - before[0])
