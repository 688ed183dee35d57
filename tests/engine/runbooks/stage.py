"""A desk of runbooks on a folder of its own, with looks that are told what they see."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from opsconsole.config.settings import Settings
from opsconsole.engine.runbooks.checks import Checks, Look
from opsconsole.engine.runbooks.desk import RunbookDesk
from opsconsole.model.events import Event
from opsconsole.model.operation import Refusal
from opsconsole.model.runbooks.runbook import Check
from opsconsole.model.runbooks.runs import (
    RunbookAnswer,
    RunbookRequest,
    RunbookRun,
    RunbookVerb,
    StepRun,
)
from tests.fakes import FakeClock

ALL_KINDS = """\
title: recover {service}
services: [shop]
steps:
  - {id: read, text: look first}
  - {id: ok, check: state == ok}
  - {id: again, operation: restart}
  - {id: more, operation: backup, optional: true}
  - {id: watch, wait: {for: 60s, while: state == ok, every: 10s}}
  - {id: list, check: {command: {argv: [ls], read: true}}, on_failure: continue}
  - {id: fine, question: {ask: fine?, expect: "yes"}}
"""


class Looks:
    """Answers each look by ``see``, at the time that it is; counts them."""

    def __init__(self, clock: FakeClock) -> None:
        self.see: Callable[[float], bool | None] = lambda _at: True
        self.at: list[float] = []
        self._clock = clock

    async def look(self, check: Check, service: str) -> Look:
        del check, service
        now = self._clock.now()
        self.at.append(now)
        return Look(self.see(now), "as it was told")

    async def close(self) -> None:
        """Nothing is held."""


class Stage:
    """Consoles that share a state folder and a clock; ``restart`` ends one and opens another."""

    def __init__(self, folder: Path, clock: FakeClock, text: str = ALL_KINDS) -> None:
        self.folder = folder
        self.clock = clock
        self.looks = Looks(clock)
        self.events: list[Event] = []
        place = folder / "runbooks"
        place.mkdir(exist_ok=True)
        (place / "recover.yaml").write_text(text)
        (place / "recover.yaml").chmod(0o600)
        self.settings = Settings.model_validate(
            {
                "docker": [],
                "state_dir": str(folder / "state"),
                "services": {
                    "shop": {
                        "instances": ["http://127.0.0.1:1"],
                        "actions": {"restart": {"systemd": "s"}, "backup": {"files": ["a"]}},
                    }
                },
            }
        )
        self.desk = self.open()

    def open(self, *, read_only: bool = False) -> RunbookDesk:
        """One more console."""
        return RunbookDesk(
            self.settings, self.folder, self.clock, cast(Checks, self.looks),
            read_only=read_only, add_event=self.events.append,
        )  # fmt: skip

    async def restart(self) -> None:
        """End the console and open another."""
        await self.desk.close()
        self.desk = self.open()
        await self.desk.poll(())

    async def do(
        self, step: str, answer: str = "", verb: RunbookVerb = RunbookVerb.RUN, **more: Any
    ) -> RunbookAnswer | Refusal:
        """Ask the console for one thing."""
        return await self.desk.do(RunbookRequest("recover", "shop", verb, step, answer, **more))

    async def done(self, step: str, answer: str = "", **more: Any) -> StepRun:
        """Run a step to its end."""
        found = await self.do(step, answer, **more)
        assert isinstance(found, RunbookAnswer), found
        return await self.settled(step)

    async def settled(self, step: str, every: float = 10.0) -> StepRun:
        """A step when it is over; the clock goes on as long as it takes."""
        for _ in range(2000):
            run = self.run
            at = run.step(step)
            if at is not None and at.ended_at is not None:
                return at
            await self.rest()
            self.clock.move(every if self.clock.sleeping else 0.0)
        raise AssertionError(f"{step} does not end: {self.run}")

    async def rest(self, tries: int = 400) -> None:
        """Until what goes on waits for the clock, or is over."""
        for _ in range(tries):
            await asyncio.sleep(0.002)
            run = self.run
            at = run.next
            if self.clock.sleeping or at is None or at.started_at is None or at.ended_at:
                return

    @property
    def run(self) -> RunbookRun:
        """The newest run."""
        return max(self.desk.runs, key=lambda each: each.began_at)

    @property
    def titles(self) -> list[str]:
        """Of the runbooks that can be run."""
        return [view.title for view in self.desk.views]
