"""All that was read of a cluster, as workloads and their copies.

Invariant: a copy that did not change is the same object as before. A pod is a copy of its workload
while that counts it; one that starts beside as many copies as are wanted is none yet, so that a
rollout that goes well makes nothing degraded.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import field, replace

from opsconsole.dataclass import dataclass
from opsconsole.model.running.nodes import ClusterNode
from opsconsole.model.running.troubles import Trouble
from opsconsole.model.running.workloads import Inventory, Place, Replica, Unread, Workload
from opsconsole.model.state import State
from opsconsole.sources.kubernetes.objects.autoscalers import Budget, Scaler
from opsconsole.sources.kubernetes.objects.cluster_events import Said
from opsconsole.sources.kubernetes.objects.metadata import Owner
from opsconsole.sources.kubernetes.objects.nodes import Node
from opsconsole.sources.kubernetes.objects.pod_refining import Hearsay, heard, loops, refined
from opsconsole.sources.kubernetes.objects.pods import Pod
from opsconsole.sources.kubernetes.objects.revisions import Revision
from opsconsole.sources.kubernetes.objects.workloads import (
    Controller,
    WorkloadKind,
    full_name,
    not_made,
)

_HASH = "pod-template-hash"


@dataclass(frozen=True, slots=True)
class Usage:
    """What a pod uses: cores, and bytes."""

    cpu: float | None = None
    memory: int | None = None


@dataclass(frozen=True, slots=True)
class Objects:
    """What is known of a cluster at one moment; ``usage`` is by namespace and name of the pod."""

    pods: Iterable[Pod] = ()
    controllers: Iterable[Controller] = ()
    replica_sets: Iterable[Revision] = ()
    scalers: Iterable[Scaler] = ()
    budgets: Iterable[Budget] = ()
    nodes: Iterable[Node] = ()
    events: Iterable[Said] = ()
    usage: Mapping[tuple[str, str], Usage] = field(default_factory=dict)
    unread: tuple[Unread, ...] = ()


@dataclass(frozen=True, slots=True)
class _Of:
    """What a pod is a copy of."""

    name: str = ""
    uid: str = ""


_NOTHING = _Of()


class Assembler:
    """Makes inventories of one place, and remembers its copies from one to the next.

    ``ahead`` is by how many seconds the cluster's clock is ahead; times of an inventory are by this
    machine's.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self._made: dict[str, tuple[tuple[object, ...], Replica]] = {}
        self.changes_by_itself = False
        self.ahead = 0.0

    def assemble(self, known: Objects, endpoint: str, version: str, now: float) -> Inventory:
        """What runs, by name; ``now`` is by the cluster's clock.

        ``changes_by_itself`` says afterwards whether a later ``now`` may give another.
        """
        self.changes_by_itself = False
        controllers = {each.meta.uid: each for each in known.controllers}
        sets = {each.meta.uid: each.meta.owner for each in known.replica_sets}
        hearsay = heard(known.events, known.nodes)
        named = {each.workload.name: uid for uid, each in controllers.items()}
        owned = [(pod, self._of(owner_of(pod, sets), controllers, named)) for pod in known.pods]
        before, self._made = self._made, {}
        replicas = []
        copies: dict[str, int] = {}
        newest: dict[str, float] = {}
        for pod, of in owned:
            controller = controllers.get(of.uid)
            if pod.meta.created_at is not None:
                newest[of.uid] = max(newest.get(of.uid, 0.0), pod.meta.created_at)
            if controller is not None and pod.counts:
                copies[of.uid] = copies.get(of.uid, 0) + 1
            loop = loops(pod, now)
            self.changes_by_itself = self.changes_by_itself or loop > 0
            seen = _Seen(*refined(pod, hearsay, loop), loop, known.usage.get(_key(pod), Usage()))
            replicas.append(self._replica(pod, of, controller, seen, before))
        scalers = {each.of: each for each in known.scalers}
        budgets = list(known.budgets)
        workloads = [
            _workload(
                each,
                scalers,
                budgets,
                _refusal(hearsay, each.meta.uid, newest.get(each.meta.uid, 0.0)),
                copies.get(each.meta.uid, 0),
            )
            for each in controllers.values()
        ]
        return Inventory(
            self._place,
            endpoint,
            version,
            tuple(sorted(replicas, key=lambda each: (each.name, each.id))),
            tuple(sorted(workloads, key=lambda each: (each.name, each.id))),
            known.unread,
            tuple(sorted(map(self._node, known.nodes), key=lambda each: each.name)),
        )

    def _moment(self, at: float | None) -> float | None:
        """``at`` by this machine's clock."""
        return at if at is None or not self.ahead else at - self.ahead

    def _here(self, trouble: Trouble | None) -> Trouble | None:
        if trouble is None or trouble.at is None or not self.ahead:
            return trouble
        return replace(trouble, at=trouble.at - self.ahead)

    def _node(self, node: Node) -> ClusterNode:
        seen = node.seen
        return replace(seen, since=self._moment(seen.since)) if self.ahead else seen

    def _of(self, of: _Of, controllers: Collection[str], named: Mapping[str, str]) -> _Of:
        """``of`` with the id that its workload has; one that may not be read has its name's."""
        if not of.name or of.uid in controllers:
            return of
        return _Of(of.name, named.get(of.name, f"{self._place.name}:{of.name}"))

    def _replica(
        self,
        pod: Pod,
        of: _Of,
        controller: Controller | None,
        seen: "_Seen",
        before: Mapping[str, tuple[tuple[object, ...], Replica]],
    ) -> Replica:
        enough = controller is not None and (
            controller.workload.running >= controller.workload.wanted
        )
        starts = enough and seen.trouble is None and pod.starts
        whose = of if pod.counts and not starts else _NOTHING
        signs = pod, whose, seen, self.ahead
        known = before.get(pod.meta.uid)
        if known is not None and known[0] == signs:
            self._made[pod.meta.uid] = known
            return known[1]
        made = replace(
            pod.replica,
            workload=whose.name,
            workload_id=whose.uid,
            trouble=self._here(seen.trouble),
            started_at=self._moment(pod.replica.started_at),
            finished_at=self._moment(pod.replica.finished_at),
            state=seen.state,
            loop=max(seen.loop, pod.replica.loop),
            detail=_detail(pod, seen.trouble),
            cpu=seen.used.cpu,
            memory=seen.used.memory,
        )
        self._made[pod.meta.uid] = signs, made
        return made


@dataclass(frozen=True, slots=True)
class _Seen:
    """What is known of a pod besides what it says itself."""

    trouble: Trouble | None
    state: State
    loop: int
    used: Usage


def _detail(pod: Pod, trouble: Trouble | None) -> str:
    """What the cluster says of it, with what was found elsewhere."""
    own = pod.replica
    if trouble is None or trouble == own.trouble or not trouble.detail:
        return own.detail
    said = own.health if own.runs and own.health else own.status
    return f"{said}: {trouble.detail}"


def _key(pod: Pod) -> tuple[str, str]:
    return pod.meta.namespace, pod.meta.name


def owner_of(pod: Pod, replica_sets: Mapping[str, Owner | None]) -> _Of:
    """The Deployment, StatefulSet or DaemonSet of ``pod``; nothing where it is of none of these.

    Where ReplicaSets may not be read, a Deployment's name is that of its ReplicaSet without the
    hash behind it, which is a label of the pod.
    """
    owner = pod.meta.owner
    if owner is None:
        return _NOTHING
    if owner.kind == "ReplicaSet":
        above = replica_sets.get(owner.uid)
        if above is None and owner.uid not in replica_sets:
            cut = pod.meta.labels.get(_HASH, "")
            name = owner.name.removesuffix(f"-{cut}") if cut else ""
            above = Owner("Deployment", name, owner.uid) if name not in {"", owner.name} else None
        owner = above
    if owner is None or owner.kind not in set(WorkloadKind):
        return _NOTHING
    return _Of(full_name(pod.meta.namespace, owner.kind, owner.name), owner.uid)


def _refusal(hearsay: Hearsay, uid: str, made_at: float) -> Trouble | None:
    """Why its pods were refused, and none was made since, the newest at ``made_at``."""
    said = hearsay.of.get(uid, ())
    refused = [
        each for each in said if each.reason == "FailedCreate" and (each.at or 0.0) >= made_at
    ]
    return not_made(refused[-1].message, refused[-1].first) if refused else None


def _workload(
    controller: Controller,
    scalers: Mapping[str, Scaler],
    budgets: Iterable[Budget],
    refusal: Trouble | None,
    copies: int,
) -> Workload:
    found = controller.workload
    scaler = scalers.get(found.name)
    allowed = [
        each.allowed
        for each in budgets
        if each.allowed is not None
        and each.meta.namespace == controller.meta.namespace
        and each.selects(controller.template.labels)
    ]
    trouble = found.trouble
    if trouble is None and copies < found.wanted:
        trouble = refusal
    if scaler is None and not allowed and trouble == found.trouble:
        return found
    return replace(
        found,
        trouble=trouble,
        autoscaler=scaler.autoscaler if scaler is not None else None,
        may_lose=min(allowed, default=None),
    )
