"""Operations at a real host in this process, of which a test can cut the line at any message."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from opsconsole.clock import SystemClock
from opsconsole.config.loader import load
from opsconsole.machines.machines import Machines
from opsconsole.machines.ssh.line import Line
from opsconsole.model.operation import ActionKind, ActionRequest, Plan
from opsconsole.operations.driving.instance_probes import InstanceProbes
from opsconsole.operations.journal.records import Intent
from opsconsole.operations.planning.declared import find
from opsconsole.operations.planning.planner import make_driver
from opsconsole.operations.running import runner
from opsconsole.operations.running.execution import NOT_OF_HEALTH, Execution
from opsconsole.operations.running.verification import Verdict, Verifier
from opsconsole.threads import BoundedExecutor
from tests.operations.journal.memory_journal import MemoryJournal, MemoryStore
from tests.operations.journal.samples import intent
from tests.servers.hosts import Host

Cut = Callable[[Line], None]


@dataclass
class Messages:
    """Counts what is sent to the host, and cuts at the one that is chosen: before it, or after."""

    monkeypatch: pytest.MonkeyPatch
    chosen: int = -1
    cut: Cut | None = None
    after: bool = False
    sent: int = 0

    def __post_init__(self) -> None:
        plain = Line._send

        def send(line: Line, data: bytes, ends: float) -> None:
            if line.far_end is None:  # it is being logged in
                return plain(line, data, ends)
            self.sent += 1
            now = self.sent == self.chosen
            if now and not self.after and self.cut is not None:
                self.cut(line)
            plain(line, data, ends)
            if now and self.after and self.cut is not None:
                self.cut(line)
            return None

        self.monkeypatch.setattr(Line, "_send", send)


@dataclass
class Site:
    """A configuration of one host, and the operations at it."""

    host: Host
    folder: Path
    messages: Messages
    machines: Machines = field(default_factory=Machines)
    kill: Callable[[], None] = lambda: None
    threads: BoundedExecutor = field(default_factory=lambda: BoundedExecutor("site", 4))

    @property
    def store(self) -> Path:
        """Where its backups are."""
        return self.folder / "state/backups/web"

    def write(self, actions: Mapping[str, Any]) -> Path:
        path = self.folder / "opsconsole.yaml"
        service = {"host": self.host.name, "health": None, "actions": actions}
        document = {
            "docker": [],
            "host": {"enabled": False},
            "hosts": {self.host.name: {"ssh_config": str(self.host.ssh_config)}},
            "state_dir": str(self.folder / "state"),
            "services": {"web": service},
        }
        path.write_text(yaml.safe_dump(document))
        path.chmod(0o600)
        return path

    @asynccontextmanager
    async def execution(
        self,
        path: Path,
        kind: ActionKind,
        name: str,
        operation: str,
        journal: MemoryJournal,
        given: Intent | None = None,
    ) -> AsyncIterator[tuple[Execution, Intent]]:
        """A runner's, with lines of its own; it plans what is not ``given``."""
        settings = load(path)
        found = find(settings, "web", kind, name)
        assert found is not None
        machines = self.machines = Machines(operation)
        clock = SystemClock()
        request = ActionRequest("web", kind, name, "a test")
        driver = make_driver(
            settings, found, request, self.folder, machines, self.threads, (), operation
        )
        watched = "" if kind in NOT_OF_HEALTH else "web"
        probes = InstanceProbes(settings, watched, self.folder)
        action = found.action
        try:
            if given is None:
                facts = await driver.observe()
                given = replace(intent("one", kind), operation=operation)
                plan: Plan = replace(
                    given.plan,
                    name=name,
                    steps=driver.steps(facts),
                    fingerprint=facts,
                    parameters={},
                )
                given = replace(given, plan=plan)
            verifier = Verifier(driver, probes, clock, kind, 0.1, action.deadline)
            yield Execution(operation, given.plan, driver, verifier, journal, clock), given
        finally:
            await driver.close()
            await probes.close()
            machines.close()

    async def performs(
        self, actions: Mapping[str, Any], kind: ActionKind, name: str = "", *, at: int = -1
    ) -> Verdict:
        """Carry it out, cutting as ``messages`` says at the ``at``-th message after planning.

        Where its runner was killed meanwhile, by ``kill``, another one takes the operation up.
        """
        path, journal = self.write(actions), MemoryJournal(MemoryStore())
        operation = secrets.token_hex(8)
        async with self.execution(path, kind, name, operation, journal) as (execution, given):
            journal.submit(given, 1.0)
            self.messages.sent, self.messages.chosen = 0, at
            loop, running = asyncio.get_running_loop(), asyncio.ensure_future(execution.run())

            def killed() -> None:
                self.machines.close()
                loop.call_soon_threadsafe(running.cancel)

            self.kill = killed
            try:
                return await running
            except asyncio.CancelledError:
                confirmed = given
            finally:
                self.messages.chosen = -1
        async with self.execution(path, kind, name, operation, journal, confirmed) as (
            execution,
            _,
        ):
            return await runner._take_up(execution, "its runner was killed")
