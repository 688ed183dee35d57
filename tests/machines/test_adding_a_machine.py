"""A made-up machine, added to a copy of the program in the places that the page names."""

import re
from pathlib import Path

import pytest

from tests.program_copy import Copy, places_on

_MACHINE = '''
"""A host that is kept in a folder: its files and programs are below it."""

from dataclasses import replace
from pathlib import PurePath
from typing import BinaryIO

from opsconsole.machines.base import FileFollowing
from opsconsole.machines.local import LocalMachine
from opsconsole.model.running.machine import Command, FileStatus, Finished, Keep
from opsconsole.ownership import Loose


class Cellar(LocalMachine):
    def __init__(self, name: str, root: str) -> None:
        super().__init__()
        self._called, self._root = name, PurePath(root)

    @property
    def name(self) -> str:
        return self._called

    async def run(
        self, command: Command, *, limit: int, deadline: float, keep: Keep = Keep.ALL
    ) -> Finished:
        return await super().run(self._there(command), limit=limit, deadline=deadline, keep=keep)

    async def read(self, path: PurePath, limit: int) -> bytes:
        return await super().read(self._below(path), limit)

    async def stat(self, path: PurePath, *, follow: bool = True) -> FileStatus:
        return await super().stat(self._below(path), follow=follow)

    async def looseness(self, path: PurePath) -> Loose | None:
        return await super().looseness(self._below(path))

    def open(self, path: PurePath) -> BinaryIO:
        return super().open(self._below(path))

    def follow(self, path: PurePath, tail: int) -> FileFollowing:
        return super().follow(self._below(path), tail)

    def _below(self, path: PurePath) -> PurePath:
        return self._root / str(path).lstrip("/")

    def _there(self, command: Command) -> Command:
        program = PurePath(command.argv[0])
        if not program.is_absolute():
            program = PurePath("/usr/bin") / program
        argv = (str(self._below(program)), *command.argv[1:])
        return replace(command, argv=argv, cwd=str(self._below(PurePath(command.cwd))))
'''
_KEPT = """        self._cellars: dict[CellarHost, Cellar] = {}
"""
_CASE = """        if isinstance(host, CellarHost):
            return self._cellars.setdefault(host, Cellar(host.name, host.root))
"""
_CLOSED = """        for cellar in self._cellars.values():
            cellar.close()
"""
_IMPORTS = """from opsconsole.config.settings import CellarHost
from opsconsole.machines.cellar import Cellar
"""
_HOST = '''class CellarHost(HostSettings):
    """A host that is kept in a folder."""

    name: Name = Field(description="What services call it.")
    root: Text = Field(description="The folder.")


'''
_HOSTS = '    cellars: tuple[CellarHost, ...] = Field(default=(), description="Folders.")\n'
_CHOSEN = """        below = part.cellar if isinstance(part, (Instance, ServiceLog)) else None
        if below is None and config is not None:
            below = config.cellar
        for host in self.cellars:
            if host.name == below:
                return host
"""
_READS = "any(each.name == source.name for each in self.cellars) or "
_KEY = '    cellar: Text | None = Field(default=None, description="The folder that it is in.")\n'
_REFERENCES = """        cellars = _names_of(_mapping(settings).get("cellars"), "")
        yield from _check_name((*path, "cellar"), service, cellars, "cellar")
"""
_PINNED = """        "cellars": [host.model_dump(mode="json") for host in settings.cellars],
"""
_SOURCE = '''
"""What the host in a folder uses."""

from pathlib import PurePath

from opsconsole.clock import Clock
from opsconsole.config.settings import CellarHost
from opsconsole.machines.base import Machine
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.reading import Reading
from opsconsole.model.running.hosts import Host
from opsconsole.model.running.machine import MachineError
from opsconsole.model.source_id import SourceId, SourceKind
from opsconsole.sources.base import Source


class CellarSource(Source[Host]):
    def __init__(self, host: CellarHost, machine: Machine, clock: Clock) -> None:
        self._host, self._machine, self._clock = host, machine, clock

    @property
    def id(self) -> SourceId:
        return SourceId(SourceKind.HOST, self._host.name)

    @property
    def interval(self) -> float:
        return self._host.interval

    @property
    def endpoint(self) -> str:
        return self._host.name

    async def collect(self) -> Reading[Host]:
        now = self._clock.now()
        try:
            words = (await self._machine.read(PurePath("/proc/loadavg"), 4096)).split()
            load = float(words[0]), float(words[1]), float(words[2])
        except (MachineError, ValueError, IndexError):
            return Reading(self.id, now, 0.0, fault=Fault(FaultKind.LOCAL, "no load is known"))
        seen = Host(self._host.name, 0.0, (), load, 0, 0, 0, 0, (), None, None, 0.0)
        return Reading(self.id, now, 0.0, seen)

    async def close(self) -> None:
        pass
'''
_MAKE = """def _cellar(host: CellarHost, machine: Machine, clock: Clock) -> AnySource:
    from opsconsole.sources.host.cellar import CellarSource

    return CellarSource(host, machine, clock)


"""
_MADE = """        for host in settings.cellars:
            make = partial(_cellar, host, self._machines.of(host), self._clock)
            yield SourceId(SourceKind.HOST, host.name), make
"""
_ASSEMBLE = "from opsconsole.config.settings import CellarHost\n"

_CONFIG = """
docker: []
host: {{enabled: false}}
cellars: [{{name: cellar, root: {root}}}]
state_dir: {state}
services:
  here:
    logs: [{{file: {here}}}]
  web:
    cellar: cellar
    instances: [{{url: "http://127.0.0.1:9", unit: web}}]
    health: null
    logs: [{{file: /var/log/web.log}}]
    actions:
      restart: {{command: {{argv: [mark, restarted], cwd: /srv}}, min_healthy: 100ms}}
"""
_LOGS = """
import sys, time
from pathlib import Path
from opsconsole.clock import SystemClock
from opsconsole.config.loader import load
from opsconsole.engine.logs.watch import LogWatch
from opsconsole.machines.machines import Machines
path = Path(sys.argv[1])
pages = {"here": [], "web": []}
machines = Machines()
watch = LogWatch(load(path), path.parent, machines, SystemClock())
for service, shown in pages.items():
    watch.open(service, shown.append)
while not all(shown and shown[-1].lines for shown in pages.values()):
    time.sleep(0.01)
for service, shown in pages.items():
    print(*(f"{service}: {line.text}" for line in shown[-1].lines), sep="\\n")
watch.close()
machines.close()
"""
_UNITS = """
import asyncio, sys
from pathlib import Path
from opsconsole.clock import SystemClock
from opsconsole.config.loader import load
from opsconsole.engine.desks.unit_book import UnitBook
from opsconsole.machines.machines import Machines
book = UnitBook(load(Path(sys.argv[1])), Machines(), SystemClock())
(look,) = asyncio.run(book.look("web"))
print(look.fault or (look.replica.place.name, look.replica.name, look.replica.pid))
"""
_FIGURES = """
import sys
from pathlib import Path
from opsconsole.config.loader import load
from opsconsole.engine.engine import Engine
path = Path(sys.argv[1])
snapshot = Engine(load(path), base=path.parent).look_once()
print(*((each.host.name, each.host.load) for each in snapshot.hosts), sep="\\n")
print(*(each.id.label for each in snapshot.sources), sep="\\n")
"""
_DIGEST = """
import sys
from pathlib import Path
from opsconsole.config.loader import load
from opsconsole.model.operation import ActionKind
from opsconsole.operations.planning.declared import digest, find
settings = load(Path(sys.argv[1]))
print(digest(settings, find(settings, "web", ActionKind.RESTART, "")))
"""
_UNIT = "Id=web.service\nLoadState=loaded\nActiveState=active\nSubState=running\nMainPID=812"


def settings_of(copy: Copy) -> None:
    """What can be named, and what names it."""
    settings, services = "config/settings.py", "config/services.py"
    copy.put(settings, _HOST, before="class Operations(Model)")
    copy.put(settings, _HOSTS, before="    defaults: Defaults = Field(")
    copy.put(settings, _CHOSEN, before="        return self.hosts.get(named or HERE")
    copy.put(settings, _READS, before="source.name in self.hosts and")
    copy.put(services, _KEY, before="    unit: Text | None")
    copy.put(services, _KEY, before="    containers: Annotated[")
    copy.put("config/service_log.py", _KEY, before="    journal: Text | None")
    copy.put("config/references.py", _REFERENCES, before="        yield from _check_engines(path")


def figures_of(copy: Copy) -> None:
    """What says what it uses."""
    assemble = "engine/assemble.py"
    copy.put("sources/host/cellar.py", _SOURCE)
    copy.put(assemble, _ASSEMBLE, before="from opsconsole.config.services import Service\n")
    copy.put(assemble, _MAKE, before="def _host(")
    copy.put(assemble, _MADE, before="        yield from places(")


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    copy = Copy(tmp_path / "copy")
    machines = "machines/machines.py"
    copy.put("machines/cellar.py", _MACHINE)
    copy.put(machines, _IMPORTS, before="from opsconsole.machines.base import Machine\n")
    copy.put(machines, _KEPT, before="        self._here = LocalMachine()\n")
    copy.put(machines, _CASE, before="        return self._here\n")
    copy.put(machines, _CLOSED, before="        self._here.close()\n")
    settings_of(copy)
    copy.put("operations/planning/declared.py", _PINNED, before='        "environment": ')
    figures_of(copy)
    return copy


@pytest.fixture
def config(tmp_path: Path) -> str:
    """A service in the cellar, and one on this host that logs to a file of the same name."""
    root, here = tmp_path / "cellar", tmp_path / "web.log"
    for folder in ("proc", "srv", "usr/bin", "var/log"):
        (root / folder).mkdir(parents=True)
    (root / "proc/uptime").write_text("1000.5 2000.25\n")
    (root / "proc/loadavg").write_text("0.5 0.25 0.125 1/100 4711\n")
    (root / "var/log/web.log").write_text("in the cellar\n")
    here.write_text("here\n")
    program(root / "usr/bin/systemctl", f"cat <<'.'\n{_UNIT}\n.\n")
    program(root / "usr/bin/mark", 'echo "$1" > marked\n')
    path = tmp_path / "opsconsole.yaml"
    path.write_text(_CONFIG.format(root=root, state=tmp_path / "state", here=here))
    path.chmod(0o600)
    return str(path)


def program(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}")
    path.chmod(0o700)


def test_the_page_names_each_place_and_no_other(copy: Copy) -> None:
    rows = [row.replace("NAME", "cellar") for row in places_on("adding-a-machine.md")]
    assert copy.touched == set(rows)
    assert len(rows) == len(set(rows)) <= 10


def test_the_types_of_every_place_agree(copy: Copy) -> None:
    said = copy.type_errors("opsconsole.engine.engine", "opsconsole.operations.operator")
    assert re.findall(r"([a-z_/]+\.py):\d+: error: .*", said) == [], said


def test_a_log_is_followed_where_its_service_is(copy: Copy, config: str) -> None:
    done = copy.python("-c", _LOGS, config)
    assert done.stdout.splitlines() == ["here: here", "web: in the cellar"], done.stderr


def test_a_unit_is_looked_at_where_its_service_is(copy: Copy, config: str) -> None:
    done = copy.python("-c", _UNITS, config)
    assert done.stdout.splitlines() == ["('cellar', 'web.service', 812)"], done.stderr


def test_an_action_is_carried_out_where_its_service_is(
    copy: Copy, config: str, tmp_path: Path
) -> None:
    done = copy.run("restart", "web", "--yes", "--reason", "a test", "-c", config)
    assert (tmp_path / "cellar/srv/marked").read_text() == "restarted\n", done.stdout + done.stderr


def test_its_figures_reach_the_snapshot(copy: Copy, config: str) -> None:
    done = copy.python("-c", _FIGURES, config)
    assert done.stdout.splitlines() == ["('cellar', (0.5, 0.25, 0.125))", "cellar"], done.stderr


def test_a_plan_is_pinned_to_its_host(copy: Copy, config: str, tmp_path: Path) -> None:
    before = copy.python("-c", _DIGEST, config)
    (tmp_path / "elsewhere").mkdir()
    text = Path(config).read_text()
    Path(config).write_text(text.replace(f"root: {tmp_path}/cellar", f"root: {tmp_path}/elsewhere"))
    after = copy.python("-c", _DIGEST, config)
    assert before.stdout.strip(), before.stderr
    assert after.stdout.strip(), after.stderr
    assert before.stdout != after.stdout


def test_a_host_that_is_not_there_is_reported(copy: Copy, config: str) -> None:
    Path(config).write_text(Path(config).read_text().replace("cellar: cellar", "cellar: celler"))
    done = copy.run("check", config)
    assert "no cellar is called 'celler', did you mean 'cellar'?" in done.stdout + done.stderr
