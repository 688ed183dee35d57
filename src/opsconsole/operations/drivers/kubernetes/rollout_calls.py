"""Pausing the rollout of a Deployment, and letting it go on: what a call of a service can do.

Invariant: the outcome is what was seen, not that the patch was taken: paused when the controller
has seen it, resumed when the rollout has come to its end, or has failed.
"""

from collections.abc import Mapping
from typing import ClassVar, Final

from opsconsole.model.operation import Step
from opsconsole.model.state import State
from opsconsole.operations.drivers.kubernetes import fields, patches
from opsconsole.operations.drivers.kubernetes.calls import WorkloadChange
from opsconsole.operations.drivers.kubernetes.fields import JsonObject
from opsconsole.operations.drivers.kubernetes.rollout import is_observed, is_of
from opsconsole.operations.drivers.kubernetes.undoers import Part
from opsconsole.operations.drivers.kubernetes.workload_driver import WorkloadDriver
from opsconsole.operations.drivers.kubernetes.workloads import Kind
from opsconsole.operations.drivers.settling import settle
from opsconsole.operations.driving.driver import (
    ObserveError,
    Outcome,
    StepOutcome,
)

LOST_FOR: Final = 5.0
"""Seconds for which a rollout that will not get done is seen before it has failed."""


class KubernetesPause(WorkloadDriver):
    """``do: pause``."""

    part: ClassVar[Part] = Part.DECLARED
    _pause: ClassVar[bool] = True

    def refuse(self) -> None:
        """Raise ObserveError where nothing can be paused, or it is so already."""
        if self.ref.kind is not Kind.DEPLOYMENT:
            raise ObserveError(
                f"{self.ref.said} has no rollout that could be paused",
                remedy="of a StatefulSet, set spec.updateStrategy.rollingUpdate.partition",
                code="not-supported",
            )
        if fields.truth(self.read, "spec", "paused") is self._pause:
            so = "paused already" if self._pause else "not paused"
            raise ObserveError(
                f"the rollout of {self.ref.said} is {so}",
                remedy="there is nothing to do",
                code="nothing-to-do",
            )

    def change(self) -> WorkloadChange:
        """On what was read."""
        do = "pause" if self._pause else "resume"
        return WorkloadChange(do, self.pin(paused=not self._pause), self.mark)

    async def patch(self, read: JsonObject, call: WorkloadChange) -> patches.Patch:
        """Whether it is paused."""
        return patches.paused(read, call.mark, pause=call.do == "pause")

    def steps(self, facts: Mapping[str, str]) -> tuple[Step, ...]:
        """The one patch."""
        return (self.step(f"pause the rollout of {self.ref.said}"),)

    async def execute(self, step: Step) -> StepOutcome:
        """Patch it once, and see what comes of it."""
        sent = await super().execute(step)
        return sent if sent.outcome is not Outcome.DONE else await self.seen()

    async def reconcile(self, step: Step, before: Mapping[str, str]) -> StepOutcome:
        """Whether the change is there, and what came of it."""
        found = await super().reconcile(step, before)
        return found if found.outcome is not Outcome.DONE else await self.seen()

    async def seen(self) -> StepOutcome:
        """Paused, as its controller has seen it."""

        async def look() -> StepOutcome | str:
            read = await self.now()
            if not fields.truth(read, "spec", "paused"):
                return StepOutcome(Outcome.FAILED, "somebody has resumed it meanwhile")
            if not is_observed(read):
                return "its controller has not seen it yet"
            return StepOutcome(Outcome.DONE, "its rollout is paused, and its controller knows")

        return await settle(look, self.context.clock)

    def undo(self) -> str:
        """By letting it go on."""
        return "resume its rollout: a call with do: resume"


class KubernetesResume(KubernetesPause):
    """``do: resume``."""

    _pause: ClassVar[bool] = False

    def steps(self, facts: Mapping[str, str]) -> tuple[Step, ...]:
        """The one patch."""
        return (self.step(f"let the rollout of {self.ref.said} go on, to its end"),)

    async def seen(self) -> StepOutcome:
        """The end of the rollout, within the action's deadline."""
        return await end_of_rollout(self)

    def undo(self) -> str:
        """What was rolled out meanwhile stays."""
        return "pause it again: a call with do: pause; what was replaced meanwhile stays"


async def end_of_rollout(driver: WorkloadDriver) -> StepOutcome:
    """How the rollout of a workload ends, within its action's deadline."""

    async def look() -> StepOutcome | str:
        found, pods, current = await driver.progress()
        lost = next((each for each in pods if each.lost and is_of(each, current)), None)
        if found.done and all(each.state is State.OK for each in pods):
            return StepOutcome(Outcome.DONE, found.said)
        if found.lost:
            return StepOutcome(Outcome.FAILED, found.said)
        if lost is not None:
            return StepOutcome(Outcome.FAILED, f"{lost.name}: {lost.detail}")
        return found.said

    action = driver.context.action
    return await settle(
        look,
        driver.context.clock,
        within=action.deadline,
        steady=action.min_healthy,
        quiet=LOST_FOR,
    )
