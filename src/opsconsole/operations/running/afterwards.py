"""Looking on after a good verdict: whether what was restarted dies again.

Invariant: the verdict stands, and what was seen after it is said before its summary and in a row of
its own. Looking holds no lock and changes nothing; it ends at its time, with the first death, with
the next operation on the service, or with its state.
"""

import asyncio
from collections.abc import Mapping
from typing import Final

from opsconsole.clock import Clock
from opsconsole.model.operation import Plan, Step
from opsconsole.model.state import State
from opsconsole.operations.driving.driver import Sight
from opsconsole.operations.journal.journal import Journal
from opsconsole.operations.running.verification import Own, Probes
from opsconsole.operations.state_place import StatePlace

_EVERY: Final = 1.0
_LOOKS: Final = 2
"""Looks in a row at something that is down, where no run of it names another."""


async def look_on(
    state: StatePlace,
    journal: Journal,
    operation: str,
    plan: Plan,
    own: Own,
    probes: Probes,
    clock: Clock,
) -> str:
    """Watch for ``plan.watch`` seconds. Returns what was recorded; '' where nothing died."""
    since = clock.now()
    runs = _runs(await own.look(plan.steps, since))
    down: dict[str, int] = {}
    while clock.now() - since < plan.watch:
        await clock.sleep(_EVERY)
        if not state.exists() or journal.later(operation):
            return ""
        died = _died(await _sights(own, probes, plan.steps, since), runs, down)
        if died:
            said = f"{died} died again after {clock.now() - since:.0f} s"
            journal.correct(operation, said, clock.now())
            return said
    return ""


async def _sights(
    own: Own, probes: Probes, steps: tuple[Step, ...], since: float
) -> tuple[Sight, ...]:
    seen, probed = await asyncio.gather(own.look(steps, since), probes.look())
    touched = {step.instance for step in steps}
    return (*seen, *(sight for name, sight in probed.items() if name in touched))


def _runs(sights: tuple[Sight, ...]) -> Mapping[str, str]:
    return {sight.subject: sight.run for sight in sights if sight.run}


def _died(sights: tuple[Sight, ...], runs: Mapping[str, str], down: dict[str, int]) -> str:
    """The first that runs as another run than at the verdict, or was down at looks in a row."""
    for sight in sights:
        known = runs.get(sight.subject)
        if known and sight.run and sight.run != known:
            return sight.subject
        down[sight.subject] = down.get(sight.subject, 0) + 1 if sight.state is State.DOWN else 0
        if down[sight.subject] >= (1 if known else _LOOKS):
            return sight.subject
    return ""
