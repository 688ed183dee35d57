"""What hosts have kept of the time in which nobody looked: starts of units, moves of checkouts,
changes of packages, boots.

Invariant: what is learnt has the time at which it happened, and is said once. Reading is bounded
and in threads of its own; what cannot be read says nothing. A package is a change of the services
whose unit or program it owns, else of the host. This host is asked only where a service has a unit,
a process or files on it; each of the others is, side by side, so that one that is away holds up
none. What others date is by their clocks and in their zones, and is put into the console's.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Collection, Iterable, Iterator
from dataclasses import replace
from datetime import tzinfo
from functools import partial
from pathlib import Path
from typing import Final

from opsconsole.clock import Clock
from opsconsole.config.actions import Action
from opsconsole.config.drivers import PidFile
from opsconsole.config.hosts import HostSettings
from opsconsole.config.named_on_host import Checkout, Named, Part, Unit, named_by
from opsconsole.config.services import Instance
from opsconsole.config.settings import Settings
from opsconsole.dataclass import dataclass
from opsconsole.engine.judge.alike import Known
from opsconsole.engine.records.event_log import EventLog
from opsconsole.machines.base import Machine
from opsconsole.machines.machines import Machines
from opsconsole.model.events import Event, EventCode
from opsconsole.model.fault import Fault
from opsconsole.model.running.machine import Command, FileKind, MachineError
from opsconsole.model.running.units import unit_name
from opsconsole.sources.host.records import (
    Move,
    PackageChange,
    booted_at,
    lists_of,
    moves,
    package_changes,
    runs,
    zone_of,
)
from opsconsole.sources.host.system_units import show, started
from opsconsole.text import sanitize_bytes
from opsconsole.threads import BoundedExecutor, QueueFullError

LOOK_EVERY: Final = 60.0
"""Seconds between two looks."""

BACK: Final = 86_400.0
"""Seconds back to which is looked, as far as the timeline goes on with what was recorded."""

TAIL: Final = 256 * 1024
"""Bytes of a record's end that are read."""

PACKAGE_LOG: Final = Path("/var/log/dpkg.log")
PACKAGE_FILES: Final = Path("/var/lib/dpkg/info")
BOOT: Final = Path("/proc/stat")
KERNEL: Final = Path("/proc/sys/kernel/osrelease")

_UNIT_FOLDERS: Final = ("/lib/systemd/system", "/usr/lib/systemd/system")
_DEADLINE: Final = 5.0
_LIST: Final = 1 << 20
_LATEST: Final = 60
"""Changes of packages of which is looked whose files they are."""
_NAMED: Final = 4
_RELEASE: Final = 100
_SAME: Final = 5.0
"""Seconds by which two looks may date one start."""


@dataclass(frozen=True, slots=True)
class _Running:
    """A unit of a service, under the name of the copy that it is."""

    service: str
    subject: str
    unit: str
    user: bool


class Learning:
    """Looks at the records of the hosts that ``settings`` name."""

    def __init__(self, settings: Settings, base: Path, machines: Machines, clock: Clock) -> None:
        self._settings, self._base = settings, base
        self._machines, self._clock = machines, clock
        self._began = clock.now()
        self._threads = BoundedExecutor("records", 1)
        self._said: dict[tuple[str, ...], float] = {}
        self._kernels_of: dict[str, tuple[str, str]] = {}
        self._tails: dict[tuple[str, Path], tuple[object, bytes]] = {}

    def use(self, settings: Settings) -> None:
        """Use ``settings`` from now on."""
        self._settings = settings

    def close(self) -> None:
        """Release the threads."""
        self._threads.close()

    async def learn(self, timeline: EventLog) -> None:
        """Put what was not said yet on the timeline, where it belongs by its time."""
        found = [event async for event in self._events() if self._is_news(event)]
        known = Known(timeline.view())
        timeline.adopt([each for each in found if known.same(each) is None])

    async def _events(self) -> AsyncIterator[Event]:
        named = {
            name: tuple(named_by(name, service, self._base))
            for name, service in self._settings.services.items()
        }
        hosts = [self._settings.host, *(each for each in self._settings.hosts.values())]
        asked = [self._of_all(host, named) for host in hosts if host.enabled or not host.elsewhere]
        for events in await asyncio.gather(*asked):
            for event in events:
                yield event
        for service, parts in named.items():
            async for event in self._of_checkouts(service, parts):
                yield event

    async def _of_all(self, host: HostSettings, named: dict[str, tuple[Named, ...]]) -> list[Event]:
        """What one host has recorded, with where it is."""
        machine, here = self._machines.of(host), _on(self._settings, host, named)
        found: list[Event] = []
        parts = [each.part for parts in here.values() for each in parts]
        if host.elsewhere or any(isinstance(each, Action | Instance) for each in parts):
            found += [event async for event in self._of_host(machine, here)]
        units = _units(self._settings, here)
        found += [event async for event in self._of_units(machine, units)]
        return [replace(each, place=machine.name) for each in found]

    def _is_news(self, event: Event) -> bool:
        key = event.code, event.place, event.service, event.subject, event.after, event.detail
        if event.at <= self._said.get(key, 0.0) + _SAME:
            return False
        self._said[key] = event.at
        return True

    def _event(self, at: float, code: EventCode, service: str, subject: str) -> Event:
        """``figure`` is how long before this console it was; None for what it was there for."""
        late = self._began - at
        return Event(at, code, "", service, subject, figure=late if late > 0 else None)

    async def _of_host(
        self, machine: Machine, named: dict[str, tuple[Named, ...]]
    ) -> AsyncIterator[Event]:
        now = self._clock.now()
        stat = await self._whole(machine, BOOT)
        at = booted_at(stat)
        if at is not None and now - BACK < at - machine.ahead <= now:
            made = self._event(at - machine.ahead, EventCode.HOST_BOOTED, "", "")
            yield _with(made, *await self._kernels(machine))
        elif stat:
            await self._kernels(machine)
        log = await self._tail(machine, PACKAGE_LOG)
        zone = await self._zone(machine) if log else None
        changes = tuple(package_changes(log, now - BACK, now, zone=zone, ahead=machine.ahead))
        owners = await self._owners(machine, changes, named) if changes else {}
        for each in changes:
            for service in owners.get(each.package, ()):
                yield self._of_package(each, service)
        others = (each for each in changes if each.package not in owners)
        for run in runs(others):
            yield self._of_run(run)

    def _of_package(self, change: PackageChange, service: str) -> Event:
        made = self._event(change.at, EventCode.PACKAGES_CHANGED, service, change.package)
        return _with(made, change.before, change.after or "removed")

    def _of_run(self, run: tuple[PackageChange, ...]) -> Event:
        names = list(dict.fromkeys(each.package for each in run))
        if len(names) == 1:
            return self._of_package(run[-1], "")
        made = self._event(run[0].at, EventCode.PACKAGES_CHANGED, "", "")
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        return _with(made, "", f"{', '.join(names[:_NAMED])}{more}")

    async def _owners(
        self,
        machine: Machine,
        changes: tuple[PackageChange, ...],
        named: dict[str, tuple[Named, ...]],
    ) -> dict[str, list[str]]:
        """The services of which a package owns a unit or a program, of the latest packages."""
        wanted = {name: _files(parts) for name, parts in named.items()}
        latest = {each.package: each for each in changes[-_LATEST:]} if any(wanted.values()) else {}
        found: dict[str, list[str]] = {}
        for package, change in latest.items():
            lists = [await self._whole(machine, PACKAGE_FILES / name) for name in lists_of(change)]
            owned = {
                line.decode("utf-8", "replace") for each in lists for line in each.split(b"\n")
            }
            services = [name for name, files in wanted.items() if files & owned]
            if services:
                found[package] = services
        return found

    async def _of_checkouts(self, service: str, parts: Iterable[Named]) -> AsyncIterator[Event]:
        now = self._clock.now()
        for folder, part in _checkouts(parts):
            machine = self._machines.of(self._settings.host_of(service, part))
            for move in moves(await self._reflog(machine, folder), now - BACK, now):
                yield self._of_move(move, service, folder)

    def _of_move(self, move: Move, service: str, folder: Path) -> Event:
        made = self._event(move.at, EventCode.CHECKED_OUT, service, folder.name)
        return _with(made, move.before, move.after, detail=move.said, by=move.who)

    async def _reflog(self, machine: Machine, folder: Path) -> bytes:
        """The end of HEAD's record; of a work tree beside others, of where its ``.git`` leads."""
        git = folder / ".git"
        leads = (await self._whole(machine, git)).decode("utf-8", "replace").strip()
        if leads and "\0" not in leads:
            git = folder / leads.removeprefix("gitdir: ")
        return await self._tail(machine, git / "logs" / "HEAD")

    async def _of_units(self, machine: Machine, units: list[_Running]) -> AsyncIterator[Event]:
        for user in (False, True):
            asked = [each for each in units if each.user is user]
            if not asked:
                continue
            found = await show(machine, [each.unit for each in asked], _DEADLINE, user=user)
            now = self._clock.now()
            if isinstance(found, Fault):
                continue
            for unit, properties in zip(asked, found, strict=True):
                ago = started(properties)
                if ago is not None and 0 <= ago < BACK:
                    made = self._event(
                        now - ago, EventCode.UNIT_STARTED, unit.service, unit.subject
                    )
                    yield _with(made, "", "", name=unit.unit)

    async def _kernels(self, machine: Machine) -> tuple[str, str]:
        """The kernel that it ran before the present one and this, where another was seen."""
        said = sanitize_bytes((await self._whole(machine, KERNEL)).strip(), limit=_RELEASE)
        known, now = self._kernels_of.get(machine.name, ("", "")), said
        if now and now != known[1]:
            known = self._kernels_of[machine.name] = known[1], now
        return known if known[0] else ("", "")

    async def _zone(self, machine: Machine) -> tzinfo | None:
        """That in which a host writes its log; None for the console's."""
        if not machine.name:
            return None
        try:
            said = await machine.run(Command(("date", "+%z")), limit=_RELEASE, deadline=_DEADLINE)
        except MachineError:
            return None
        return zone_of(said.output)

    async def _whole(self, machine: Machine, path: Path) -> bytes:
        """A file that is not large; b'' where it cannot be read, or is a folder."""
        try:
            return await machine.read(path, _LIST)
        except MachineError:
            return b""

    async def _tail(self, machine: Machine, path: Path) -> bytes:
        """The end of a file; b'' where it cannot be read."""
        if machine.name:
            return await self._far_tail(machine, path)
        try:
            return await self._threads.run(partial(_end_of, machine, path), deadline=_DEADLINE)
        except (MachineError, OSError, TimeoutError, QueueFullError):
            return b""

    async def _far_tail(self, machine: Machine, path: Path) -> bytes:
        """The same on another host, read again once it was written to."""
        where = machine.name, path
        try:
            there = await machine.stat(path)
            stamp = there.size, there.changed, there.identity
            known = self._tails.get(where)
            if there.kind is not FileKind.FILE or (known is not None and known[0] == stamp):
                return b"" if known is None else known[1]
            tail = Command(("tail", "-c", str(TAIL), str(path)))
            said = await machine.run(tail, limit=2 * TAIL, deadline=_DEADLINE)
        except MachineError:
            return b""
        if not said.good:
            return b""
        self._tails[where] = stamp, said.output
        return said.output


def _end_of(machine: Machine, path: Path) -> bytes:
    with machine.open(path) as stream:
        stream.seek(max(0, stream.seek(0, os.SEEK_END) - TAIL))
        return stream.read(TAIL)


def _with(
    event: Event, before: str, after: str, *, detail: str = "", by: str = "", name: str = ""
) -> Event:
    return replace(event, before=before, after=after, detail=detail, by=by, name=name)


def _checkouts(parts: Iterable[Named]) -> Iterator[tuple[Path, Part]]:
    """Each checkout once."""
    found = {
        thing.path: each.part
        for each in parts
        for thing in each.things
        if isinstance(thing, Checkout)
    }
    yield from found.items()


def _units_in(parts: Iterable[Named]) -> Iterator[tuple[Part, Unit]]:
    for each in parts:
        for thing in each.things:
            if isinstance(thing, Unit):
                yield each.part, thing


def _units(settings: Settings, named: dict[str, tuple[Named, ...]]) -> list[_Running]:
    """Each unit of each service once, as the copy that it is where one is."""
    found: dict[tuple[str, str, bool], _Running] = {}
    for service, parts in named.items():
        names = dict(
            zip(
                map(id, settings.services[service].instances),
                settings.instance_names(service),
                strict=True,
            )
        )
        for part, unit in _units_in(parts):
            name = unit_name(unit.name)
            subject = names.get(id(part), "") if isinstance(part, Instance) else ""
            key = service, name, unit.user
            if subject or key not in found:
                found[key] = _Running(service, subject or name, name, unit.user)
    return list(found.values())


def _on(
    settings: Settings, host: HostSettings, named: dict[str, tuple[Named, ...]]
) -> dict[str, tuple[Named, ...]]:
    """What of services is named on ``host``."""
    found = {
        name: tuple(each for each in parts if host in _hosts_of(settings, name, each.part))
        for name, parts in named.items()
    }
    return {name: parts for name, parts in found.items() if parts}


def _hosts_of(settings: Settings, service: str, part: Part) -> Collection[HostSettings]:
    """A unit that is restarted may be on several."""
    if isinstance(part, Action) and part.systemd is not None:
        return settings.hosts_of(service, part).values()
    return (settings.host_of(service, part),)


def _files(parts: Iterable[Named]) -> frozenset[str]:
    """The unit files and programs that a package may own."""
    units = (unit_name(unit.name) for _, unit in _units_in(parts))
    found = {f"{folder}/{name}" for name in units for folder in _UNIT_FOLDERS}
    for each in parts:
        target = each.part.target if isinstance(each.part, Action) else None
        if isinstance(target, PidFile):
            found |= set(target.start[:1])
    return frozenset(found)
