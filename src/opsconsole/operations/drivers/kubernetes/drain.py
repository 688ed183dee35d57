"""Keeping pods off a node, and having those that are there leave it: cordon, uncordon, drain.

Invariant: pods leave by eviction alone, which keeps to their budgets; each is named in the plan and
evicted by its uid. What was evicted is seen to be gone before a drain is done; at its deadline the
node stays as it is, and that is said with what would take it back.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Final

from opsconsole.model.operation import Step
from opsconsole.operations.drivers.kubernetes import fields, nodes, patches
from opsconsole.operations.drivers.kubernetes.calls import Evictions, NodeChange, PodPin
from opsconsole.operations.drivers.kubernetes.changes import (
    CONFLICT,
    GONE,
    NO_ROOM,
    outcome_of,
)
from opsconsole.operations.drivers.kubernetes.cluster import Cluster
from opsconsole.operations.drivers.kubernetes.fields import JsonObject
from opsconsole.operations.drivers.kubernetes.marks import new_mark
from opsconsole.operations.drivers.kubernetes.nodes import Leaving
from opsconsole.operations.drivers.kubernetes.pods import is_ending
from opsconsole.operations.drivers.kubernetes.workloads import part
from opsconsole.operations.drivers.settling import SETTLING, settle
from opsconsole.operations.driving.driver import (
    Driver,
    DriverContext,
    ObserveError,
    Outcome,
    StepOutcome,
    declared,
)
from opsconsole.sources.kubernetes.api.cluster_error import ClusterError
from opsconsole.sources.kubernetes.api.rights import Right
from opsconsole.text import sanitize

AGAIN: Final = 5.0
"""Seconds after which an eviction for which there was no room is asked for again."""

_PAUSE: Final = 1.0
_SHOWN: Final = 120


class KubernetesNode(Driver):
    """``do: cordon``, ``do: uncordon`` and ``do: drain``."""

    def __init__(self, context: DriverContext) -> None:
        self._context = context
        self._target = declared(context.action.kubernetes)
        self._cluster = Cluster(context, self._target)
        self._name = self._target.node or ""
        self._mark = new_mark()
        self._read: JsonObject = {}
        self._leaving = Leaving()
        self._version = ""
        self._room: tuple[str, ...] = ()
        self._warnings: tuple[str, ...] = ()

    async def observe(self) -> Mapping[str, str]:
        """Its uid, whether pods may be placed on it, and those that would leave it."""
        read = self._read = await self._now()
        cordoned = fields.truth(read, "spec", "unschedulable")
        facts = {
            "node": self._name,
            "uid": sanitize(fields.text(read, "metadata", "uid"), limit=_SHOWN),
            "pods may be placed": "no" if cordoned else "yes",
        }
        self._refuse(cordoned)
        rights = [Right("patch", "nodes", "", "", self._name)]
        warnings: list[str] = []
        if self._drains:
            pods = await self._pods()
            self._leaving = nodes.leaving(pods)
            self._refuse_alone()
            if cordoned and not self._leaving.evicted:
                raise ObserveError(
                    f"node {self._name} takes no more pods, and none is there to be evicted",
                    remedy="there is nothing to do",
                    code="nothing-to-do",
                )
            self._version = await self._evictions_version()
            warnings += await self._see_room(pods)
            facts["pods"] = _digest(self._leaving.evicted)
            spaces = sorted({each.namespace for each in self._leaving.evicted})
            rights += [Right("create", "pods", "", each, subresource="eviction") for each in spaces]
        unknown = await self._cluster.ask(rights)
        tried = await self._cluster.try_out(self._path, self._patch(read, self._mark))
        self._warnings = (*warnings, *self._of_node(), *unknown, *tried)
        return facts

    def steps(self, facts: Mapping[str, str]) -> tuple[Step, ...]:
        """Whether pods may be placed, and then the evictions."""
        steps = []
        uid, cordon = facts["uid"], self._target.do != "uncordon"
        if (facts["pods may be placed"] == "yes") is cordon:
            what = "let no more pods be placed on" if cordon else "let pods be placed again on"
            call = NodeChange(uid, self._mark, cordon)
            summary = f"{what} node {self._name}"
            steps.append(Step(summary, "kubernetes", self._path, call.document()))
        evicted = self._leaving.evicted
        if evicted:
            within = self._context.action.deadline
            names = nodes.listed(f"{each.namespace}/{each.name}" for each in evicted)
            count = "1 pod" if len(evicted) == 1 else f"{len(evicted)} pods"
            summary = f"evict {count} from node {self._name} within {within:g} s: {names}"
            out = Evictions(self._name, evicted, self._version, within)
            steps.append(Step(summary, "kubernetes", self._path, out.document()))
        return tuple(steps)

    def differences(self) -> tuple[str, ...]:
        """What the budgets of the pods have room for."""
        return self._room

    def warnings(self) -> tuple[str, ...]:
        """What will be lost, or keep it from being done."""
        return self._warnings

    async def execute(self, step: Step) -> StepOutcome:
        """The patch, or the evictions."""
        if "pods" in step.call:
            return await self._evict(Evictions.of(step))
        return await self._change(NodeChange.of(step))

    async def reconcile(self, step: Step, before: Mapping[str, str]) -> StepOutcome:
        """Whether the node is as wanted, or the pods are gone; nothing more is evicted."""
        if "pods" in step.call:
            return await self._gone(Evictions.of(step))
        call = NodeChange.of(step)

        async def look() -> StepOutcome:
            return self._as_wanted(await self._now(), call)

        return await settle(look, self._context.clock, quiet=SETTLING / 2)

    def undo(self) -> str:
        """By the other of the two."""
        if self._target.do == "uncordon":
            return "cordon it again: a call with do: cordon"
        moved = "; the pods stay where they are then" if self._drains else ""
        return f"uncordon it: a call with do: uncordon{moved}"

    async def close(self) -> None:
        """Drop connections."""
        await self._cluster.close()

    @property
    def _drains(self) -> bool:
        return self._target.do == "drain"

    @property
    def _path(self) -> str:
        return f"/api/v1/nodes/{part(self._name)}"

    def _refuse(self, cordoned: bool) -> None:
        if not self._drains and cordoned is (self._target.do == "cordon"):
            so = "takes no more pods already" if cordoned else "takes pods"
            raise ObserveError(
                f"node {self._name} {so}", remedy="there is nothing to do", code="nothing-to-do"
            )

    def _refuse_alone(self) -> None:
        if self._leaving.alone:
            raise ObserveError(
                f"nobody would start {nodes.listed(self._leaving.alone)} again",
                remedy="delete what belongs to no workload first, or give it to one",
                code="unmanaged-pods",
            )

    def _of_node(self) -> tuple[str, ...]:
        conditions = fields.objects(self._read, "status", "conditions")
        ready = next((each for each in conditions if fields.text(each, "type") == "Ready"), {})
        warnings = []
        if self._drains and fields.text(ready, "status") != "True":
            warnings.append("the node is not ready: pods on it may never be seen to end")
        if self._leaving.local:
            names = nodes.listed(self._leaving.local)
            warnings.append(f"data on the node (emptyDir) is lost with {names}")
        if self._leaving.staying:
            warnings.append(
                f"{self._leaving.staying} pods of DaemonSets and of the node itself stay"
            )
        return tuple(warnings)

    async def _see_room(self, pods: tuple[JsonObject, ...]) -> tuple[str, ...]:
        """What is in the way of evictions; what there is room for is kept to be shown."""
        going = {each.uid for each in self._leaving.evicted}
        asked = [each for each in pods if fields.text(each, "metadata", "uid") in going]
        path = f"/apis/policy/{self._version}/poddisruptionbudgets"
        budgets, blind = await self._cluster.seen(path, "budgets of disruptions")
        found = tuple(nodes.room(budgets, asked))
        self._room = tuple(line for line, _ in found)
        return (*(line for line, none in found if none), *filter(None, (blind,)))

    async def _evictions_version(self) -> str:
        """That of the API of evictions: the older one as long as it is served."""
        served = await self._cluster.get("/apis/policy")
        versions = [fields.text(each, "version") for each in fields.objects(served, "versions")]
        return "v1beta1" if "v1beta1" in versions else "v1"

    async def _now(self) -> JsonObject:
        found = await self._cluster.get(self._path)
        if found is None:
            raise ObserveError(
                f"there is no node {self._name}", remedy="look at its name and its cluster"
            )
        return found

    async def _pods(self) -> tuple[JsonObject, ...]:
        """All pods of the node, of all namespaces. Raises ObserveError."""
        selector = f"spec.nodeName={self._name}"
        return await self._cluster.listing("/api/v1/pods", fieldSelector=selector)

    def _patch(self, read: JsonObject, mark: str) -> patches.Patch:
        return patches.cordoned(read, mark, cordon=self._target.do != "uncordon")

    async def _change(self, call: NodeChange) -> StepOutcome:
        async def patch_of(read: JsonObject) -> patches.Patch:
            if fields.text(read, "metadata", "uid") != call.uid:
                raise ObserveError(f"{self._name} is another node of the same name")
            return self._patch(read, call.mark)

        done = await self._cluster.change(self._path, self._now, patch_of)
        return done if isinstance(done, StepOutcome) else self._as_wanted(done.read, call)

    def _as_wanted(self, read: JsonObject, call: NodeChange) -> StepOutcome:
        cordoned = fields.truth(read, "spec", "unschedulable")
        said = "takes no more pods" if cordoned else "takes pods"
        done = cordoned is call.cordon
        return StepOutcome(Outcome.DONE if done else Outcome.FAILED, f"{self._name} {said}")

    async def _evict(self, call: Evictions) -> StepOutcome:
        """Ask for each eviction until it is granted, and see the pods go."""
        clock = self._context.clock
        ends = clock.now() + call.within
        asked: dict[PodPin, str] = dict.fromkeys(call.pods, "")
        again = clock.now()
        try:
            while True:
                if clock.now() >= again and asked:
                    refused = await self._ask_for(asked, call)
                    if refused is not None:
                        return refused
                    again = clock.now() + AGAIN
                left = await self._left(call)
                if not left:
                    return StepOutcome(Outcome.DONE, f"{len(call.pods)} pods have left {call.node}")
                if clock.now() >= ends:
                    return StepOutcome(Outcome.FAILED, _late(call, left, asked))
                await clock.sleep(_PAUSE)
        except ObserveError as error:
            return StepOutcome(Outcome.UNKNOWN, str(error))

    async def _ask_for(self, asked: dict[PodPin, str], call: Evictions) -> StepOutcome | None:
        """Ask for all that have not been granted; what ends it, or None."""
        client = await self._cluster.changes()
        for pod in tuple(asked):
            try:
                await client.evict(pod.namespace, pod.name, pod.uid, version=call.version)
            except ClusterError as error:
                if error.status in {GONE, CONFLICT}:
                    del asked[pod]  # it has gone by itself, or another one has its name
                elif error.status == NO_ROOM:
                    asked[pod] = error.what
                elif outcome_of(error).outcome is Outcome.FAILED:
                    name = nodes.listed((f"{pod.namespace}/{pod.name}",))
                    why = f"{name}: {outcome_of(error).detail}"
                    return StepOutcome(Outcome.FAILED, f"{why}; {_stays(call)}")
                else:
                    asked[pod] = error.what
            else:
                del asked[pod]
        return None

    async def _left(self, call: Evictions) -> tuple[JsonObject, ...]:
        """Those of the pods that are still there."""
        wanted = {each.uid for each in call.pods}
        found = await self._pods()
        return tuple(each for each in found if fields.text(each, "metadata", "uid") in wanted)

    async def _gone(self, call: Evictions) -> StepOutcome:
        async def look() -> StepOutcome | str:
            left = await self._left(call)
            if not left:
                return StepOutcome(Outcome.DONE, f"{len(call.pods)} pods have left {call.node}")
            if all(is_ending(each) for each in left):
                return f"{len(left)} of {len(call.pods)} pods are ending"
            return StepOutcome(Outcome.FAILED, _late(call, left, {}))

        return await settle(look, self._context.clock, within=call.within, quiet=SETTLING / 2)


def _digest(pods: tuple[PodPin, ...]) -> str:
    """How many they are, and which, in short."""
    uids = ",".join(each.uid for each in pods)
    return f"{len(pods)} ({hashlib.sha256(uids.encode()).hexdigest()[:12]})"


def _late(call: Evictions, left: Iterable[JsonObject], asked: Mapping[PodPin, str]) -> str:
    """What is still there, and why, at the end."""
    names = [nodes.name_of(each) for each in left]
    why = next((each for each in asked.values() if each), "")
    said = f"{len(names)} of {len(call.pods)} pods are still on {call.node}: {nodes.listed(names)}"
    return f"{said}{f' ({why})' if why else ''}; {_stays(call)}"


def _stays(call: Evictions) -> str:
    return f"{call.node} takes no more pods until it is uncordoned"
