"""A cluster that is stood in for, and drivers that act on it."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from opsconsole.config.actions import Action
from opsconsole.config.settings import Settings
from opsconsole.machines.machines import Machines
from opsconsole.model.operation import ActionKind, ActionRequest
from opsconsole.operations.drivers import registry
from opsconsole.operations.driving.driver import Driver, DriverContext
from opsconsole.operations.journal.records import Past
from opsconsole.threads import BoundedExecutor
from tests.operations.drivers.kubernetes.made import NAMESPACE
from tests.operations.drivers.kubernetes.stand_in import StandIn, serving


@dataclass
class Sleeper:
    """A clock that moves by what is slept."""

    at: float = 1_700_000_000.0

    def now(self) -> float:
        return self.at

    def wall(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += seconds
        await asyncio.sleep(0)


@dataclass
class Bench:
    """Makes drivers for the cluster that is stood in for."""

    folder: Path
    server: StandIn
    threads: BoundedExecutor
    machines: Machines = field(default_factory=Machines)
    clock: Sleeper = field(default_factory=Sleeper)
    made: list[Driver] = field(default_factory=list)

    def driver(
        self, kind: ActionKind, target: Any, *past: Past, asked: Mapping[str, str] | None = None
    ) -> Driver:
        """What carries out ``kind`` at ``target``; ``asked`` are the request's parameters."""
        times = {"min_healthy": 0.5, "deadline": 60.0}
        action = Action.model_validate({"kubernetes": target, **times})
        actions = {"degrade": {"kubernetes": target}} if kind is ActionKind.DEGRADE else {}
        settings = Settings.model_validate(
            {
                "docker": [],
                "kubernetes": {"kubeconfig": "kubeconfig", "namespaces": NAMESPACE},
                "services": {"web": {"actions": actions}},
            }
        )
        request = ActionRequest("web", kind, parameters=asked or {})
        context = DriverContext(
            "web", kind, action, settings, self.folder, self.machines, self.threads, request,
            past, self.clock,
        )  # fmt: skip
        self.made.append(registry.make(context))
        return self.made[-1]

    async def close(self) -> None:
        for each in self.made:
            await each.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[StandIn]:
    """An API server that is stood in for."""
    stand_in = StandIn()
    with serving(stand_in, tmp_path / "kubeconfig"):
        yield stand_in


@pytest.fixture
async def bench(server: StandIn, tmp_path: Path) -> Any:
    """Makes drivers for it; they are closed with the test."""
    threads = BoundedExecutor("test", 2)
    made = Bench(tmp_path, server, threads)
    yield made
    await made.close()
    made.machines.close()
    threads.close()
