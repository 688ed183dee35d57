"""What a cluster runs at this moment, asked once and by nobody who goes on looking.

Invariant: nothing is remembered; all is asked again.
"""

import asyncio
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from opsconsole.config.kubernetes import KubernetesCluster
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.running.workloads import Inventory, Place, PlaceKind, Unread
from opsconsole.sources.kubernetes.api.client import ClusterClient
from opsconsole.sources.kubernetes.api.cluster_error import ClusterError
from opsconsole.sources.kubernetes.api.kubeconfig import access_of
from opsconsole.sources.kubernetes.inventory import Assembler, Objects
from opsconsole.sources.kubernetes.kind_watch import Kind, paths_of
from opsconsole.sources.kubernetes.objects.workloads import Controller
from opsconsole.sources.kubernetes.watches import workload_kinds
from opsconsole.sources.one_of_many import each_alone


def workloads_of(
    cluster: KubernetesCluster, environ: Mapping[str, str], base: Path, within: float | None
) -> Inventory | Fault:
    """The workloads of ``cluster``, without their pods. Blocks, ``within`` seconds a call."""
    try:
        return asyncio.run(_asked(cluster, environ, base, within or cluster.timeout))
    except ClusterError as error:
        return error.fault
    except TimeoutError:
        return Fault(FaultKind.TIMEOUT, f"{cluster.name} does not answer in time")


async def _asked(
    cluster: KubernetesCluster, environ: Mapping[str, str], base: Path, timeout: float
) -> Inventory:
    client = ClusterClient(access_of(cluster, environ, base=base), timeout=timeout)
    place = Place(PlaceKind.CLUSTER, cluster.name)
    kinds = workload_kinds(place)
    try:
        answers = await asyncio.gather(
            *(_list(client, cluster, each) for each in kinds), return_exceptions=True
        )
        found: list[Controller] = []
        unread: list[Unread] = []
        for kind, answer in zip(kinds, answers, strict=True):
            if isinstance(answer, ClusterError):
                unread.append(Unread(kind.what, answer.fault))
            elif isinstance(answer, BaseException):
                raise answer
            else:
                found += answer
        if len(unread) == len(kinds):
            raise ClusterError(unread[0].fault)
        known = Objects(controllers=found, unread=tuple(unread))
        return Assembler(place).assemble(known, client.endpoint, "", 0.0)
    finally:
        await client.close()


async def _list(
    client: ClusterClient, cluster: KubernetesCluster, kind: Kind[Controller]
) -> list[Controller]:
    paths, params = paths_of(kind, cluster)
    lists = await asyncio.gather(*(client.listing(path, params) for path in paths))
    read = partial(each_alone, kind.keep)
    return [each for one in lists for item in one.items if (each := read(item)) is not None]
