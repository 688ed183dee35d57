"""Another number of copies of a workload: for good, or for as long as it is degraded.

Invariant: how many there were stands in the plan, and that many are put back. What runs on every
node has no number.
"""

from collections.abc import Mapping
from typing import ClassVar

from opsconsole.model.operation import ActionKind, Step
from opsconsole.operations.drivers.kubernetes import fields, patches
from opsconsole.operations.drivers.kubernetes.calls import WorkloadChange
from opsconsole.operations.drivers.kubernetes.fields import JsonObject
from opsconsole.operations.drivers.kubernetes.undoers import Part
from opsconsole.operations.drivers.kubernetes.workload_driver import WorkloadDriver
from opsconsole.operations.drivers.kubernetes.workloads import Kind, wanted
from opsconsole.operations.drivers.recovering import degraded_steps
from opsconsole.operations.driving.driver import ObserveError


class KubernetesScale(WorkloadDriver):
    """The number that is asked for (scale), declared (degrade), or was there before (recover)."""

    part: ClassVar[Part] = Part.COPIES
    replaces: ClassVar[bool] = False

    def refuse(self) -> None:
        """Raise ObserveError where it has no number, or none is declared."""
        if self.ref.kind is Kind.DAEMON_SET:
            raise ObserveError(
                f"{self.ref.said} runs on every node and has no number of copies",
                remedy="scale a Deployment or a StatefulSet",
                code="not-supported",
            )
        if self.context.kind is ActionKind.DEGRADE and self.target.replicas is None:
            raise ObserveError(
                "the action does not say how many copies run meanwhile",
                remedy="declare replicas beside its workload, or config_map with what to set",
            )

    async def more_facts(self) -> Mapping[str, str]:
        """How many are wanted."""
        return {"replicas": str(wanted(self.read))}

    def change(self) -> WorkloadChange:
        """To the number."""
        return WorkloadChange(
            "scale", self.pin(replicas=wanted(self.read)), self.mark, to=self._to()
        )

    async def patch(self, read: JsonObject, call: WorkloadChange) -> patches.Patch:
        """The number."""
        return patches.scaled(read, call.to, call.mark)

    def steps(self, facts: Mapping[str, str]) -> tuple[Step, ...]:
        """The one patch."""
        return (self.step(f"scale {self.ref.said} from {facts['replicas']} to {self._to()}"),)

    def own_warnings(self) -> tuple[str, ...]:
        """Whether nothing is left, and whether somebody has scaled since it was degraded."""
        warnings = []
        if self._to() == 0:
            warnings.append("no copy is left: it is away until it is scaled up again")
        if fields.truth(self.read, "spec", "paused"):
            warnings.append("its rollout is paused: copies come and go, and none is updated")
        if self.context.kind is ActionKind.RECOVER:
            made, there = self._degraded().to, wanted(self.read)
            if there != made:
                warnings.append(
                    f"somebody has scaled it since: {there} are wanted, it was degraded to {made}"
                )
        return tuple(warnings)

    def undo(self) -> str:
        """By scaling back."""
        return f"scale back to {wanted(self.read)}"

    def _to(self) -> int:
        if self.context.kind is ActionKind.DEGRADE:
            return self.target.replicas or 0
        if self.context.kind is ActionKind.RECOVER:
            before = self._degraded().pin.replicas
            return before if before is not None else wanted(self.read)
        return int(self.context.request.parameters.get("to", "0"))

    def _degraded(self) -> WorkloadChange:
        (step, *_) = degraded_steps(self.context, "kubernetes")
        return WorkloadChange.of(step)
