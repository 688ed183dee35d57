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

from psycopg import sql

from opsconsole.demo.processes import ServerError
from opsconsole.model.operation import Operation
from opsconsole.operations.postgresql_place import PostgresqlPlace
from tests.operations.recording_server import Behaviour, RecordingServer
from tests.operations.team.bastion import QUICK
from tests.patience import until
from tests.servers.line import Line
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
    last check and its call. ``unsaid``: calls whose step the journal does not have as begun."""

    calls: int
    operations: int
    twice: int
    at_once: int
    gaps: int
    unknown: int
    unsaid: int


@dataclass
class Bastion:
    """A console in a process of its own, and the line between it and the server."""

    name: str
    argv: list[str]
    line: Line
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

    def suspend(self) -> None:
        """Stop its runners, as a host that hangs does."""
        for pid in self.living():
            os.kill(pid, signal.SIGSTOP)
            self.stopped.append(pid)

    def resume(self) -> list[str]:
        """Have its runners go on; their operations."""
        found = [pid for pid in self.stopped if _is_alive(pid)]
        self.stopped.clear()
        for pid in found:
            os.kill(pid, signal.SIGCONT)
        return [self.runners[pid] for pid in found]

    def is_there(self) -> bool:
        """Whether its console runs."""
        return self.process is not None and self.process.poll() is None

    def kill_runner(self) -> None:
        """Kill what carries out its operations."""
        for pid in self.living():
            os.kill(pid, signal.SIGKILL)

    def kill(self) -> None:
        """End all of it at once, as a host that loses its power does."""
        assert self.process is not None
        for pid in (self.process.pid, *self.living()):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()


class Team:
    """Three bastions, two instances of a service that record, and one server."""

    def __init__(self, server: Postgresql, *, pooled: bool = False, terms: str = "quick") -> None:
        self.server = server
        self.folder = Path(tempfile.mkdtemp(prefix="opsconsole-team-"))
        self._stack = ExitStack()
        self._stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self.web = [RecordingServer(Behaviour(answer="slow", slow=CALL)) for _ in range(2)]
        for each in self.web:
            self._stack.callback(each.stop)
        config = self._private("opsconsole.yaml", _CONFIG.format(urls=self._urls()))
        key = self._private("key", "k" * 40)
        self._conninfo = server.database()
        far = server.pooler() if pooled else server.port
        self.bastions: list[Bastion] = []
        for name in ("a", "b", "c"):
            line = Line(far)
            self._stack.callback(line.close)
            reached = self._conninfo.replace(f"port={server.port}", f"port={line.port}")
            argv = [
                sys.executable, "-m", "tests.operations.team.bastion", name, str(config),
                str(self.folder / name), str(key), reached, terms, self.web[0].url,
            ]  # fmt: skip
            self.bastions.append(Bastion(name, argv, line))

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
        """Lead everybody to another server, which has all that the one before it had."""
        self._conninfo = self._conninfo.replace(f"port={self.server.port}", f"port={server.port}")
        self.server = server
        for each in self.bastions:
            each.line.lead_to(server.port)

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

    def looks_on(self, before: Mapping[str, int]) -> bool:
        """Whether every bastion that lives has looked at the service since."""
        now = self.looks()
        living = [each.name for each in self.bastions if each.is_there()]
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
            moves=lambda: len(self.calls()),
        )
        (self.folder / "enough").touch()
        return until(self._ended, moves=lambda: sum(self.looks().values()), every=0.2)

    def _ended(self) -> tuple[Operation, ...]:
        found = self.operations()
        return found if all(each.state.final for each in found) else ()


@dataclass
class Schedule:
    """What goes wrong, made of a number; and what was seen of it."""

    seed: int
    suspended: list[tuple[str, float]] = field(default_factory=list)
    """Whose runner went on when."""

    def run(self, server: Postgresql, more: "Harm | None" = None) -> Counts:
        """Let it happen, with ``more`` that this server can bear, and count."""
        chance = random.Random(self.seed)
        pooled = more is None and chance.random() < 0.3
        with Team(server, pooled=pooled) as team:
            until(team.calls)
            events: list[tuple[float, Event]] = []
            harms = [self._harm(chance, team) for _ in range(chance.randint(2, 4))]
            for harm, undo in [*([more(team)] if more is not None else []), *harms]:
                at, lasts = chance.uniform(0, 6), chance.uniform(0.3, 2.2) * QUICK.lasts
                events += [(at, harm), (at + lasts, undo)]
            began = time.monotonic()
            for at, event in sorted(events, key=lambda each: each[0]):
                time.sleep(max(0.0, began + at - time.monotonic()))
                event()
                until(partial(team.looks_on, team.looks()), moves=team.looks)
            _start(team.server)
            return self._counted(team, team.settles())

    def _harm(self, chance: random.Random, team: Team) -> tuple[Event, Event]:
        """What happens, and how it ends."""
        bastion = chance.choice(team.bastions)
        kinds: list[tuple[Event, Event]] = [
            (bastion.line.hold, bastion.line.let_through),
            (bastion.line.cut, bastion.line.cut),
            (bastion.suspend, lambda: self._resumed(bastion)),
            (bastion.kill_runner, bastion.kill_runner),
            (bastion.kill, bastion.start),
            (lambda: team.server.stop(at_once=True), lambda: _may_start(team.server)),
        ]
        return chance.choice(kinds)

    def _resumed(self, bastion: "Bastion") -> None:
        for operation in bastion.resume():
            self.suspended.append((operation, time.time()))

    def _counted(self, team: Team, operations: tuple[Operation, ...]) -> Counts:
        calls = team.calls()
        twice = len(calls) - len({(each.by, each.instance) for each in calls})
        reasons = {each.reason: each for each in operations}
        at_once = gaps = 0
        for first, second in pairwise(calls):
            if first.by == second.by or second.at - first.at >= CALL - _TOLERANCE:
                continue
            late = [reasons[each.by].id for each in (first, second)]
            near = [op for op, at in self.suspended if op in late and 0 <= second.at - at < 1.0]
            at_once, gaps = (at_once, gaps + 1) if near else (at_once + 1, gaps)
        unknown = sum(step.state == "unknown" for each in operations for step in each.steps)
        unsaid = sum(
            not any(step.started_at is not None for step in reasons[call.by].steps)
            for call in calls
        )
        return Counts(len(calls), len(operations), twice, at_once, gaps, unknown, unsaid)


def _may_start(server: Postgresql) -> None:
    """Start it where it can be: its disk may be full."""
    with suppress(ServerError):
        _start(server)


def _start(server: Postgresql) -> None:
    if not server.answers():
        server.stop(at_once=True)
        server.start()


Harm = Callable[[Team], tuple[Event, Event]]
"""What happens to a team at the server, and how it ends."""


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

    return harm


def is_filled(ballast: Path) -> Harm:
    """The server's disk is full for a while; it may not survive that, and is started again."""

    def fill() -> None:
        with suppress(OSError), open(ballast, "wb") as file:
            while True:
                file.write(bytes(1 << 16))

    def make_room(team: Team) -> None:
        ballast.unlink(missing_ok=True)
        _start(team.server)

    return lambda team: (fill, partial(make_room, team))


def _is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
