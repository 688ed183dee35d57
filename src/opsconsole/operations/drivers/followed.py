"""A driver that makes one change of its own, followed by the restart that gives it effect.

Invariant: a step is either the own one or one of the restart's, never both; the verdict needs
both to be seen. A driver of this kind says what its own step is, makes it, and looks at it.
"""

from abc import abstractmethod
from collections.abc import Mapping

from opsconsole.model.operation import Step
from opsconsole.model.state import State
from opsconsole.operations.drivers.following import Following
from opsconsole.operations.planning.driver import (
    Driver,
    DriverContext,
    ObserveError,
    Outcome,
    Sight,
    StepOutcome,
)


class FollowedChange(Driver):
    """One change, then the declared restart when ``restart`` is wanted."""

    def __init__(self, context: DriverContext, *, restart: bool) -> None:
        self._context = context
        self._following = Following(context, wanted=restart)

    async def observe(self) -> Mapping[str, str]:
        """The facts of the change, then those of the restart. Raises ObserveError."""
        return {**await self._facts(), **await self._following.observe()}

    def steps(self, facts: Mapping[str, str]) -> tuple[Step, ...]:
        """The change, then the steps of the restart."""
        after = self._following.steps(facts)
        return (self._step(leads_to_next=bool(after)), *after)

    async def before(self, step: Step) -> Mapping[str, str]:
        """What ``reconcile`` will need to know."""
        if self._following.owns(step):
            return await self._following.before(step)
        return await self._found()

    async def execute(self, step: Step) -> StepOutcome:
        """Make the change, or the restart's call, once."""
        if self._following.owns(step):
            return await self._following.execute(step)
        return await self._change(step)

    async def reconcile(self, step: Step, before: Mapping[str, str]) -> StepOutcome:
        """Whether the change is there, by looking."""
        if self._following.owns(step):
            return await self._following.reconcile(step, before)
        sight = await self._look_at(step)
        outcomes = {State.OK: Outcome.DONE, State.UNKNOWN: Outcome.UNKNOWN}
        return StepOutcome(outcomes.get(sight.state, Outcome.FAILED), sight.detail)

    async def look(self, steps: tuple[Step, ...], since: float) -> tuple[Sight, ...]:
        """The change, and what the restart sees."""
        own = [await self._look_at(step) for step in steps if not self._following.owns(step)]
        return (*own, *await self._following.look(steps, since))

    async def close(self) -> None:
        """Close what the restart opened."""
        await self._following.close()

    async def _look_at(self, step: Step) -> Sight:
        try:
            return await self._sight(step)
        except ObserveError as error:
            return Sight(step.target, State.UNKNOWN, str(error))

    @abstractmethod
    async def _facts(self) -> dict[str, str]:
        """What pins the change."""

    @abstractmethod
    def _step(self, *, leads_to_next: bool) -> Step:
        """The change as a step; its target is the place that it changes."""

    @abstractmethod
    async def _found(self) -> Mapping[str, str]:
        """What is there just before the change."""

    @abstractmethod
    async def _change(self, step: Step) -> StepOutcome:
        """Make the change, once."""

    @abstractmethod
    async def _sight(self, step: Step) -> Sight:
        """Look at the place: OK when the change is there. Raises ObserveError."""
