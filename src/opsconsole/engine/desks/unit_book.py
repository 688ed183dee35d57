"""The systemd units that instances run as: read on request, with CPU use between two looks.

Invariant: nothing is read unless a person asks for it and the service declares units.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from opsconsole.clock import Clock
from opsconsole.config.settings import Settings
from opsconsole.machines.base import Machine
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.running.workloads import Phase, Place, PlaceKind, Replica, ReplicaLook
from opsconsole.model.state import State
from opsconsole.sources.host.system_units import number, show, uptime

_STATES: Final = {
    "active": (Phase.RUNNING, State.OK),
    "reloading": (Phase.RUNNING, State.OK),
    "activating": (Phase.PENDING, State.UNKNOWN),
    "inactive": (Phase.ENDED, State.DOWN),
    "failed": (Phase.ENDED, State.DOWN),
}
_NOT_KNOWN: Final = (Phase.UNKNOWN, State.UNKNOWN)


class UnitBook:
    """The units that ``settings`` declare."""

    def __init__(self, settings: Settings, machine: Machine, clock: Clock) -> None:
        self._settings = settings
        self._machine = machine
        self._clock = clock
        self._used: dict[str, tuple[float, int]] = {}

    def use(self, settings: Settings) -> None:
        """Use ``settings`` from now on."""
        self._settings = settings

    async def look(self, service: str) -> tuple[ReplicaLook, ...]:
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
                ReplicaLook(instance, unit, now, fault=found) for instance, unit in declared.items()
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
    ) -> ReplicaLook:
        loaded = properties.get("LoadState", "")
        if loaded != "loaded":
            fault = Fault(FaultKind.ABSENT, f"{name} is {loaded or 'not known'}", "look at unit:")
            return ReplicaLook(instance, name, now, fault=fault)
        active = properties.get("ActiveState", "")
        phase, state = _STATES.get(active, _NOT_KNOWN)
        place = Place(PlaceKind.HOST, self._machine.name)
        lasted = uptime(properties) if active == "active" else None
        replica = Replica(
            id=f"{place.name}:{name}",
            name=name,
            kind="unit",
            place=place,
            status=f"{active} ({properties.get('SubState', '')})",
            phase=phase,
            state=state,
            cpu=self._cpu(name, number(properties, "CPUUsageNSec"), now),
            memory=number(properties, "MemoryCurrent"),
            memory_limit=number(properties, "MemoryMax"),
            restarts=number(properties, "NRestarts"),
            started_at=None if lasted is None else now - lasted,
            pid=number(properties, "MainPID") or None,
        )
        return ReplicaLook(instance, name, now, replica)

    def _cpu(self, name: str, used: int | None, now: float) -> float | None:
        """Cores in use since the previous look; None at first and after the unit restarted."""
        before = self._used.pop(name, None)
        if used is None:
            return None
        self._used[name] = (now, used)
        if before is None or now <= before[0] or used < before[1]:
            return None
        return (used - before[1]) / 1e9 / (now - before[0])
