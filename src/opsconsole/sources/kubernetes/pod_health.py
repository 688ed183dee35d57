"""How the pods of a service answer at their own health endpoint.

Invariant: a look at a pod is evidence of that pod alone. Only what runs is asked; what has gone, or
has begun to go, by the end of the looks is in none of them, so that a pod that is replaced is never
one that is down.
"""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Protocol

from opsconsole.clock import Clock
from opsconsole.config.services import Health
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.health import HealthReport, ProbeKind
from opsconsole.model.observations import PodLook, PodsSeen
from opsconsole.model.reading import Reading
from opsconsole.model.running.workloads import Replica
from opsconsole.model.source_id import SourceId
from opsconsole.model.state import State
from opsconsole.sources.base import Source
from opsconsole.sources.health.factory import Asked, PodsAsked, join_url, probe_of_pod
from opsconsole.sources.health.http_probe import HttpProbe
from opsconsole.sources.http.connector import Connector
from opsconsole.sources.http.target import KEPT_LOOKS
from opsconsole.sources.kubernetes.api.client import ClusterClient
from opsconsole.sources.kubernetes.api.cluster_error import ClusterError
from opsconsole.sources.kubernetes.proxied import ProxiedPod, base_of

AT_ONCE: Final = 16
"""Looks under way at the same time."""


class KnowsPods(Protocol):
    """Which pods run, and how their cluster is asked."""

    async def pods_of(
        self, workloads: tuple[str, ...], within: float
    ) -> tuple[tuple[Replica, ...], ClusterClient]:
        """Those of ``workloads`` (full names) that run now.

        Raises ClusterError, and TimeoutError after ``within`` seconds.
        """
        ...


class PodHealth(Source[PodsSeen]):
    """Asks every pod of ``asked`` that ``pods`` knows. The connector is shared and stays open.

    ``looks`` is how many looks one connection to a pod carries.
    """

    def __init__(
        self,
        asked: PodsAsked,
        pods: KnowsPods,
        *,
        clock: Clock,
        connector: Connector,
        base: Path,
        looks: int = KEPT_LOOKS,
    ) -> None:
        self._asked = asked
        self._pods = pods
        self._clock = clock
        self._connector = connector
        self._base = base
        self._looks = looks
        self._probes: dict[tuple[str, str, ProbeKind], HttpProbe] = {}
        self._room = asyncio.Semaphore(AT_ONCE)

    @property
    def id(self) -> SourceId:
        """``service/cluster``."""
        return self._asked.id

    @property
    def interval(self) -> float:
        """Seconds between looks."""
        return self._asked.interval

    @property
    def endpoint(self) -> str:
        """All probes are one place on the screen, which is at no address."""
        return ""

    async def collect(self) -> Reading[PodsSeen]:
        """Look at each pod once."""
        began = self._clock.now()
        try:
            seen = await self.look()
        except ClusterError as error:
            return self._failed(began, error.fault)
        except TimeoutError:
            message = f"{self._asked.cluster} has not said in time which pods there are"
            return self._failed(began, Fault(FaultKind.LOCAL, message))
        except Exception as error:  # noqa: BLE001 - the source's boundary: a look fails alone
            fault = Fault(FaultKind.INTERNAL, f"{type(error).__name__} while asking pods")
            return self._failed(began, fault)
        now = self._clock.now()
        return Reading(self.id, now, now - began, value=seen)

    async def look(self) -> PodsSeen:
        """One look at each pod. Raises ClusterError, and TimeoutError."""
        asked = self._asked
        pods, client = await self._pods.pods_of(asked.workloads, asked.timeout)
        wanted = [(pod, kind, health) for pod in pods for kind, health in asked.healths]
        await self._forget(pods)
        found = await asyncio.gather(*(self._one(client, *each) for each in wanted))
        there = {pod.id for pod in pods}
        if not all(map(_is_well, found)):
            still, _ = await self._pods.pods_of(asked.workloads, asked.timeout)
            there = {pod.id for pod in still}
        # Whether a pod is gone its cluster says: what came by the proxy, it may have said itself.
        looks = tuple(each for each in found if each.pod in there)
        return PodsSeen(asked.service, asked.cluster, looks)

    async def close(self) -> None:
        """Close every connection; idempotent."""
        probes, self._probes = self._probes, {}
        await asyncio.gather(*(probe.close() for probe in probes.values()))

    async def _forget(self, pods: Iterable[Replica]) -> None:
        """Let go of what was kept for pods that are not there any more, or are elsewhere."""
        known = {(pod.id, pod.address) for pod in pods}
        for key in [key for key in self._probes if key[:2] not in known]:
            await self._probes.pop(key).close()

    async def _one(
        self, client: ClusterClient, pod: Replica, kind: ProbeKind, health: Health
    ) -> PodLook:
        asked = self._asked
        port = asked.port or next((each.private for each in pod.ports), None)
        if port is None:
            what = probe_of_pod(asked, kind, health, pod.name, "")
            message = f"{pod.name} declares no port"
            fault = Fault(FaultKind.LOCAL, message, "name one: health: {port: …}")
            unread: Reading[HealthReport] = Reading(what.id, self._clock.now(), 0.0, fault=fault)
            return PodLook(pod.id, pod.name, kind, what.primary, "", unread)
        key = (pod.id, pod.address, kind)
        probe = self._probes.get(key)
        proxied = asked.through == "proxy"
        below = base_of(pod.namespace, pod.name, port)
        base = f"{client.endpoint}{below}" if proxied else f"http://{_host(pod.address)}:{port}"
        what = probe_of_pod(asked, kind, health, pod.name, base)
        if probe is None:
            probe = self._probes[key] = self._made(what, client, below if proxied else "")
        async with self._room:
            reading = await probe.collect()
        return PodLook(pod.id, pod.name, kind, what.primary, what.url, reading)

    def _made(self, what: Asked, client: ClusterClient, below: str) -> HttpProbe:
        """A probe at its URL, or through the proxy ``below`` a pod."""
        if below:
            target = ProxiedPod(client, join_url(below, what.health.path), what.health.method)
            return HttpProbe(what, target, clock=self._clock)
        return HttpProbe.at_its_url(
            what,
            clock=self._clock,
            connector=self._connector,
            base=self._base,
            looks=self._looks,
        )

    def _failed(self, began: float, fault: Fault) -> Reading[PodsSeen]:
        now = self._clock.now()
        return Reading(self.id, now, now - began, fault=fault)


def _is_well(look: PodLook) -> bool:
    return look.reading.value is not None and look.reading.value.state is State.OK


def _host(address: str) -> str:
    return f"[{address}]" if ":" in address else address
