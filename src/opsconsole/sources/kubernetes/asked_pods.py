"""Which pods of a service run, asked again at each look, by who follows nothing.

Invariant: nothing is remembered but the credentials.
"""

import asyncio
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from opsconsole.config.kubernetes import KubernetesCluster, KubernetesTarget
from opsconsole.model.running.workloads import Place, PlaceKind, Replica
from opsconsole.sources.kubernetes.api.client import ClusterClient
from opsconsole.sources.kubernetes.api.kubeconfig import access_of
from opsconsole.sources.kubernetes.api.wire import JsonObject
from opsconsole.sources.kubernetes.inventory import owner_of
from opsconsole.sources.kubernetes.objects.pods import Pod, read_pod
from opsconsole.sources.kubernetes.objects.revisions import read_replica_set
from opsconsole.sources.kubernetes.objects.selectors import selector
from opsconsole.sources.one_of_many import each_alone
from opsconsole.threads import BoundedExecutor

_READING: Final = 10.0
"""Seconds for reading a kubeconfig."""


class AskedPods:
    """The pods of ``targets`` in ``cluster``, asked by a client of this ``kind``.

    Made inside an event loop.
    """

    def __init__(
        self,
        cluster: KubernetesCluster,
        targets: Iterable[KubernetesTarget],
        base: Path,
        kind: type[ClusterClient] = ClusterClient,
    ) -> None:
        self._cluster = cluster
        self._targets = {each.full_name(cluster): each for each in targets}
        self._base = base
        self._kind = kind
        self._place = Place(PlaceKind.CLUSTER, cluster.name)
        self._disk = BoundedExecutor("kubeconfig", 1)
        self._client: ClusterClient | None = None

    async def pods_of(
        self, workloads: tuple[str, ...], within: float
    ) -> tuple[tuple[Replica, ...], ClusterClient]:
        """Those of ``workloads`` (full names) that run now. Raises ClusterError, TimeoutError."""
        client = await self._asking()
        async with asyncio.timeout(within):
            known = [self._targets[name] for name in workloads if name in self._targets]
            found = await asyncio.gather(*(self._of(client, each) for each in known))
        return tuple(each for pods in found for each in pods), client

    async def close(self) -> None:
        """Drop connections; idempotent."""
        if self._client is not None:
            await self._client.close()
        self._disk.close()

    async def _asking(self) -> ClusterClient:
        if self._client is None:
            access = await self._disk.run(
                lambda: access_of(self._cluster, os.environ, base=self._base), deadline=_READING
            )
            self._client = self._kind(access, timeout=self._cluster.timeout)
        return self._client

    async def _of(self, client: ClusterClient, target: KubernetesTarget) -> list[Replica]:
        space = f"namespaces/{target.namespace_in(self._cluster)}"
        workload = await client.get(f"/apis/apps/v1/{space}/{target.kind}s/{target.name}")
        chosen = {"labelSelector": selector(workload)}
        sets: tuple[JsonObject, ...] = ()
        if target.kind == "deployment":
            sets = (await client.listing(f"/apis/apps/v1/{space}/replicasets", chosen)).items
        pods = (await client.listing(f"/api/v1/{space}/pods", chosen)).items
        read = (each_alone(read_replica_set, each) for each in sets)
        owners = {each.meta.uid: each.meta.owner for each in read if each is not None}
        name = target.full_name(self._cluster)
        return [
            pod.replica
            for each in pods
            if (pod := each_alone(self._read, each)) is not None
            and pod.counts
            and pod.replica.runs
            and owner_of(pod, owners).name == name
        ]

    def _read(self, item: JsonObject) -> Pod | None:
        return read_pod(item, self._place)
