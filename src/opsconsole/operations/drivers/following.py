"""A change whose effect comes with the restart that follows it.

Invariant: what follows is the restart that the service declares, made by its own driver, in the
same plan: its steps are shown, its facts pin the plan, and what it sees decides the verdict.
"""

from collections.abc import Mapping
from dataclasses import replace

from opsconsole.model.operation import ActionKind, Step
from opsconsole.operations.planning import registry
from opsconsole.operations.planning.driver import (
    Driver,
    DriverContext,
    ObserveError,
    Sight,
    StepOutcome,
)

_PREFIX = "restart: "


class Following:
    """The declared restart of ``context.service``; without one wanted, nothing at all."""

    def __init__(self, context: DriverContext, *, wanted: bool) -> None:
        self._context = context
        self.wanted = wanted
        self._driver: Driver | None = None

    async def observe(self) -> dict[str, str]:
        """The facts of the restart. Raises ObserveError, also when none is declared."""
        driver = self._restart()
        if driver is None:
            return {}
        return {f"{_PREFIX}{fact}": value for fact, value in (await driver.observe()).items()}

    def steps(self, facts: Mapping[str, str]) -> tuple[Step, ...]:
        """The steps of the restart, marked so that ``owns`` knows them."""
        driver = self._restart()
        if driver is None:
            return ()
        own = {key.removeprefix(_PREFIX): value for key, value in facts.items()}
        return tuple(
            replace(step, call={**step.call, "follows": True}) for step in driver.steps(own)
        )

    def owns(self, step: Step) -> bool:
        """Whether ``step`` is one of the restart's."""
        return bool(step.call.get("follows"))

    async def before(self, step: Step) -> Mapping[str, str]:
        """As the restart's driver says."""
        return await self._its().before(step)

    async def execute(self, step: Step) -> StepOutcome:
        """As the restart's driver does."""
        return await self._its().execute(step)

    async def reconcile(self, step: Step, before: Mapping[str, str]) -> StepOutcome:
        """As the restart's driver finds."""
        return await self._its().reconcile(step, before)

    async def look(self, steps: tuple[Step, ...], since: float) -> tuple[Sight, ...]:
        """What the restart's driver sees of its own ``steps``."""
        own = tuple(step for step in steps if self.owns(step))
        return await self._its().look(own, since) if own else ()

    async def close(self) -> None:
        """Close what the restart opened; idempotent."""
        if self._driver is not None:
            await self._driver.close()

    def _its(self) -> Driver:
        driver = self._restart()
        if driver is None:
            raise ValueError("nothing follows here")
        return driver

    def _restart(self) -> Driver | None:
        if not self.wanted or self._driver is not None:
            return self._driver
        context = self._context
        action = context.settings.services[context.service].actions.restart
        if action is None or not registry.can(action, ActionKind.RESTART):
            raise ObserveError(
                f"a restart is to follow, and {context.service} declares none that can be made",
                remedy="declare actions.restart, or say then: nothing",
            )
        self._driver = registry.make(replace(context, action=action, kind=ActionKind.RESTART))
        return self._driver
