"""What actions, logs and instances name on a host: units, files, folders, checkouts,
programs. Pure.

Invariant: every kind of action and of log is listed here, what it names or that it names nothing,
which mypy compares with what a configuration can hold. Paths start where their drivers let them.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, assert_never

from opsconsole.config.actions import Action, DriverTarget
from opsconsole.config.drivers import (
    Command,
    DockerTarget,
    EnvFlags,
    FileSet,
    GitTarget,
    HttpCall,
    PidFile,
    ReleaseFolders,
    SwarmTarget,
    SystemdTarget,
    VolumeTarget,
)
from opsconsole.config.files.problems import KeyPath
from opsconsole.config.kubernetes import KubernetesAction
from opsconsole.config.service_log import ServiceLog
from opsconsole.config.services import Instance, Service
from opsconsole.config.types import Model
from opsconsole.dataclass import dataclass
from opsconsole.model.running.machine import FileKind

_PATTERN: Final = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class Unit:
    """A systemd unit, of the user's own manager where ``user``."""

    name: str
    user: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """What must be there before it is used; of any kind where ``kind`` is None.

    ``made``: the service may make it when it starts.
    """

    path: Path
    kind: FileKind | None = None
    made: bool = False


@dataclass(frozen=True, slots=True)
class MadeFile:
    """A file that may come at any time, in a folder that is there."""

    path: Path


@dataclass(frozen=True, slots=True)
class Checkout:
    """The folder of a git work tree."""

    path: Path


@dataclass(frozen=True, slots=True)
class Program:
    """A program by its absolute path, or by its name in PATH."""

    name: str


Thing = Unit | Entry | MadeFile | Checkout | Program
Part = Action | ServiceLog | Instance | None


@dataclass(frozen=True, slots=True)
class Named:
    """What stands at ``path`` in the configuration names ``things``, all on its own host.

    ``part`` is what says on which host; None where the service itself does.
    """

    path: KeyPath
    part: Part
    things: tuple[Thing, ...]


def named_by(name: str, service: Service, base: Path) -> Iterator[Named]:
    """All that the service names on a host; ``base`` is the configuration's folder."""
    path: KeyPath = ("services", name)
    for index, unit in enumerate(service.units):
        yield Named((*path, "units", index), None, (Unit(unit),))
    given: Model | Mapping[str, Model] = service.actions if service.actions.model_fields_set else {}
    for where, action in _actions((*path, "actions"), given):
        things = tuple(_of_action(action.target, base))
        if things:
            yield Named((*where, action.driver), action, things)
    for index, log in enumerate(service.logs):
        things = tuple(_of_log(log, base))
        if things:
            yield Named((*path, "logs", index, log.kind), log, things)
    for index, instance in enumerate(service.instances):
        where = (*path, "instances", index)
        if instance.unit:
            yield Named((*where, "unit"), instance, (Unit(instance.unit),))
        if instance.pid_file:
            there = base / Path(instance.pid_file).expanduser()
            yield Named((*where, "pid_file"), instance, (MadeFile(there),))


def _actions(path: KeyPath, part: Model | Mapping[str, Model]) -> Iterator[tuple[KeyPath, Action]]:
    """Actions, and the actions within them."""
    for name, value in part.items() if isinstance(part, Mapping) else part:
        if isinstance(value, Action):
            yield (*path, name), value
        if isinstance(value, (Model, Mapping)):
            yield from _actions((*path, name), value)


def _of_action(target: DriverTarget, base: Path) -> Iterator[Thing]:
    match target:
        case SystemdTarget():
            yield Unit(target.unit, target.user)
        case PidFile():
            yield MadeFile(base / Path(target.path).expanduser())
            yield from _program_of(target.start)
        case EnvFlags():
            yield from _of_flags(target, base)
        case FileSet():
            for path in target.paths:
                yield Entry(base / Path(path).expanduser(), made=True)
        case GitTarget():
            yield Checkout(base / target.path)
        case ReleaseFolders():
            yield Entry(base / target.releases, FileKind.FOLDER)
            yield Entry(base / target.current, FileKind.LINK)
        case Command():
            yield from _program_of(target.argv)
        case (
            DockerTarget()
            | SwarmTarget()
            | KubernetesAction()
            | VolumeTarget()
            | HttpCall()
            | "latest"
        ):
            pass  # on an engine, or where only the call itself knows
        case _:
            assert_never(target)


def _of_flags(target: EnvFlags, base: Path) -> Iterator[Thing]:
    yield Entry(base / Path(target.file).expanduser(), FileKind.FILE)
    if target.pid_file:
        yield MadeFile(base / Path(target.pid_file).expanduser())


def _program_of(argv: Sequence[str]) -> Iterator[Program]:
    """None where it is named from a folder, which depends on the host that it is run on."""
    for name in argv[:1]:
        if name.startswith("/") or "/" not in name:
            yield Program(name)


def _of_log(log: ServiceLog, base: Path) -> Iterator[Thing]:
    match log.kind:
        case "file":
            yield MadeFile(base / Path(log.what).expanduser())
        case "journal":
            if not _PATTERN & set(log.what):
                yield Unit(log.what)
        case "docker" | "swarm" | "kubernetes" | "loki":
            pass  # on an engine, in a cluster or at a server, which may be anywhere
        case _:
            assert_never(log.kind)
