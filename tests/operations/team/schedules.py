"""What goes wrong between three bastions and their PostgreSQL, by chance, and what is counted.

A schedule is made of a number. Whatever it contains, the recording server must have seen no two
calls of different operations at once and none twice, and every operation has its verdict at last.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self

import psycopg
from psycopg import sql

from opsconsole.demo.processes import ServerError
from opsconsole.model.operation import Operation
from opsconsole.operations.locks.lease import TERMS, Terms
from opsconsole.operations.postgresql_place import PostgresqlPlace
from tests.operations.recording_server import Behaviour, RecordingServer
from tests.operations.team.bastion import QUICK
from tests.patience import until
from tests.servers.network import Host, Link, Network
from tests.servers.postgresql import Postgresql

CALL: Final = 0.3
"""Seconds that a call takes at the service."""

_TOLERANCE: Final = 0.05

_CONFIG: Final = """
docker: []
operations: {{cooldown: 0.001ms, restart_limit: 1000000}}
services:
  web:
    instances: [{urls}]
    timeout: 5s
    health: /health
    actions:
      restart:
        http: {{post: /restart, json: {{by: "{{reason}}"}}, timeout: 5s}}
        min_healthy: 0.05s
        deadline: 20s
"""


class Call(NamedTuple):
    """One call that changed the service."""

    at: float
    by: str
    instance: int


Event = Callable[[], object]


class Counts(NamedTuple):
    """What was seen of a schedule. ``gaps``: two at once, since a runner was suspended between its
    last check and its call. ``unsaid``: calls whose step the journal does not have as begun.
    ``taken_over``: seconds from the loss of a runner to its verdict by another, at most."""

    calls: int
    operations: int
    twice: int
    at_once: int
    gaps: int
    unknown: int
    unsaid: int
    taken_over: float


@dataclass
class Bastion:
    """A console on a host of its own, and its links to the server and to the service."""

    name: str
    argv: list[str]
    state: Link
    services: Link
    process: "subprocess.Popen[str] | None" = None
    runners: dict[int, str] = field(default_factory=dict)
    stopped: list[int] = field(default_factory=list)
    begun: int = 0
    said: list[str] = field(default_factory=list)

    def start(self) -> None:
        """Start it, or start it again where it does not run."""
        if self.is_there():
            return
        self.process = subprocess.Popen(
            self.argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
            start_new_session=True,
        )  # fmt: skip
        threading.Thread(target=self._listen, args=(self.process,), daemon=True).start()

    def _listen(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                self.said.append(line.strip())
                word, *more = line.split()
                if word == "runner":
                    self.runners[int(more[0])] = more[1]
                elif word == "begun":
                    self.begun += 1

    def living(self) -> list[int]:
        """The processes that carry out its operations."""
        return [pid for pid in list(self.runners) if _is_alive(pid)]

    def pids(self) -> list[int]:
        """Every process of it that lives."""
        console = [self.process.pid] if self.process is not None and self.is_there() else []
        return [*console, *self.living()]

    def suspend(self) -> list[str]:
        """Stop its runners, as a host that hangs does; their operations."""
        found = self.living()
        for pid in found:
            os.kill(pid, signal.SIGSTOP)
        self.stopped += found
        return [self.runners[pid] for pid in found]

    def resume(self) -> list[str]:
        """Have its runners go on; their operations."""
        found = [pid for pid in self.stopped if _is_alive(pid)]
        self.stopped.clear()
        for pid in found:
            os.kill(pid, signal.SIGCONT)
        return [self.runners[pid] for pid in found]

    def isolate(self) -> None:
        """Reach nobody: neither the server nor the service."""
        self.state.down()
        self.services.down()

    def join(self) -> None:
        """Reach everybody again."""
        self.state.up()
        self.services.up()

    def sees(self) -> bool:
        """Whether it runs, and its host reaches the service."""
        return self.is_there() and not self.services.is_down

    def is_there(self) -> bool:
        """Whether its console runs."""
        return self.process is not None and self.process.poll() is None

    def kill_runner(self) -> list[str]:
        """Kill what carries out its operations; these."""
        found = self.living()
        for pid in found:
            os.kill(pid, signal.SIGKILL)
        return [self.runners[pid] for pid in found]

    def kill(self) -> list[str]:
        """End all of it at once, as a host that loses its power does; its operations."""
        assert self.process is not None
        found = self.living()
        for pid in (self.process.pid, *found):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        return [self.runners[pid] for pid in found]


class Networks:
    """That of the state, where the server listens, and that of the services."""

    def __init__(self, folder: Path) -> None:
        self.state, self.services = Network(folder), Network(folder)

    def close(self) -> None:
        """End both."""
        self.state.close()
        self.services.close()


class Team:
    """Three bastions, each on a host of its own, a service of two instances, and one server.

    ``standby``: another server, which they know of.
    """

    def __init__(
        self,
        server: Postgresql,
        networks: Networks,
        terms: Terms,
        *,
        pooled: bool = False,
        standby: Postgresql | None = None,
    ) -> None:
        self.server, self.terms, self.pooled = server, terms, pooled
        self.folder = Path(tempfile.mkdtemp(prefix="opsconsole-team-"))
        self._stack = ExitStack()
        self._stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
        at = networks.services.address
        self.web = [RecordingServer(Behaviour(answer="slow", slow=CALL), address=at) for _ in "ab"]
        for each in self.web:
            self._stack.callback(each.stop)
        config = self._private("opsconsole.yaml", _CONFIG.format(urls=self._urls()))
        key = self._private("key", "k" * 40)
        self._conninfo = server.database()
        ports = [server.pooler() if pooled else server.port]
        ports += [] if standby is None else [standby.port]
        hosts = ",".join([server.address] * len(ports))
        database = self._conninfo.partition(" dbname=")[2]
        reached = f"host={hosts} port={','.join(map(str, ports))} dbname={database}"
        self.bastions: list[Bastion] = []
        for name in ("a", "b", "c"):
            host = Host(self.folder)
            self._stack.callback(host.close)
            argv = host.argv(
                sys.executable, "-m", "tests.operations.team.bastion", name, str(config),
                str(self.folder / name), str(key), reached,
                "quick" if terms is QUICK else "real", self.web[0].url,
            )  # fmt: skip
            links = networks.state.join(host), networks.services.join(host)
            self.bastions.append(Bastion(name, argv, *links))

    def __enter__(self) -> Self:
        for each in self.bastions:
            each.start()
            self._stack.callback(each.kill)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def _urls(self) -> str:
        return ", ".join(each.url for each in self.web)

    def _private(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o600)
        return path

    def move_to(self, server: Postgresql) -> None:
        """Look at another server from now on, which has all that the one before it had."""
        self._conninfo = self._conninfo.replace(f"port={self.server.port}", f"port={server.port}")
        self.server = server

    def cut(self, bastion: Bastion) -> None:
        """End every connection of a bastion, as a server does; of all, where they are pooled."""
        found = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IS NOT NULL"
        found += " AND pid <> pg_backend_pid()"
        found += "" if self.pooled else " AND client_addr = %s"
        with (
            suppress(psycopg.Error),
            psycopg.connect(self.server.conninfo("postgres"), connect_timeout=5) as connection,
        ):
            connection.execute(found, () if self.pooled else (bastion.state.address,))

    def calls(self) -> list[Call]:
        """Each call that changed the service, in their order."""
        return sorted(
            Call(each.at, str(json.loads(each.body)["by"]), number)
            for number, server in enumerate(self.web)
            for each in list(server.changes)
        )

    def looks(self) -> dict[str, int]:
        """How often each bastion has looked at the service."""
        seen = [each.query for each in list(self.web[0].requests)]
        return {each.name: seen.count(f"by={each.name}") for each in self.bastions}

    def stirs(self) -> int:
        """What grows while any process of a bastion has a turn, however busy the machine is."""
        pids = [pid for each in self.bastions for pid in each.pids()]
        return len(self.calls()) + sum(_worked(pid) for pid in pids)

    def looks_on(self, before: Mapping[str, int]) -> bool:
        """Whether every bastion that lives and reaches the service has looked at it since."""
        now = self.looks()
        living = [each.name for each in self.bastions if each.sees()]
        return all(now[name] > before[name] for name in living)

    def operations(self) -> tuple[Operation, ...]:
        """All of them, looked at from beside the lines."""
        journal = PostgresqlPlace(self._conninfo, self.folder / "look").journal()
        try:
            return journal.operations(10_000)
        finally:
            journal.close()

    def settles(self) -> tuple[Operation, ...]:
        """Every operation, once all have their verdicts and no more are begun."""
        before = {each.name: each.begun for each in self.bastions}
        until(
            lambda: all(each.begun > before[each.name] for each in self.bastions),
            moves=self.stirs,
        )
        (self.folder / "enough").touch()
        return until(self._ended, moves=self.stirs, every=0.2)

    def _ended(self) -> tuple[Operation, ...]:
        found = self.operations()
        return found if all(each.state.final for each in found) else ()


@dataclass
class Schedule:
    """What goes wrong, made of a number; and what was seen of it.

    By the ``terms`` of a real state a runner hangs for a minute, beside other harms.
    """

    seed: int
    terms: Terms = QUICK
    resumed: list[tuple[str, float]] = field(default_factory=list)
    """Whose runner went on when."""
    lost: list[tuple[str, float]] = field(default_factory=list)
    """Whose runner hung or ended when."""

    def run(self, server: Postgresql, networks: Networks, more: "Harm | None" = None) -> Counts:
        """Let it happen, with ``more`` that this server can bear, and count."""
        chance = random.Random(self.seed)
        pooled = more is None and chance.random() < 0.3
        standby = more.standby if more is not None else None
        with Team(server, networks, self.terms, pooled=pooled, standby=standby) as team:
            until(team.calls, moves=team.stirs)
            events: list[tuple[float, Event]] = []
            harms = [self._harm(chance, team) for _ in range(chance.randint(2, 4))]
            for harm, undo in [*([more.at(team)] if more is not None else []), *harms]:
                at, lasts = chance.uniform(0, 6), chance.uniform(0.3, 2.2) * QUICK.lasts
                events += [(at, harm), (at + lasts, undo)]
            if self.terms is TERMS:
                events += self._a_minute(chance.choice(team.bastions))
            began = time.monotonic()
            for at, event in sorted(events, key=lambda each: each[0]):
                time.sleep(max(0.0, began + at - time.monotonic()))
                event()
                until(partial(team.looks_on, team.looks()), moves=team.looks)
            _start(team.server)
            return self._counted(team, team.settles())

    def _a_minute(self, bastion: Bastion) -> list[tuple[float, Event]]:
        """Its next runner hangs for a minute, and goes on."""

        def hang() -> None:
            if bastion.is_there():
                until(bastion.living, moves=lambda: bastion.begun)
            self._lose(bastion.suspend())

        return [(2.0, hang), (62.0, lambda: self._resume(bastion))]

    def _harm(self, chance: random.Random, team: Team) -> tuple[Event, Event]:
        """What happens, and how it ends."""
        bastion = chance.choice(team.bastions)
        kinds: list[tuple[Event, Event]] = [
            (bastion.state.down, bastion.state.up),
            (partial(team.cut, bastion), partial(team.cut, bastion)),
            (lambda: self._lose(bastion.suspend()), lambda: self._resume(bastion)),
            (lambda: self._lose(bastion.kill_runner()), lambda: self._lose(bastion.kill_runner())),
            (lambda: self._lose(bastion.kill()), bastion.start),
            (lambda: team.server.stop(at_once=True), lambda: _may_start(team.server)),
        ]
        if self.terms is TERMS:
            # By the others a call takes longer than the margin, which no lock can close.
            kinds.append((bastion.isolate, bastion.join))
        return chance.choice(kinds)

    def _lose(self, operations: list[str]) -> None:
        self.lost += [(each, time.time()) for each in operations]

    def _resume(self, bastion: Bastion) -> None:
        self.resumed += [(each, time.time()) for each in bastion.resume()]

    def _taken_over(self, operations: tuple[Operation, ...]) -> float:
        """The longest time until another had ended what a runner was lost with."""
        ends = {each.id: each.ended_at or 0.0 for each in operations}
        back = dict(self.resumed)
        waits = [
            ends[operation] - at
            for operation, at in self.lost
            if at < ends[operation] < back.get(operation, ends[operation] + 1.0)
        ]
        return round(max(waits, default=0.0), 1)

    def _counted(self, team: Team, operations: tuple[Operation, ...]) -> Counts:
        calls = team.calls()
        twice = len(calls) - len({(each.by, each.instance) for each in calls})
        reasons = {each.reason: each for each in operations}
        at_once = gaps = 0
        for first, second in pairwise(calls):
            if first.by == second.by or second.at - first.at >= CALL - _TOLERANCE:
                continue
            late = [reasons[each.by].id for each in (first, second)]
            near = [op for op, at in self.resumed if op in late and 0 <= second.at - at < 1.0]
            at_once, gaps = (at_once, gaps + 1) if near else (at_once + 1, gaps)
        unknown = sum(step.state == "unknown" for each in operations for step in each.steps)
        unsaid = sum(
            not any(step.started_at is not None for step in reasons[call.by].steps)
            for call in calls
        )
        wait = self._taken_over(operations)
        return Counts(len(calls), len(operations), twice, at_once, gaps, unknown, unsaid, wait)


def _may_start(server: Postgresql) -> None:
    """Start it where it can be: its disk may be full."""
    with suppress(ServerError):
        _start(server)


def _start(server: Postgresql) -> None:
    if not server.answers():
        server.stop(at_once=True)
        server.start()


@dataclass(frozen=True)
class Harm:
    """What happens to a team at the server, and how it ends."""

    at: Callable[[Team], tuple[Event, Event]]
    standby: Postgresql | None = None


def fails_over(server: Postgresql) -> Harm:
    """A standby takes over that has all that was committed, because nothing is without it."""
    standby = server.standby()
    server.execute(sql.SQL("ALTER SYSTEM SET synchronous_standby_names = '*'").format())
    server.execute(sql.SQL("SELECT pg_reload_conf()").format())

    def harm(team: Team) -> tuple[Event, Event]:
        def fail_over() -> None:
            team.server.stop(at_once=True)
            standby.promote()
            team.move_to(standby)

        return fail_over, lambda: None

    return Harm(harm, standby)


def is_filled(ballast: Path) -> Harm:
    """The server's disk is full for a while; it may not survive that, and is started again."""

    def fill() -> None:
        with suppress(OSError), open(ballast, "wb") as file:
            while True:
                file.write(bytes(1 << 16))

    def make_room(team: Team) -> None:
        ballast.unlink(missing_ok=True)
        _start(team.server)

    return Harm(lambda team: (fill, partial(make_room, team)))


def _worked(pid: int) -> int:
    """Ticks of the processor that a process has had."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return int(words[11]) + int(words[12])


def _is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
