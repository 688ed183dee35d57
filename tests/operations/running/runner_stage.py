"""One operation for a runner in this process: its configuration, its driver, what was done."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from opsconsole.config.loader import load
from opsconsole.model.operation import ActionKind, Operation, OperationState, Step
from opsconsole.model.state import State
from opsconsole.operations.driving.driver import Driver, Outcome, Sight, StepOutcome
from opsconsole.operations.driving.instance_probes import InstanceProbes
from opsconsole.operations.journal.records import Intent, PromiseKind
from opsconsole.operations.locks.locks import LockKind, LockName
from opsconsole.operations.own_configuration import OwnConfiguration
from opsconsole.operations.planning.declared import digest, find
from opsconsole.operations.promises import promising
from opsconsole.operations.running import runner
from opsconsole.operations.state_place import FolderPlace
from tests.operations.journal.samples import intent, op

S = OperationState
ONE = op("one")
A, B = Step("restart a", "command", "a"), Step("restart b", "command", "b")
WELL = (Sight("unit", State.OK, run="r"),)
ILL = (Sight("unit", State.DOWN),)

CONFIG = """
docker: []
alertmanager: [{name: main, url: 'http://127.0.0.1:1'}]
services:
  web:
    actions:
      restart: {command: ['true'], min_healthy: 1s, deadline: 20s}
      degrade: {command: ['true'], min_healthy: 1s, deadline: 20s}
      backup: {command: ['true'], min_healthy: 1s, deadline: 20s}
"""
_ROLLBACK = "      rollback: {command: ['true'], min_healthy: 1s, deadline: 20s}\n"


class StepClock:
    """Moves by what is slept and by a tenth of a second with each look at it."""

    at = 2000.0

    def now(self) -> float:
        StepClock.at += 0.1
        return StepClock.at

    def wall(self) -> float:
        return StepClock.at

    async def sleep(self, seconds: float) -> None:
        StepClock.at += seconds


@dataclass
class Scripted(Driver):
    """Does as it is told, and keeps what it was asked."""

    seen: Mapping[str, str] = field(default_factory=lambda: {"web-1 id": "abc"})
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    sights: tuple[Sight, ...] = WELL
    trouble: dict[str, Exception] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    concludes: bool = False

    def _note(self, what: str) -> None:
        self.asked.append(what)
        if what in self.trouble:
            raise self.trouble[what]

    async def observe(self) -> Mapping[str, str]:
        self._note("observe")
        return self.seen

    def steps(self, facts: Mapping[str, str]) -> tuple[Step, ...]:
        return ()

    async def execute(self, step: Step) -> StepOutcome:
        self._note(f"make {step.target}")
        return StepOutcome(self.outcomes.get(step.target, Outcome.DONE), "as told")

    async def reconcile(self, step: Step, before: Mapping[str, str]) -> StepOutcome:
        self._note(f"look up {step.target}")
        return StepOutcome(self.outcomes.get(step.target, Outcome.DONE), "as found")

    async def look(self, steps: tuple[Step, ...], since: float) -> tuple[Sight, ...]:
        return self.sights

    async def conclude(self, steps: tuple[Step, ...], verdict: OperationState) -> StepOutcome:
        self._note(f"conclude {verdict}")
        return StepOutcome(Outcome.DONE, "put back")

    def undo(self) -> str:
        return ""

    async def close(self) -> None:
        self.asked.append("close")


@dataclass
class Stage:
    """One operation, confirmed under a configuration in a folder of its own."""

    folder: Path
    monkeypatch: pytest.MonkeyPatch
    driver: Scripted = field(default_factory=Scripted)
    rolls_back: bool = False
    keepers: int = 0
    released: int = 0
    looked_on: list[tuple[str, float]] = field(default_factory=list)
    made_of: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    probed: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.config = self.folder / "opsconsole.yaml"
        self.configure(CONFIG + (_ROLLBACK if self.rolls_back else ""))
        self.place = FolderPlace(self.folder / "state")
        self.own = OwnConfiguration(str(self.config), str(self.folder))
        self.journal = self.place.journal()
        probes = InstanceProbes

        def make_driver(*given: Any) -> Driver:
            self.made_of.append((given[2].reason, tuple(each.plan.id for each in given[6])))
            return self.driver

        def probes_of(settings: Any, service: str, *more: Any) -> Any:
            self.probed.append(service)
            return probes(settings, service, *more)

        def start_keeper(*_: object) -> bool:
            self.keepers += 1
            return True

        async def look_on(*given: Any) -> str:
            self.looked_on.append((given[2], given[3].watch))
            if "look on" in self.driver.trouble:
                raise self.driver.trouble["look on"]
            return ""

        self.monkeypatch.setattr(runner, "make_driver", make_driver)
        self.monkeypatch.setattr(runner, "InstanceProbes", probes_of)
        self.monkeypatch.setattr(runner, "SystemClock", StepClock)
        self.monkeypatch.setattr(runner, "look_on", look_on)
        self.monkeypatch.setattr(promising, "start_keeper", start_keeper)

    def configure(self, text: str) -> None:
        self.config.write_text(text)
        self.config.chmod(0o600)

    def confirm(
        self, kind: ActionKind = ActionKind.RESTART, name: str = "one", **plan: Any
    ) -> Intent:
        """Record what was confirmed, and let this user's processes carry it out."""
        given = intent(name, kind)
        settings = load(self.config)
        found = find(settings, "web", kind, "")
        given = replace(
            given,
            declaration="" if found is None else digest(settings, found),
            config_path=str(self.config),
            base=str(self.folder),
            plan=replace(
                given.plan,
                environment=settings.environment.name,
                **{"steps": (A, B), "parameters": {}, "ends_at": None, **plan},
            ),
        )
        self.journal.submit(given, 1.0)
        self.place.mandates.give(given)
        return given

    def run(self, *, fresh: bool = True) -> int:
        held = self.place.locks.take(LockName(LockKind.RUNNER, "held"))
        assert held is not None
        try:
            return runner.run(self.place, self.own, ONE, fresh=fresh, held=(held,))
        finally:
            self.released += held.descriptor < 0
            held.release()

    @property
    def operation(self) -> Operation:
        found = self.journal.operation(ONE)
        assert found is not None
        return found

    @property
    def ended(self) -> tuple[OperationState, str]:
        """The verdict and its summary."""
        return self.operation.state, self.operation.summary

    def promised(self) -> set[PromiseKind]:
        mandate = self.place.mandates.get(ONE)
        return set() if mandate is None else {each.kind for each in mandate.promises}

    def was_killed(self, *steps: str) -> None:
        """A runner before this one was killed, with its steps in these states."""
        self.journal.advance(ONE, S.DISPATCHED, 2.0)
        for ordinal, state in enumerate(steps):
            if state != "waiting":
                self.journal.step_begins(ONE, ordinal, 3.0, {})
            if state not in {"waiting", "running"}:
                self.journal.step_ends(ONE, ordinal, state, 4.0, f"was {state}")
