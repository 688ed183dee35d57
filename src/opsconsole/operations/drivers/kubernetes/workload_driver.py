"""Changing a workload by one patch of it, and seeing how far it has come.

Invariant: the patch is made from what is read just before, and only where that still is what the
plan says; the server refuses it when the object has changed in between, and then it is looked at
again. Whether it took effect is seen by the mark that it leaves.
"""

from collections.abc import Mapping
from typing import ClassVar, Final

from opsconsole.model.operation import Step
from opsconsole.model.state import State
from opsconsole.operations.drivers.kubernetes import fields, revisions
from opsconsole.operations.drivers.kubernetes.calls import Pin, WorkloadChange
from opsconsole.operations.drivers.kubernetes.cluster import Cluster
from opsconsole.operations.drivers.kubernetes.fields import JsonObject
from opsconsole.operations.drivers.kubernetes.marks import mark_of, new_mark, whose
from opsconsole.operations.drivers.kubernetes.patches import Patch
from opsconsole.operations.drivers.kubernetes.pods import Pod, pods_of
from opsconsole.operations.drivers.kubernetes.revisions import Revision
from opsconsole.operations.drivers.kubernetes.rollout import (
    Progress,
    is_observed,
    progress,
    sights,
)
from opsconsole.operations.drivers.kubernetes.undoers import Part, undoers
from opsconsole.operations.drivers.kubernetes.workloads import (
    Kind,
    Ref,
    namespaced,
    wanted,
)
from opsconsole.operations.drivers.settling import SETTLING, settle
from opsconsole.operations.driving.driver import (
    Driver,
    DriverContext,
    ObserveError,
    Outcome,
    Sight,
    StepOutcome,
    declared,
)
from opsconsole.sources.kubernetes.api.rights import Right
from opsconsole.sources.kubernetes.objects.selectors import selector
from opsconsole.text import sanitize

VERSION: Final = "version"
"""The fact that says which template runs."""

_SHOWN: Final = 160


class WorkloadDriver(Driver):
    """What all that changes a workload has in common."""

    part: ClassVar[Part] = Part.DECLARED
    replaces: ClassVar[bool] = True
    """Whether each pod is replaced by the change."""

    def __init__(self, context: DriverContext) -> None:
        self.context = context
        self.target = declared(context.action.kubernetes)
        self.cluster = Cluster(context, self.target)
        self.read: JsonObject = {}
        self.mark = new_mark()
        self._warnings: tuple[str, ...] = ()

    @property
    def ref(self) -> Ref:
        """The workload. Raises ObserveError."""
        kind, _, name = (self.target.workload or "").partition("/")
        if not name:
            raise ObserveError(
                f"the action {self.context.kind} names no workload",
                remedy="write kubernetes: {workload: deployment/NAME}",
            )
        return Ref(Kind(kind), self.cluster.namespace, name)

    async def observe(self) -> Mapping[str, str]:
        """Its uid, its template, how many copies are wanted; that the change may be made."""
        self.read = await self.now()
        self.refuse()
        facts = {
            "workload": f"{self.ref.namespace}/{self.ref.said}",
            "uid": sanitize(fields.text(self.read, "metadata", "uid"), limit=_SHOWN),
            VERSION: revisions.version_of(fields.mapping(self.read, "spec", "template")),
            "images": images_said(fields.mapping(self.read, "spec", "template")),
            "last change": sanitize(mark_of(self.read), limit=_SHOWN) or "none of a console",
            **await self.more_facts(),
        }
        unknown = await self.cluster.ask(self.rights())
        tried = await self.tried_out()
        self._warnings = (*await self._undoers(), *self.own_warnings(), *unknown, *tried)
        return facts

    def refuse(self) -> None:
        """Raise ObserveError where what was read must not be changed so."""

    async def more_facts(self) -> Mapping[str, str]:
        """What else pins the plan. Raises ObserveError."""
        return {}

    def own_warnings(self) -> tuple[str, ...]:
        """What else to know before confirming."""
        return ()

    def rights(self) -> tuple[Right, ...]:
        """What must be allowed."""
        ref = self.ref
        return (Right("patch", ref.kind.plural, "apps", ref.namespace, ref.name),)

    def change(self) -> WorkloadChange:
        """The one change, on what was read."""
        raise NotImplementedError

    async def patch(self, read: JsonObject, call: WorkloadChange) -> Patch:
        """What is sent for ``call`` where the workload is as in ``read``. Raises ObserveError."""
        raise NotImplementedError

    async def tried_out(self) -> tuple[str, ...]:
        """What the cluster says of the change, made as if. Raises ObserveError."""
        patch = await self.patch(self.read, self.change())
        return await self.cluster.try_out(self.ref.path, patch)

    def warnings(self) -> tuple[str, ...]:
        """Who will undo it; what the cluster says of it."""
        return self._warnings

    def pin(self, **more: int | bool) -> Pin:
        """What was read, by which the change is refused when it is no longer so."""
        uid = fields.text(self.read, "metadata", "uid")
        replicas, paused = more.get("replicas"), more.get("paused")
        version = revisions.version_of(fields.mapping(self.read, "spec", "template"))
        mark = mark_of(self.read)
        return Pin(uid, version, replicas, None if paused is None else bool(paused), mark)

    def step(self, summary: str) -> Step:
        """The one step."""
        return Step(summary, "kubernetes", self.ref.path, self.change().document())

    async def execute(self, step: Step) -> StepOutcome:
        """Patch it once, if it still is as it was planned on."""
        call = WorkloadChange.of(step)

        async def patch_of(read: JsonObject) -> Patch:
            moved = what_moved(read, call.pin)
            if moved:
                raise ObserveError(f"{self.ref.said} was changed meanwhile: {moved}")
            return await self.patch(read, call)

        done = await self.cluster.change(step.target, self.now, patch_of)
        if isinstance(done, StepOutcome):
            return done
        return StepOutcome(Outcome.DONE, "the cluster took the change")

    async def reconcile(self, step: Step, before: Mapping[str, str]) -> StepOutcome:
        """Whether the change is there, by its mark."""
        call = WorkloadChange.of(step)

        async def look() -> StepOutcome:
            read = await self.now()
            if mark_of(read) == call.mark:
                return StepOutcome(Outcome.DONE, f"{self.ref.said} has the change")
            return StepOutcome(Outcome.FAILED, f"{self.ref.said} is as before")

        return await settle(look, self.context.clock, quiet=SETTLING / 2)

    async def look(self, steps: tuple[Step, ...], since: float) -> tuple[Sight, ...]:
        """How far its rollout is, and each of its pods; or who has changed it since."""
        try:
            read = await self.now()
            overtaken = next((said for each in steps if (said := _overtaken(read, each))), "")
            seen, pods, current = await self._progress(read)
        except ObserveError as error:
            return (Sight(self.ref.said, State.UNKNOWN, str(error), since_change=False),)
        if overtaken:
            seen = Progress(overtaken, lost=True)
        return sights(self.ref, seen, pods, current, replaces=self.replaces)

    async def progress(self) -> tuple[Progress, tuple[Pod, ...], str]:
        """How far it is, its pods, and which revision it goes to. Raises ObserveError."""
        return await self._progress(await self.now())

    async def _progress(self, read: JsonObject) -> tuple[Progress, tuple[Pod, ...], str]:
        pods, current = await self.pods(read)
        found = progress(self.ref, read, pods, current, replaces=self.replaces)
        return found, pods, current

    async def now(self) -> JsonObject:
        """It, as it is at this moment. Raises ObserveError."""
        ref = self.ref
        found = await self.cluster.get(ref.path)
        if found is None:
            raise ObserveError(
                f"there is no {ref.said} in {ref.namespace}",
                remedy="look at its name, its namespace and its cluster",
            )
        return found

    async def pods(self, read: JsonObject) -> tuple[tuple[Pod, ...], str]:
        """Its pods, and what names the revision that it goes to. Raises ObserveError."""
        uid = fields.text(read, "metadata", "uid")
        listed = await self._selected("api/v1", "pods", read)
        if self.ref.kind is Kind.DEPLOYMENT:
            sets = await self._selected("apis/apps/v1", "replicasets", read)
            own = {
                fields.text(each, "metadata", "uid") for each in sets if fields.owner(each) == uid
            }
            now = self.running(revisions.of_replica_sets(uid, sets), read)
            current = now.uid if now is not None else ""
            return pods_of(tuple(each for each in listed if fields.owner(each) in own)), current
        pods = pods_of(tuple(each for each in listed if fields.owner(each) == uid))
        if self.ref.kind is Kind.STATEFUL_SET:
            return pods, sanitize(fields.text(read, "status", "updateRevision"), limit=_SHOWN)
        now = self.running(await self.revisions(read), read)
        return pods, now.label if now is not None else ""

    async def revisions(self, read: JsonObject) -> tuple[Revision, ...]:
        """Its revisions, the newest number first. Raises ObserveError."""
        uid = fields.text(read, "metadata", "uid")
        if self.ref.kind is Kind.DEPLOYMENT:
            sets = await self._selected("apis/apps/v1", "replicasets", read)
            return revisions.of_replica_sets(uid, sets)
        kept = await self._selected("apis/apps/v1", "controllerrevisions", read)
        return revisions.of_controller_revisions(uid, kept)

    def running(self, kept: tuple[Revision, ...], read: JsonObject) -> Revision | None:
        """Which of its revisions it runs, or goes to."""
        template = fields.mapping(read, "spec", "template")
        return revisions.running(kept, template, observed=is_observed(read))

    async def close(self) -> None:
        """Drop connections."""
        await self.cluster.close()

    async def _selected(self, group: str, plural: str, read: JsonObject) -> tuple[JsonObject, ...]:
        path = namespaced(group, self.ref.namespace, plural)
        return await self.cluster.listing(path, labelSelector=selector(read))

    async def _undoers(self) -> tuple[str, ...]:
        """Who will undo it; with what could not be seen of that."""
        if self.part is not Part.COPIES:
            return undoers(self.read, self.part, self.ref.kind.spoken)
        namespace = self.ref.namespace
        scalers, blind = await self.cluster.seen(
            namespaced("apis/autoscaling/v1", namespace, "horizontalpodautoscalers"),
            "autoscalers",
        )
        scaled, half_blind = await self.cluster.seen(
            namespaced("apis/keda.sh/v1alpha1", namespace, "scaledobjects"), "KEDA's ScaledObjects"
        )
        found = undoers(self.read, self.part, self.ref.kind.spoken, scalers, scaled)
        return (*found, *filter(None, (blind, half_blind)))


def what_moved(read: JsonObject, pin: Pin) -> str:
    """What of ``read`` is no longer as it was pinned; '' where all is. Pure."""
    if fields.text(read, "metadata", "uid") != pin.uid:
        return "it is another one of the same name"
    if pin.mark is not None and mark_of(read) != pin.mark:
        return f"{whose(read) or 'another console'} has changed it since"
    if (
        pin.version
        and revisions.version_of(fields.mapping(read, "spec", "template")) != pin.version
    ):
        return "it runs another template"
    if pin.replicas is not None and wanted(read) != pin.replicas:
        return f"{wanted(read)} copies are wanted of it, not {pin.replicas}"
    if pin.paused is not None and fields.truth(read, "spec", "paused") != pin.paused:
        return "its rollout was resumed" if pin.paused else "its rollout was paused"
    return ""


def what_became(read: JsonObject, call: WorkloadChange) -> str:
    """What somebody has made of a change since; '' where it still is as it was made. Pure.

    An autoscaler that sets the number of copies again is somebody.
    """
    if fields.text(read, "metadata", "uid") != call.pin.uid:
        return "it was deleted meanwhile, and is another one of the same name"
    if call.do == "scale":
        now = wanted(read)
        return "" if now == call.to else f"somebody has scaled it since: {now} copies are wanted"
    template = revisions.version_of(fields.mapping(read, "spec", "template"))
    if template == (call.goal or call.pin.version):
        return ""
    return "somebody has deployed another template since"


def _overtaken(read: JsonObject, step: Step) -> str:
    """The same of a step, of those that change the workload itself."""
    return what_became(read, WorkloadChange.of(step)) if "pin" in step.call else ""


def images_said(template: JsonObject) -> str:
    """The images of a template, as they are shown."""
    return sanitize(", ".join(revisions.images_of(template)), limit=_SHOWN)
