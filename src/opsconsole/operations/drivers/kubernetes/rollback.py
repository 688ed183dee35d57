"""Rolling a workload back: the template of an older revision is put back whole.

Invariant: where it goes is a revision that ran before the one that runs, and none that a rollback
has led away from. What that template is, is pinned by its digest and read again for the call; it
may hold secrets, and stands in no plan.
"""

from collections.abc import Mapping
from typing import Final

from opsconsole.model.operation import Step
from opsconsole.model.state import State
from opsconsole.operations.drivers.kubernetes import fields, patches, revisions
from opsconsole.operations.drivers.kubernetes.calls import WorkloadChange
from opsconsole.operations.drivers.kubernetes.differences import differences
from opsconsole.operations.drivers.kubernetes.fields import JsonObject
from opsconsole.operations.drivers.kubernetes.marks import whose
from opsconsole.operations.drivers.kubernetes.pods import Pod
from opsconsole.operations.drivers.kubernetes.restart import away_meanwhile, refuse_standing
from opsconsole.operations.drivers.kubernetes.revisions import Revision
from opsconsole.operations.drivers.kubernetes.workload_driver import VERSION, WorkloadDriver
from opsconsole.operations.drivers.kubernetes.workloads import Kind, is_ordered
from opsconsole.operations.drivers.previous_version import goal_fact, known_to_fail, led_away
from opsconsole.operations.driving.driver import DriverContext, ObserveError
from opsconsole.text import sanitize

_SHOWN: Final = 100


class KubernetesRollback(WorkloadDriver):
    """One patch that replaces the template."""

    def __init__(self, context: DriverContext) -> None:
        super().__init__(context)
        self._now: Revision | None = None
        self._goal: Revision | None = None
        self._stuck = ""

    def refuse(self) -> None:
        """Raise ObserveError where its pods would not be replaced."""
        refuse_standing(self.ref.said, self.read)

    async def more_facts(self) -> Mapping[str, str]:
        """The revision that runs, and the one that is gone back to."""
        kept = await self.revisions(self.read)
        pods, _ = await self.pods(self.read)
        self._now = self.running(kept, self.read)
        ready = [each for each in pods if each.state is State.OK]
        serving = {each.name for each in kept if any(is_of(pod, each) for pod in ready)}
        self._goal = self._wanted(kept, serving)
        waits = self.ref.kind is Kind.STATEFUL_SET and is_ordered(self.read)
        self._stuck = next((each.name for each in pods if each.lost and waits), "")
        return {
            "revision": str(self._now.number) if self._now is not None else "not known",
            goal_fact("revision"): str(self._goal.number),
            goal_fact(VERSION): self._goal.version,
        }

    def goals(self, facts: Mapping[str, str]) -> Mapping[str, str]:
        """The version of the template afterwards."""
        return {VERSION: facts[goal_fact(VERSION)]}

    def change(self) -> WorkloadChange:
        """To the template of the goal."""
        goal = self._goal
        assert goal is not None
        return WorkloadChange(
            "rollback", self.pin(paused=False), self.mark, revision=goal.name, goal=goal.version
        )

    async def patch(self, read: JsonObject, call: WorkloadChange) -> patches.Patch:
        """The template as the revision has it now, which must be what was planned."""
        kept = await self.revisions(read)
        found = next((each for each in kept if each.name == call.revision), None)
        if found is None or found.version != call.goal:
            raise ObserveError(
                f"the revision {sanitize(call.revision, limit=_SHOWN)} is gone, or another one",
                remedy="plan again",
            )
        return patches.with_template(read, found.template, found.cause, call.mark)

    def steps(self, facts: Mapping[str, str]) -> tuple[Step, ...]:
        """The one patch."""
        assert self._goal is not None
        now = _spoken(self._now) if self._now is not None else f"what runs ({facts['images']})"
        summary = f"roll {self.ref.said} back from {now} to {_spoken(self._goal)}"
        return (self.step(summary),)

    def differences(self) -> tuple[str, ...]:
        """What of the template becomes otherwise, a line each."""
        assert self._goal is not None
        now = fields.mapping(self.read, "spec", "template")
        return differences(now, self._goal.template)

    def own_warnings(self) -> tuple[str, ...]:
        """Whether nothing serves meanwhile; what will keep it from coming through."""
        stuck: tuple[str, ...] = ()
        if self._stuck:
            stuck = (
                f"{self._stuck} does not get ready, and a StatefulSet waits for its pods in their "
                "order: once it is rolled back, that pod may have to be deleted (a call with "
                "do: delete-stuck-pod)",
            )
        return (*away_meanwhile(self.ref.kind, self.read), *stuck)

    def undo(self) -> str:
        """By what is newer."""
        return "deploying the later version again: a rollback is never rolled back"

    def _wanted(self, kept: tuple[Revision, ...], serving: set[str]) -> Revision:
        named = self.target.revision
        if named is not None:
            found = next((each for each in kept if each.number == named), None)
            if found is None:
                numbers = ", ".join(str(each.number) for each in kept) or "none"
                raise ObserveError(
                    f"{self.ref.said} has no revision {named}",
                    remedy=f"name one that is kept: {numbers}",
                )
            return found
        found = None
        if self._now is not None:
            past = self.context.past
            never = led_away(past, VERSION) | known_to_fail(past, VERSION)
            found = revisions.before(kept, self._now, never=never, ready=serving)
        if found is None:
            by = f"; {whose(self.read)} has changed it last" if whose(self.read) else ""
            raise ObserveError(
                f"which version {self.ref.said} ran well before the one that runs is not known: "
                "no older revision is kept, or it was rolled back from, or failed"
                f"{by}",
                remedy="name one as revision: in the action, or deploy the version that is wanted",
                code="no-version-before",
            )
        return found


def is_of(pod: Pod, revision: Revision) -> bool:
    """Whether a pod is of ``revision``: by its ReplicaSet, or the label of its revision."""
    if pod.owner == revision.uid:
        return True
    return bool(pod.revision) and pod.revision in {revision.name, revision.label}


def _spoken(revision: Revision) -> str:
    """``revision 3 (shop/web:1.4, "release 1.4")``."""
    images = sanitize(", ".join(revision.images), limit=_SHOWN)
    cause = f', "{sanitize(revision.cause, limit=_SHOWN)}"' if revision.cause else ""
    return f"revision {revision.number} ({images}{cause})"
