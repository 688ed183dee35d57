"""What pods use, where the cluster has a server of such metrics.

Invariant: asked beside the looks, which never wait for it; what is older than ``BELIEVED`` is not
known. A cluster without such a server is asked rarely, and that is no fault.

Source: metrics.k8s.io/v1beta1, PodMetrics; https://github.com/kubernetes/metrics
"""

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Final, Protocol

from opsconsole.clock import Clock
from opsconsole.config.kubernetes import KubernetesCluster
from opsconsole.model.fault import FaultKind
from opsconsole.model.running.workloads import Unread
from opsconsole.sources.json_fields import listed, mapping, text
from opsconsole.sources.kubernetes.api.cluster_error import ClusterError
from opsconsole.sources.kubernetes.api.wire import JsonObject
from opsconsole.sources.kubernetes.inventory import Usage
from opsconsole.sources.kubernetes.kind_watch import Kind, paths_of
from opsconsole.sources.kubernetes.objects.quantities import quantity

EVERY: Final = 15.0
"""Seconds between two questions: the server itself looks every fifteen."""

RARELY: Final = 300.0
BELIEVED: Final = 60.0

_CONTAINERS: Final = 100
_NAME: Final = 253
_NONE: Final = frozenset({FaultKind.ABSENT, FaultKind.UNSUPPORTED})

Used = Mapping[tuple[str, str], Usage]
"""By namespace and name of the pod."""


class Asked(Protocol):
    """What is needed of a ``ClusterClient``."""

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> JsonObject:
        """The JSON object at ``path``. Raises ClusterError."""
        ...


class UsageWatch:
    """Asks ``client`` from ``start`` on until it is closed."""

    def __init__(self, client: Asked, cluster: KubernetesCluster, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        kind: Kind[None] = Kind(
            "pods", "/apis/metrics.k8s.io/v1beta1", lambda _: None, labelled=True
        )
        self._paths, self._params = paths_of(kind, cluster)
        self._used: Used = {}
        self._at = 0.0
        self._denied: Unread | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to ask; once."""
        self._task = asyncio.create_task(self._run())

    @property
    def used(self) -> Used:
        """What is used now, as far as it is known."""
        return self._used if self._clock.now() - self._at <= BELIEVED else {}

    @property
    def unread(self) -> tuple[Unread, ...]:
        """Use, where this user may not read it."""
        return () if self._denied is None else (self._denied,)

    async def close(self) -> None:
        """Stop asking."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            await self._clock.sleep(await self._asked())

    async def _asked(self) -> float:
        """Ask once; after how many seconds to ask again."""
        try:
            answers = [await self._client.get(each, self._params) for each in self._paths]
        except ClusterError as error:
            denied = error.fault.kind is FaultKind.PERMISSION
            self._denied = Unread("use of pods", error.fault) if denied else None
            return RARELY if denied or error.fault.kind in _NONE else EVERY
        self._used = dict(found for answer in answers for found in read(answer))
        self._at, self._denied = self._clock.now(), None
        return EVERY


def read(answer: JsonObject) -> Iterable[tuple[tuple[str, str], Usage]]:
    """The use of each pod of a ``PodMetricsList``; of a kind that a container lacks it is None."""
    items = answer.get("items")
    for pod in items if isinstance(items, list) else ():
        about = mapping(mapping(pod).get("metadata"))
        containers = listed(mapping(pod).get("containers"), _CONTAINERS)
        used = [mapping(mapping(each).get("usage")) for each in containers]
        cpu = _sum(quantity(each.get("cpu")) for each in used)
        memory = _sum(quantity(each.get("memory")) for each in used)
        name = text(about.get("namespace"), _NAME), text(about.get("name"), _NAME)
        yield name, Usage(cpu, int(memory) if memory is not None else None)


def _sum(parts: Iterable[float | None]) -> float | None:
    found = list(parts)
    known = [each for each in found if each is not None]
    return sum(known) if known and len(known) == len(found) else None
