"""Deleting the one pod that a StatefulSet is stuck at: what a rollback alone leaves as it is.

Invariant: only the pod that was named in the plan is deleted, by its uid, and only while it is not
ready, of a revision before, and waited for. That the call returned is not the outcome: the
rollout's end is.
"""

from collections.abc import Mapping
from typing import Final

from opsconsole.model.operation import Step
from opsconsole.operations.drivers.kubernetes import fields
from opsconsole.operations.drivers.kubernetes.calls import PodPin, PodRemoval, WorkloadChange
from opsconsole.operations.drivers.kubernetes.changes import GONE, is_refused, outcome_of, pod_path
from opsconsole.operations.drivers.kubernetes.pods import Pod
from opsconsole.operations.drivers.kubernetes.rollout import stuck_pod
from opsconsole.operations.drivers.kubernetes.rollout_calls import end_of_rollout
from opsconsole.operations.drivers.kubernetes.workload_driver import WorkloadDriver
from opsconsole.operations.drivers.settling import SETTLING, settle
from opsconsole.operations.driving.driver import (
    DriverContext,
    ObserveError,
    Outcome,
    StepOutcome,
)
from opsconsole.sources.kubernetes.api.cluster_error import ClusterError
from opsconsole.sources.kubernetes.api.rights import Right

_NOTHING: Final = "nothing-to-do"


class KubernetesStuckPod(WorkloadDriver):
    """``do: delete-stuck-pod``."""

    def __init__(self, context: DriverContext) -> None:
        super().__init__(context)
        self._pod: Pod | None = None
        self._revision = ""

    async def more_facts(self) -> Mapping[str, str]:
        """The pod, and the revision that it keeps away."""
        pods, current = await self.pods(self.read)
        self._pod = stuck_pod(self.ref, self.read, pods, current)
        self._revision = current
        if self._pod is None:
            raise ObserveError(
                f"{self.ref.said} is stuck at no pod",
                remedy="there is nothing to do; look at its copies",
                code=_NOTHING,
            )
        return {"pod": self._pod.name, "pod uid": self._pod.uid, "goes to": current}

    def rights(self) -> tuple[Right, ...]:
        """That of deleting the pod."""
        assert self._pod is not None
        return (Right("delete", "pods", "", self.ref.namespace, self._pod.name),)

    async def tried_out(self) -> tuple[str, ...]:
        """The deletion, made as if."""
        pod = self._pin()
        client = await self.cluster.changes()
        try:
            await client.delete_pod(pod.namespace, pod.name, pod.uid, dry=True)
        except ClusterError as error:
            if is_refused(error):
                raise ObserveError(
                    f"the cluster would refuse it: {error.what}", code="refused-by-cluster"
                ) from error
            return (f"it could not be tried out: {error.what}",)
        return ()

    def steps(self, facts: Mapping[str, str]) -> tuple[Step, ...]:
        """The one deletion."""
        assert self._pod is not None
        pod = self._pin()
        summary = (
            f"delete pod {pod.name} ({self._pod.detail}), at which {self.ref.said} is stuck: it is "
            f"started again from revision {self._revision}"
        )
        call = PodRemoval(self.ref.said, pod, self._revision, self.context.action.deadline)
        target = pod_path(pod.namespace, pod.name)
        return (Step(summary, "kubernetes", target, call.document()),)

    async def execute(self, step: Step) -> StepOutcome:
        """Delete it once, if it still is what keeps the others waiting."""
        call = PodRemoval.of(step)
        try:
            read = await self.now()
            pods, current = await self.pods(read)
            stuck = stuck_pod(self.ref, read, pods, current)
            if stuck is None or stuck.uid != call.pod.uid:
                return StepOutcome(
                    Outcome.FAILED, f"{call.pod.name} keeps nothing waiting any more; nothing done"
                )
            client = await self.cluster.changes()
        except ObserveError as error:
            return StepOutcome(Outcome.FAILED, f"nothing was sent: {error}")
        try:
            await client.delete_pod(call.pod.namespace, call.pod.name, call.pod.uid)
        except ClusterError as error:
            if error.status != GONE:
                return outcome_of(error)
        return await self._end(call)

    async def reconcile(self, step: Step, before: Mapping[str, str]) -> StepOutcome:
        """Whether that pod is gone, or ends; and how the rollout ends."""
        call = PodRemoval.of(step)

        async def look() -> StepOutcome:
            found = await self.cluster.get(step.target)
            there = found is not None and fields.text(found, "metadata", "uid") == call.pod.uid
            if there and not fields.text(found, "metadata", "deletionTimestamp"):
                return StepOutcome(Outcome.FAILED, f"{call.pod.name} is still there")
            return StepOutcome(Outcome.DONE, f"{call.pod.name} was deleted")

        found = await settle(look, self.context.clock, quiet=SETTLING / 2)
        return found if found.outcome is not Outcome.DONE else await self._end(call)

    def change(self) -> WorkloadChange:
        """None of the workload itself."""
        raise NotImplementedError

    def undo(self) -> str:
        """The pod comes again by itself."""
        return "nothing: its StatefulSet starts the pod again, from the newer revision"

    def _pin(self) -> PodPin:
        assert self._pod is not None
        return PodPin(self.ref.namespace, self._pod.name, self._pod.uid)

    async def _end(self, call: PodRemoval) -> StepOutcome:
        ended = await end_of_rollout(self)
        detail = f"{call.pod.name} was deleted; {ended.detail}"
        return StepOutcome(ended.outcome, detail, ended.evidence)
