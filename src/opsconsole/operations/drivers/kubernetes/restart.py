"""Restarting a workload: its pods are replaced by its own rules, as by ``kubectl rollout restart``.

Invariant: what would not be replaced is refused before anything is planned: the pods of a paused
rollout, and of what replaces its pods only when somebody deletes them.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import ClassVar

from opsconsole.model.operation import Step
from opsconsole.operations.drivers.kubernetes import fields, patches
from opsconsole.operations.drivers.kubernetes.calls import WorkloadChange
from opsconsole.operations.drivers.kubernetes.fields import JsonObject
from opsconsole.operations.drivers.kubernetes.undoers import Part
from opsconsole.operations.drivers.kubernetes.workload_driver import WorkloadDriver
from opsconsole.operations.drivers.kubernetes.workloads import (
    Kind,
    only_on_delete,
    partition,
    wanted,
)
from opsconsole.operations.driving.driver import NOT_UNDONE, ObserveError


class KubernetesRestart(WorkloadDriver):
    """The annotation that says when its pods were restarted."""

    part: ClassVar[Part] = Part.RUN

    def refuse(self) -> None:
        """Raise ObserveError where its pods would not be replaced."""
        refuse_standing(self.ref.said, self.read)

    def change(self) -> WorkloadChange:
        """Now, on what was read."""
        return WorkloadChange("restart", self.pin(paused=False), self.mark)

    async def patch(self, read: JsonObject, call: WorkloadChange) -> patches.Patch:
        """The time of the call itself."""
        at = datetime.fromtimestamp(self.context.clock.wall(), UTC)
        return patches.restarted(read, at.isoformat(timespec="seconds"), call.mark)

    def steps(self, facts: Mapping[str, str]) -> tuple[Step, ...]:
        """The one patch."""
        return (self.step(f"restart {self.ref.said} ({_copies(self.ref.kind, self.read)})"),)

    def own_warnings(self) -> tuple[str, ...]:
        """Whether nothing serves meanwhile."""
        return away_meanwhile(self.ref.kind, self.read)

    def undo(self) -> str:
        """It is not."""
        return NOT_UNDONE


def refuse_standing(said: str, read: JsonObject) -> None:
    """Raise ObserveError where a new template would replace no pod. Pure."""
    if fields.truth(read, "spec", "paused"):
        raise ObserveError(
            f"the rollout of {said} is paused, so its pods would not be replaced",
            remedy="resume it first",
            code="paused",
        )
    if only_on_delete(read):
        raise ObserveError(
            f"{said} replaces a pod only when somebody deletes it (OnDelete)",
            remedy="set its updateStrategy to RollingUpdate, or delete its pods one by one",
            code="on-delete",
        )


def away_meanwhile(kind: Kind, read: JsonObject) -> tuple[str, ...]:
    """What of a rollout leaves fewer copies than are wanted, or none. Pure."""
    if kind is Kind.DEPLOYMENT:
        if fields.text(read, "spec", "strategy", "type") == "Recreate":
            return ("all copies end before new ones begin (Recreate): it is away meanwhile",)
        return ()
    warnings = []
    if kind is Kind.STATEFUL_SET and wanted(read) == 1:
        warnings.append("there is one copy, which ends before its successor begins: it is away")
    if kind is Kind.STATEFUL_SET and partition(read):
        warnings.append(
            f"its partition keeps the copies below {partition(read)} as they are: they are not "
            "replaced"
        )
    return tuple(warnings)


def _copies(kind: Kind, read: JsonObject) -> str:
    if kind is Kind.DAEMON_SET:
        return "one copy a node"
    count = wanted(read)
    return "1 copy" if count == 1 else f"{count} copies, by its own rules"
