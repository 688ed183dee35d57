"""Whether what a configuration names on a host is there, and whether its service is there too.

Invariant: looks alone, each with a deadline. What cannot be looked at (no systemd, no rights, no
answer) is a note and is never called missing. A host where nothing can be run is said once, at its
own key, and nothing there is looked at. What a service makes when it starts is a warning.
"""

import asyncio
import socket
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Final, assert_never
from urllib.parse import urlsplit

from opsconsole.config.actions import Action
from opsconsole.config.files.problems import KeyPath
from opsconsole.config.hosts import HostSettings, RemoteHost
from opsconsole.config.named_on_host import (
    Checkout,
    Entry,
    MadeFile,
    Named,
    Program,
    Thing,
    Unit,
    named_by,
)
from opsconsole.config.service_log import ServiceLog
from opsconsole.config.settings import Settings
from opsconsole.inspection.finding import Finding, Weight, listed, of_fault, shown
from opsconsole.machines.base import Machine
from opsconsole.machines.machines import Machines
from opsconsole.model.fault import Fault
from opsconsole.model.running.machine import Command, Failure, FileKind, MachineError
from opsconsole.operations.drivers.git_calls import ask
from opsconsole.operations.drivers.systemd import call_of
from opsconsole.operations.driving.driver import ObserveError
from opsconsole.programs import PATH
from opsconsole.sources.host.system_units import show
from opsconsole.sources.http.resolver import Resolver
from opsconsole.sources.http.transport_fault import TransportFaultError
from opsconsole.text import sanitize_bytes

_AT_ONCE: Final = 8
_LOOK: Final = 10.0
_SAID: Final = 4096
_LOGIN: Final = 20.0
_RESOLVE: Final = 5.0
_DISCARD: Final = 9
"""A port; nothing is sent to it."""

_CORRECT: Final = "correct the path"


async def check_on_host(settings: Settings, base: Path) -> list[Finding]:
    """A finding for each thing that is not there, and for each that is used here for a service
    that is elsewhere."""
    machines, resolver, room = Machines(), Resolver(), asyncio.Semaphore(_AT_ONCE)
    logins = {
        name: asyncio.create_task(_login(machines.of(host)))
        for name, host in settings.hosts.items()
    }
    unseen: dict[str, set[KeyPath]] = {name: set() for name in settings.hosts}

    async def usable(named: Named) -> list[HostSettings]:
        """Where it is, without the hosts where nothing can be run, which are remembered."""
        hosts = []
        for host in _hosts_of(settings, named):
            if isinstance(host, RemoteHost) and await logins[host.name]:
                unseen[host.name].add(named.path)
            else:
                hosts.append(host)
        return hosts

    async def look(named: Named, thing: Thing) -> list[Finding]:
        found = []
        for host in await usable(named):
            async with room:
                found += await _look(named.path, thing, machines.of(host))
        return found

    async def rights(named: Named) -> list[Finding]:
        checked = [await _check_rights(host, named, machines) for host in await usable(named)]
        return [finding for findings in checked for finding in findings]

    try:
        every = {
            name: tuple(named_by(name, service, base))
            for name, service in settings.services.items()
        }
        looked = await asyncio.gather(
            *(look(each, thing) for found in every.values() for each in found
              for thing in each.things),
            *(rights(each) for found in every.values() for each in found),
            *(_check_elsewhere(settings, name, found, resolver)
              for name, found in every.items() if found),
        )  # fmt: skip
        for name, login in logins.items():
            looked.append(_not_usable(name, await login, len(unseen[name])))
        return [finding for findings in looked for finding in findings]
    finally:
        resolver.close()
        machines.close()


async def _login(machine: Machine) -> MachineError | None:
    """Why one cannot log in there and run a program; None where one can."""
    try:
        await machine.run(Command(("true",)), limit=_SAID, deadline=_LOGIN)
    except MachineError as error:
        return error
    return None


def _not_usable(name: str, error: MachineError | None, unseen: int) -> list[Finding]:
    """``unseen`` is how many keys name something there."""
    if error is None:
        return []
    path = ("hosts", name)
    found = [Finding(path, Weight.ERROR, error.what, error.remedy)]
    if unseen:
        were = (
            "thing that is named there was" if unseen == 1 else "things that are named there were"
        )
        message = f"{unseen} {were} not looked at, because nothing can be run there"
        found.append(Finding(path, Weight.NOTE, message))
    return found


def _hosts_of(settings: Settings, named: Named) -> tuple[HostSettings, ...]:
    """Where it is: a unit that is restarted may be on several hosts."""
    service = str(named.path[1])
    if isinstance(named.part, Action) and named.part.systemd is not None:
        return tuple(settings.hosts_of(service, named.part).values())
    return (settings.host_of(service, named.part),)


async def _look(path: KeyPath, thing: Thing, machine: Machine) -> list[Finding]:
    try:
        match thing:
            case Unit():
                return await _unit(path, thing, machine)
            case Entry():
                return await _entry(path, thing, machine)
            case MadeFile():
                return await _made_file(path, thing, machine)
            case Checkout():
                return await _checkout(path, thing, machine)
            case Program():
                return await _program(path, thing, machine)
            case _:
                assert_never(thing)
    except MachineError as error:
        return [_unseen(path, error.what, error.remedy)]


def _unseen(path: KeyPath, why: str, remedy: str = "") -> Finding:
    remedy = remedy or "look as the user who will use it"
    return Finding(path, Weight.NOTE, f"cannot be looked at: {why}", remedy)


async def _unit(path: KeyPath, unit: Unit, machine: Machine) -> list[Finding]:
    answer = await show(machine, (unit.name,), _LOOK, user=unit.user)
    if isinstance(answer, Fault):
        return [of_fault(path, answer, Weight.NOTE, f"unit {shown(unit.name)} cannot be looked at")]
    loaded = answer[0].get("LoadState", "")
    if loaded == "loaded":
        return []
    if not loaded:
        return [_unseen(path, f"systemctl does not say whether {shown(unit.name)} is loaded")]
    flag = " --user" if unit.user else ""
    remedy = f"write a name that systemctl{flag} list-units --all shows, or install the unit"
    message = f"unit {shown(unit.name)} is {shown(loaded)}"
    return [Finding(path, Weight.ERROR, message, remedy)]


async def _entry(path: KeyPath, entry: Entry, machine: Machine) -> list[Finding]:
    weight = Weight.WARNING if entry.made else Weight.ERROR
    try:
        there = (await machine.stat(entry.path, follow=entry.kind is not FileKind.LINK)).kind
    except MachineError as error:
        if error.failure is not Failure.NOT_FOUND:
            raise
        what = entry.kind or "file or folder"
        message = f"there is no {what} {shown(str(entry.path))}"
        return [Finding(path, weight, message, f"make it, or {_CORRECT}")]
    if entry.kind in {None, there}:
        return []
    message = f"{shown(str(entry.path))} is no {entry.kind} but a {there}"
    return [Finding(path, weight, message, _CORRECT)]


async def _made_file(path: KeyPath, file: MadeFile, machine: Machine) -> list[Finding]:
    try:
        there = (await machine.stat(file.path)).kind
    except MachineError as error:
        if error.failure is not Failure.NOT_FOUND:
            raise
        folder = Entry(file.path.parent, FileKind.FOLDER, made=True)
        return await _entry(path, folder, machine)
    if there is not FileKind.FOLDER:
        return []
    message = f"{shown(str(file.path))} is a folder, not a file"
    return [Finding(path, Weight.ERROR, message, "name the file in it")]


async def _checkout(path: KeyPath, checkout: Checkout, machine: Machine) -> list[Finding]:
    found = await _entry(path, Entry(checkout.path, FileKind.FOLDER), machine)
    if found:
        return found
    try:
        answer = await ask(machine, checkout.path, "rev-parse", "--is-inside-work-tree")
    except ObserveError as error:
        return [_unseen(path, error.what, error.remedy)]
    if answer.output == "true":
        return []
    if answer.output != "false" and "not a git repository" not in answer.complaint:
        return [_unseen(path, answer.complaint or f"git ended with {answer.code}")]
    message = f"{shown(str(checkout.path))} is no git work tree"
    return [Finding(path, Weight.ERROR, message, "name the folder of the checkout")]


async def _program(path: KeyPath, program: Program, machine: Machine) -> list[Finding]:
    """Looked for as the command's driver does, before anything is planned."""
    for folder in PATH.split(":"):
        try:
            status = await machine.stat(Path(folder) / program.name)
        except MachineError as error:
            if error.failure is Failure.NOT_FOUND:
                continue
            raise
        if status.kind is FileKind.FILE and status.mode & 0o111:
            return []
    remedy = "install it" if program.name.startswith("/") else f"install it in PATH, {PATH}"
    message = f"there is no program {shown(program.name)}"
    return [Finding(path, Weight.ERROR, message, f"{remedy}, or name another")]


async def _check_rights(host: HostSettings, named: Named, machines: Machines) -> list[Finding]:
    """Whether sudo lets that be done to a unit of another host, and the line that it lacks."""
    target = named.part.systemd if isinstance(named.part, Action) else None
    if not isinstance(host, RemoteHost) or not host.sudo or target is None or target.user:
        return []
    call = call_of(target)
    asked = 'id -un; id -u; command -v systemctl; sudo -n -l -- "$@" >/dev/null 2>&1 && echo may'
    command = Command(("sh", "-c", asked, "sh", *call), inherits=True)
    try:
        finished = await machines.of(host).run(command, limit=_SAID, deadline=_LOOK)
    except MachineError as error:
        return [_unseen(named.path, error.what, error.remedy)]
    words = [sanitize_bytes(line, limit=100) for line in finished.output.split(b"\n")]
    if "may" in words or words[1:2] == ["0"] or len(words) < 3:
        return []
    allowed = " ".join(each.replace(":", r"\:") for each in (words[2], *call[1:]))
    what = f"sudo does not let {words[0]} {target.verb} {shown(target.unit)} on {host.name}"
    line = f"add to its sudoers, by visudo: {words[0]} ALL=(root) NOPASSWD: {allowed}"
    return [Finding(named.path, Weight.ERROR, what, line)]


async def _check_elsewhere(
    settings: Settings, name: str, found: tuple[Named, ...], resolver: Resolver
) -> list[Finding]:
    """What is used on this host for a service whose instances are all at other addresses."""
    instances = settings.services[name].instances
    found = tuple(
        each
        for each in found
        if settings.host in _hosts_of(settings, each)
        and not all(isinstance(thing, Program) for thing in each.things)  # may reach anywhere
    )
    if not instances or any(each.unit or each.pid_file for each in instances):
        return []
    hosts = [urlsplit(each.url).hostname or "" for each in instances]
    for host in dict.fromkeys(hosts):
        if await _may_be_here(host, resolver):
            return []
    pairs = zip(settings.instance_names(name), hosts, strict=True)
    where = listed(f"{instance} is at {host}" for instance, host in pairs)
    return list(_elsewhere(found, where))


def _elsewhere(found: tuple[Named, ...], where: str) -> Iterator[Finding]:
    for each in found:
        does = "is read" if isinstance(each.part, ServiceLog | None) else "acts"
        message = f"{does} on this host, but {where}"
        remedy = "name the host that it is on: host:, or what reaches it: http:, docker:"
        yield Finding(each.path, Weight.WARNING, message, remedy)


async def _may_be_here(host: str, resolver: Resolver) -> bool:
    """Whether ``host`` leads to this machine, or cannot be resolved, which says nothing."""
    if host in {socket.gethostname().lower(), "localhost"} or host.endswith(".localhost"):
        return True
    try:
        addresses = await asyncio.wait_for(resolver.resolve(host), _RESOLVE)
    except (TransportFaultError, TimeoutError):
        return True
    return any(map(_is_own, addresses))


def _is_own(address: str) -> bool:
    """Whether packets to ``address`` stay on this machine; none is sent.

    The kernel sends from the very address that a packet is for where that is its own.
    """
    parsed = ip_address(address.partition("%")[0])
    if parsed.is_loopback or parsed.is_unspecified:
        return True
    family = socket.AF_INET if parsed.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as connected:
            connected.connect((address, _DISCARD))
            return bool(connected.getsockname()[0] == address)
    except OSError:
        return False  # no route leads there
