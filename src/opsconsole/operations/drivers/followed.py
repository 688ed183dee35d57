"""A change and, in the same plan, what makes it take effect: a restart or a reload.

Invariant: each step belongs to one of the two, by its mark; what follows is made by its own
driver, its facts pin the plan, and the verdict needs both to be seen.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from opsconsole.model.operation import ActionKind, OperationState, Step
from opsconsole.operations.driving.driver import (
    Driver,
    DriverContext,
    ObserveError,
    Outcome,
    Sight,
    StepOutcome,
)

_PREFIX: Final = "restart: "


class Followed(Driver):
    """``first``, then ``second``."""

    def __init__(self, first: Driver, second: Driver) -> None:
        self._first = first
        self._second = second
        self.concludes = first.concludes or second.concludes

    async def observe(self) -> Mapping[str, str]:
        """The facts of both."""
        facts = await self._first.observe()
        after = await self._second.observe()
        return {**facts, **{f"{_PREFIX}{fact}": value for fact, value in after.items()}}

    def steps(self, facts: Mapping[str, str]) -> tuple[Step, ...]:
        """The steps of the first, then those of the second, marked."""
        after = {key.removeprefix(_PREFIX): value for key, value in facts.items()}
        second = (replace(step, follows=True) for step in self._second.steps(after))
        return (*self._first.steps(facts), *second)

    def goals(self, facts: Mapping[str, str]) -> Mapping[str, str]:
        """Those of the first: what follows changes no version."""
        return self._first.goals(facts)

    def warnings(self) -> tuple[str, ...]:
        """Those of both."""
        return (*self._first.warnings(), *self._second.warnings())

    def differences(self) -> tuple[str, ...]:
        """Those of both."""
        return (*self._first.differences(), *self._second.differences())

    async def before(self, step: Step) -> Mapping[str, str]:
        """As the driver of the step says."""
        return await self._of(step).before(step)

    async def execute(self, step: Step) -> StepOutcome:
        """As the driver of the step does."""
        return await self._of(step).execute(step)

    async def reconcile(self, step: Step, before: Mapping[str, str]) -> StepOutcome:
        """As the driver of the step finds."""
        return await self._of(step).reconcile(step, before)

    async def look(self, steps: tuple[Step, ...], since: float) -> tuple[Sight, ...]:
        """What each sees of its own steps."""
        seen = [await driver.look(own, since) for driver, own in self._shares(steps)]
        return tuple(sight for sights in seen for sight in sights)

    def undo(self) -> str:
        """As the first says."""
        return self._first.undo()

    async def conclude(self, steps: tuple[Step, ...], verdict: OperationState) -> StepOutcome:
        """What each has to do, all of it reported; the first that is not DONE decides."""
        ended = [
            await driver.conclude(own, verdict)
            for driver, own in self._shares(steps)
            if driver.concludes
        ]
        outcomes = (each.outcome for each in ended if each.outcome is not Outcome.DONE)
        details = "; ".join(each.detail for each in ended if each.detail)
        evidence = tuple(line for each in ended for line in each.evidence)
        return StepOutcome(next(outcomes, Outcome.DONE), details, evidence)

    async def close(self) -> None:
        """Close both."""
        await self._first.close()
        await self._second.close()

    def _of(self, step: Step) -> Driver:
        return self._second if step.follows else self._first

    def _shares(self, steps: tuple[Step, ...]) -> list[tuple[Driver, tuple[Step, ...]]]:
        """Each driver with its own of ``steps``, where it has any."""
        own = tuple(step for step in steps if not step.follows)
        after = tuple(step for step in steps if step.follows)
        pairs = [(self._first, own), (self._second, after)]
        return [(driver, its) for driver, its in pairs if its]


def restart_after(context: DriverContext) -> DriverContext:
    """What a driver is made from that makes the restart which the service declares.

    Raises ObserveError when it declares none.
    """
    action = context.settings.services[context.service].actions.restart
    if action is None:
        raise ObserveError(
            f"a restart is to follow, and {context.service} declares none",
            remedy="declare actions.restart, or say then: nothing",
        )
    return replace(context, action=action, kind=ActionKind.RESTART)
