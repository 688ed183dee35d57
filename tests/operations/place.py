"""A place to operate in, and the usual ways through the door."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import psycopg

from opsconsole.clock import SystemClock
from opsconsole.config.loader import load
from opsconsole.model.operation import (
    ActionKind,
    ActionRequest,
    Confirmation,
    Operation,
    Plan,
    Refusal,
)
from opsconsole.operations.operator import Operator
from opsconsole.operations.own_configuration import OwnConfiguration
from opsconsole.operations.postgresql_place import PostgresqlPlace
from opsconsole.operations.running.dispatch import runner_lock
from opsconsole.operations.state_place import FolderPlace
from tests.operations.recording_server import RecordingServer
from tests.patience import soon as until

QUICK = "min_healthy: 0.2s, deadline: 60s"


class Place:
    """A configuration file and a state, and operators that work on them.

    ``database``: where libpq finds the state, which is in the folder where it is ''.
    """

    def __init__(self, folder: Path, database: str = "") -> None:
        self.state = folder / "state"
        self.config = folder / "opsconsole.yaml"
        self._database = database
        self.there = PostgresqlPlace(database, self.state) if database else FolderPlace(self.state)
        self.own = OwnConfiguration(str(self.config), str(folder))
        self._operators: list[Operator] = []

    def write(self, text: str) -> None:
        """Make ``text`` the configuration."""
        where = f'state: {{postgresql: "{self._database}"}}\n' if self._database else ""
        self.config.write_text(text if where in text else where + text)
        self.config.chmod(0o600)

    def operator(self, *, read_only: bool = False) -> Operator:
        """What a console that starts at this moment has."""
        operator = Operator(
            load(self.config),
            base=self.config.parent,
            clock=SystemClock(),
            read_only=read_only,
            state=self.there,
            config_path=self.config,
        )
        self._operators.append(operator)
        return operator

    def write_row(self, statement: str, *values: str | float) -> None:
        """Change what is shared as anybody does who may write it, by no console."""
        if self._database:
            self.there.audit_rows()  # which makes the tables
            statement = statement.replace("?", "%s")
            with psycopg.connect(self._database, options="-c search_path=opsconsole") as server:
                server.execute(statement.encode(), values)
            return
        with closing(sqlite3.connect(self.state / "journal.db")) as file, file:
            file.execute(statement, values)

    def is_untouched(self) -> bool:
        """Whether nothing was made in it."""
        return not self.there.audit_rows() if self._database else not self.state.exists()

    async def until_its_runner_is_gone(self, operation: str) -> None:
        """Return once no process carries out ``operation``."""
        await until(lambda: not self.there.locks.is_held(runner_lock(operation)))

    async def taken_up(self, operation: str) -> Operation:
        """The end of what a dead runner left, by a console that looks after it again and again."""
        await self.until_its_runner_is_gone(operation)
        operator = self.operator()

        async def look() -> None:
            while True:
                # On a busy machine one try may start nobody.
                await operator.reconcile()
                await asyncio.sleep(0.5)

        looking = asyncio.create_task(look())
        try:
            return await ended(operator, operation)
        finally:
            looking.cancel()

    async def kill_keeper(self) -> None:
        """Kill the process that keeps this user's promises, once it is there."""
        await until(self.there.mandates.keeper_is_there)
        for process in keepers(self.state):
            os.kill(process, signal.SIGKILL)
        await until(lambda: not self.there.mandates.keeper_is_there())

    def close(self) -> None:
        """Close every operator, and end the processes that wait for the end of something."""
        for operator in self._operators:
            operator.close()
        end_waiting(self.state)


def end_waiting(state: Path) -> None:
    """End the processes that keep promises on behalf of the state folder ``state``."""
    for process in keepers(state):
        os.kill(process, signal.SIGKILL)


def keepers(state: Path) -> list[int]:
    """The processes that keep promises on behalf of the state folder ``state``."""
    return [each for path in state.glob("mandates/*/keeper-*.lock") for each in holders(path)]


async def outlived(place: Place, *command: str, death: signal.Signals) -> Operation:
    """The end of the operation whose console is killed as soon as it is recorded.

    The console is a process of its own that runs ``command`` with a reason and ``--yes``.
    """
    operator = place.operator()
    while True:
        before = len(operator.operations())
        console = _console(place, command)
        await until(lambda: len(operator.operations()) > before)  # noqa: B023 - awaited here
        os.kill(console.pid, death)
        console.wait()
        found = operator.operations()[0]
        if place.there.locks.is_held(runner_lock(found.id)) or found.state.final:
            return await ended(operator, found.id)
        # It was killed before it had begun a process, which the next console says of it.
        await operator.reconcile()
        if not (outcome := await ended(operator, found.id)).begun_nothing:
            return outcome


def _console(place: Place, command: Sequence[str]) -> "subprocess.Popen[bytes]":
    argv = [sys.executable, "-m", "opsconsole", *command, "--yes", "--reason", "a test"]
    return subprocess.Popen(
        [*argv, "-c", str(place.config)], stdin=subprocess.DEVNULL, start_new_session=True
    )


def holders(path: Path) -> list[int]:
    """The processes that took the lock at ``path``, by /proc/locks."""
    inode = path.stat().st_ino
    with open("/proc/locks", encoding="ascii") as locks:
        lines = [line.split() for line in locks]
    return [
        int(words[4]) for words in lines if words[1] == "FLOCK" and words[5].endswith(f":{inode}")
    ]


def http_config(*servers: RecordingServer, more: str = "", action: str = QUICK) -> str:
    """A service ``web`` that restarts, degrades and recovers by HTTP."""
    instances = ", ".join(server.url for server in servers)
    return f"""
docker: []
operations: {{cooldown: 0.001ms, restart_limit: 1000}}
services:
  web:
    instances: [{instances}]
    timeout: 5s
    health: /health
    actions:
      restart: {{http: {{post: /restart, timeout: 2s}}, {action}}}
      degrade:
        http: {{post: /degrade, query: {{reason: "{{reason}}"}}}}
        for: 5s
        {action.replace(", ", chr(10) + "        ")}
        recover: {{http: {{post: /recover}}, {action}}}
{more}
"""


async def planned(operator: Operator, request: ActionRequest) -> Plan:
    """The plan for ``request``, which must not be refused."""
    plan = await operator.plan(request, None)
    assert isinstance(plan, Plan), plan
    return plan


async def performed(operator: Operator, plan: Plan, reason: str = "a test") -> Operation:
    """``plan`` confirmed and started, which must not be refused."""
    operation = await operator.perform(plan, Confirmation(plan.service, reason))
    assert isinstance(operation, Operation), operation
    return operation


async def ended(operator: Operator, operation: str) -> Operation:
    """The operation once it has its verdict, however long its steps take."""

    def found() -> Operation:
        seen = operator.operation(operation)
        assert seen is not None
        return seen

    await until(lambda: found().state.final, moves=found)
    return found()


async def restarted(operator: Operator, service: str = "web") -> Operation:
    """One restart from plan to verdict."""
    plan = await planned(operator, ActionRequest(service, ActionKind.RESTART, reason="a test"))
    return await ended(operator, (await performed(operator, plan)).id)


def refused(answer: Plan | Operation | Refusal) -> str:
    """The code of a refusal, which ``answer`` must be."""
    assert isinstance(answer, Refusal), answer
    return answer.code
