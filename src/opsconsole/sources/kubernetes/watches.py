"""All kinds of objects that are followed in one cluster.

Invariant: of each group the newest version that both sides know is asked; a kind that the cluster
does not have is a kind that is not read.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any, Final

from opsconsole.clock import Clock
from opsconsole.config.kubernetes import KubernetesCluster
from opsconsole.dataclass import dataclass
from opsconsole.model.running.workloads import Place, Unread
from opsconsole.sources.json_fields import listed, mapping, text
from opsconsole.sources.kubernetes.api.client import ClusterClient
from opsconsole.sources.kubernetes.api.cluster_error import ClusterError
from opsconsole.sources.kubernetes.inventory import Objects
from opsconsole.sources.kubernetes.kind_watch import Kind, KindWatch
from opsconsole.sources.kubernetes.objects.autoscalers import (
    Budget,
    Scaler,
    read_budget,
    read_scaler,
)
from opsconsole.sources.kubernetes.objects.cluster_events import Said, read_said
from opsconsole.sources.kubernetes.objects.metadata import Owner
from opsconsole.sources.kubernetes.objects.nodes import Node, read_node
from opsconsole.sources.kubernetes.objects.pods import Pod, read_pod
from opsconsole.sources.kubernetes.objects.revisions import (
    Revision,
    read_controller_revision,
    read_replica_set,
)
from opsconsole.sources.kubernetes.objects.workloads import (
    Controller,
    WorkloadKind,
    read_controller,
)
from opsconsole.sources.kubernetes.reflector import Change

_SCALING: Final = ("v2", "v2beta2", "v1")
_POLICY: Final = ("v1", "v1beta1")
_VERSIONS: Final = 32
_PLURALS: Final = {
    WorkloadKind.DEPLOYMENT: "deployments",
    WorkloadKind.STATEFUL_SET: "statefulsets",
    WorkloadKind.DAEMON_SET: "daemonsets",
}


@dataclass(frozen=True, slots=True)
class Kinds:
    """What is asked for, and how it is read."""

    pods: Kind[Pod]
    controllers: tuple[Kind[Controller], ...]
    replica_sets: Kind[Revision]
    revisions: Kind[Revision]
    scalers: Kind[Scaler]
    budgets: Kind[Budget]
    nodes: Kind[Node]
    events: Kind[Said]


def workload_kinds(place: Place) -> tuple[Kind[Controller], ...]:
    """The three kinds of workloads."""
    return tuple(
        Kind(plural, "/apis/apps/v1", partial(read_controller, kind=kind, place=place), True)
        for kind, plural in _PLURALS.items()
    )


async def kinds_of(client: ClusterClient, place: Place) -> Kinds:
    """The kinds, in the versions that the cluster has. Raises ClusterError."""
    scaling, policy = await asyncio.gather(
        _version(client, "autoscaling", _SCALING), _version(client, "policy", _POLICY)
    )
    return Kinds(
        Kind("pods", "/api/v1", partial(read_pod, place=place), labelled=True),
        workload_kinds(place),
        Kind("replicasets", "/apis/apps/v1", read_replica_set, labelled=True),
        Kind("controllerrevisions", "/apis/apps/v1", read_controller_revision, labelled=True),
        Kind("horizontalpodautoscalers", f"/apis/autoscaling/{scaling}", read_scaler),
        Kind("poddisruptionbudgets", f"/apis/policy/{policy}", read_budget),
        Kind("nodes", "/api/v1", read_node, spread=False),
        Kind("events", "/api/v1", read_said),
    )


async def _version(client: ClusterClient, group: str, known: Sequence[str]) -> str:
    """The first of ``known`` that the cluster serves; the first where it does not say."""
    try:
        answer = await client.get(f"/apis/{group}")
    except ClusterError as error:
        if error.status is None:
            raise
        return known[0]
    served = {
        text(mapping(each).get("version"), _VERSIONS)
        for each in listed(answer.get("versions"), _VERSIONS)
    }
    return next((each for each in known if each in served), known[0])


class Watches:
    """Follows ``kinds``; the callbacks get what changes after the first lists."""

    def __init__(
        self,
        client: ClusterClient,
        kinds: Kinds,
        cluster: KubernetesCluster,
        clock: Clock,
        *,
        pods: Callable[[Change[Pod]], None],
        controllers: Callable[[Change[Controller]], None],
        nodes: Callable[[Change[Node]], None],
        events: Callable[[Change[Said]], None],
        others: Callable[[object], None],
    ) -> None:
        common = cluster, clock
        self.pods = KindWatch(client, kinds.pods, *common, pods)
        self.controllers = [
            KindWatch(client, each, *common, controllers) for each in kinds.controllers
        ]
        self.replica_sets = KindWatch(client, kinds.replica_sets, *common, others)
        self.revisions = KindWatch(client, kinds.revisions, *common)
        self.scalers = KindWatch(client, kinds.scalers, *common, others)
        self.budgets = KindWatch(client, kinds.budgets, *common, others)
        self.nodes = KindWatch(client, kinds.nodes, *common, nodes)
        self.events = KindWatch(client, kinds.events, *common, events)
        self._all: list[KindWatch[Any]] = [
            self.pods,
            *self.controllers,
            self.replica_sets,
            self.revisions,
            self.scalers,
            self.budgets,
            self.nodes,
            self.events,
        ]

    def start(self) -> None:
        """Begin to follow all; once."""
        for each in self._all:
            each.start()

    @property
    def settled(self) -> bool:
        """Whether each kind is known, or why it is not."""
        return all(each.settled for each in self._all)

    @property
    def runs_settled(self) -> bool:
        """The same of pods and workloads, without which nothing can be said of either."""
        workloads = all(each.settled for each in self.controllers)
        return workloads and self.pods.settled and self.replica_sets.settled

    @property
    def waits(self) -> bool:
        """Whether some kind waits for the server to be reached again."""
        return any(each.waits for each in self._all)

    @property
    def lost(self) -> tuple[KindWatch[Any], ...]:
        """Of what runs, the kinds that are not known; nothing while pods are."""
        if self.pods.fault is None:
            return ()
        runs: tuple[KindWatch[Any], ...] = (self.pods, *self.controllers, self.replica_sets)
        return tuple(each for each in runs if each.fault is not None)

    @property
    def unread(self) -> tuple[Unread, ...]:
        """The kinds that are not known, and why."""
        return tuple(chain.from_iterable(each.unread for each in self._all))

    @property
    def objects(self) -> Objects:
        """All that is known now."""
        return Objects(
            self.pods.objects,
            self.all_controllers,
            self.replica_sets.objects,
            self.scalers.objects,
            self.budgets.objects,
            tuple(self.nodes.objects),
            self.events.objects,
        )

    @property
    def all_controllers(self) -> Iterator[Controller]:
        """The workloads of all kinds."""
        return chain.from_iterable(each.objects for each in self.controllers)

    def owners_of(self, pod: Pod) -> Mapping[str, Owner | None]:
        """What the ReplicaSet of ``pod`` belongs to, by its uid."""
        owner = pod.meta.owner
        if owner is None or owner.kind != "ReplicaSet":
            return {}
        above = self.replica_sets.find(pod.meta.namespace, owner.name)
        return {} if above is None else {above.meta.uid: above.meta.owner}

    def revisions_of(self, controller: Controller) -> Iterator[Revision]:
        """The templates that are kept of ``controller``."""
        kept = self.replica_sets if controller.kind is WorkloadKind.DEPLOYMENT else self.revisions
        for each in kept.objects:
            if each.meta.owner is not None and each.meta.owner.uid == controller.meta.uid:
                yield each

    def hasten(self) -> None:
        """The server was reached: what waits for it need not wait longer."""
        for each in self._all:
            each.hasten()

    async def close(self) -> None:
        """End all."""
        await asyncio.gather(*(each.close() for each in self._all))
