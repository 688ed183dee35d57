"""One cluster: its workloads and pods, and what changes there.

Invariants:

* Each kind is followed by a reflector of its own. A look takes what these know at the moment, so
  that it costs the server nothing; the first one waits for the first lists.
* What the rights do not allow is said for that kind alone. Without pods nothing is known, and that
  is a fault.
* Everything that this object remembers is touched on the event loop alone.
"""

import asyncio
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from opsconsole.clock import Clock, skew
from opsconsole.config.kubernetes import KubernetesCluster
from opsconsole.model.events import Event
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.reading import Reading
from opsconsole.model.running.workloads import Inventory, Place, PlaceKind, Replica
from opsconsole.model.source_id import SourceId, SourceKind
from opsconsole.sources.base import Source
from opsconsole.sources.json_fields import text
from opsconsole.sources.kubernetes.api.client import ClusterClient
from opsconsole.sources.kubernetes.api.cluster_error import ClusterError
from opsconsole.sources.kubernetes.api.kubeconfig import access_of
from opsconsole.sources.kubernetes.inventory import Assembler, owner_of
from opsconsole.sources.kubernetes.objects import timeline
from opsconsole.sources.kubernetes.objects.cluster_events import Said
from opsconsole.sources.kubernetes.objects.nodes import Node
from opsconsole.sources.kubernetes.objects.pods import Pod
from opsconsole.sources.kubernetes.objects.workloads import Controller
from opsconsole.sources.kubernetes.reflector import Change
from opsconsole.sources.kubernetes.usage import UsageWatch, Used
from opsconsole.sources.kubernetes.watches import Watches, kinds_of
from opsconsole.threads import BoundedExecutor, QueueFullError, fault_of

LEARNT: Final = 3600.0
"""Seconds before the first look of which is shown what the cluster still knows of them."""

_RARELY: Final = 60.0
_LOOK: Final = 0.02
_SOON: Final = 1.0
_PATIENCE: Final = 3.0


class KubernetesSource(Source[Inventory]):
    """Looks at ``cluster``. ``on_event`` is called on the loop; ``base`` is where paths begin."""

    def __init__(
        self,
        cluster: KubernetesCluster,
        clock: Clock,
        on_event: Callable[[Event], None],
        base: Path = Path(),
        *,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._cluster = cluster
        self._clock = clock
        self._on_event = on_event
        self._base = base
        self._environ = os.environ if environ is None else environ
        self._id = SourceId(SourceKind.KUBERNETES, cluster.name)
        self._place = Place(PlaceKind.CLUSTER, cluster.name)
        self._assembler = Assembler(self._place)
        self._threads = BoundedExecutor(cluster.name, 1)
        self._client: ClusterClient | None = None
        self._watches: Watches | None = None
        self._usage: UsageWatch | None = None
        self._used: Used = {}
        self._version = ""
        self._version_due = 0.0
        self._changed: list[Change[Controller]] = []
        self._touched = True
        self._last: Inventory | None = None
        self._copies: dict[str, list[Replica]] = {}
        self._failed: Fault | None = None
        self._past: asyncio.TimerHandle | None = None

    @property
    def id(self) -> SourceId:
        """The cluster's configured name."""
        return self._id

    @property
    def interval(self) -> float:
        """Seconds between looks."""
        return self._cluster.interval

    @property
    def endpoint(self) -> str:
        """The API server that is asked; '' until it is known."""
        return self._client.endpoint if self._client is not None else ""

    async def collect(self) -> Reading[Inventory]:
        """What is known now, within the configured timeout."""
        began = self._clock.now()
        try:
            seen = await self._look(time.monotonic() + self._cluster.timeout)
        except ClusterError as error:
            return self._reading(began, fault=error.fault)
        except (TimeoutError, QueueFullError) as error:
            where = self.endpoint or self._cluster.name
            return self._reading(began, fault=fault_of(error, where, self._cluster.timeout))
        except Exception as error:  # noqa: BLE001 - the source's boundary: a look fails alone
            fault = Fault(FaultKind.INTERNAL, f"{type(error).__name__} while reading a cluster")
            return self._reading(began, fault=fault)
        return self._reading(began, seen=seen)

    async def pods_of(
        self, workloads: tuple[str, ...], within: float
    ) -> tuple[tuple[Replica, ...], ClusterClient]:
        """The pods of ``workloads`` (full names) that run now, and how the cluster is asked.

        Raises ClusterError, and TimeoutError where that is not known ``within`` seconds.
        """
        ends = time.monotonic() + within
        while self._last is None or self._watches is None or self._client is None:
            if self._failed is not None:
                raise ClusterError(self._failed)
            if time.monotonic() > ends:
                raise TimeoutError
            await self._clock.sleep(_LOOK)
        watched = self._watches.pods
        if watched.fault is not None:
            raise ClusterError(watched.fault)
        copies = [each for name in workloads for each in self._copies.get(name, ())]
        now = ((each, watched.find(each.namespace, each.name)) for each in copies)
        return (
            tuple(each for each, pod in now if pod is not None and _is_it(pod, each)),
            self._client,
        )

    async def close(self) -> None:
        """End all watches and drop the connections."""
        if self._past is not None:
            self._past.cancel()
        watches, self._watches = self._watches, None
        usage, self._usage = self._usage, None
        client, self._client = self._client, None
        if usage is not None:
            await usage.close()
        if watches is not None:
            await watches.close()
        if client is not None:
            await client.close()
        self._threads.close()

    def _reading(
        self, began: float, *, seen: Inventory | None = None, fault: Fault | None = None
    ) -> Reading[Inventory]:
        now = self._clock.now()
        self._failed = fault
        return Reading(self._id, now, now - began, value=seen, fault=fault)

    async def _look(self, ends: float) -> Inventory:
        watches = await self._following(ends)
        await self._settle(watches, ends)
        await self._ask_version(watches, ends)
        fault = watches.pods.fault
        if fault is not None:
            raise ClusterError(fault)
        if not watches.runs_settled:
            raise TimeoutError
        self._tell_changes(watches)
        unread, used = watches.unread, self._usage.used if self._usage is not None else {}
        if self._usage is not None:
            unread = (*unread, *self._usage.unread)
        may_stay = not self._touched and not self._assembler.changes_by_itself
        may_stay = may_stay and used == self._used and self._ahead() == self._assembler.ahead
        if self._last is not None and may_stay and unread == self._last.unread:
            return self._last
        self._touched, self._used = False, used
        self._assembler.ahead = self._ahead()
        self._last = self._assembler.assemble(
            replace(watches.objects, unread=unread, usage=used),
            self.endpoint,
            self._version,
            self._now(),
        )
        self._copies = {}
        for each in self._last.replicas:
            self._copies.setdefault(each.workload, []).append(each)
        if self._past is None:
            # What is found by this very look is a service by then, and knows its own.
            loop = asyncio.get_running_loop()
            self._past = loop.call_later(_SOON, self._tell_past, watches)
        return self._last

    async def _settle(self, watches: Watches, ends: float) -> None:
        """Wait for what runs; at first, and for a moment, for all else too."""
        patience = time.monotonic() + _PATIENCE
        while not watches.settled and time.monotonic() < ends:
            if watches.runs_settled and (self._last or time.monotonic() > patience):
                return
            await self._clock.sleep(_LOOK)

    async def _following(self, ends: float) -> Watches:
        """The watches, begun at the first look that finds the cluster."""
        if self._watches is not None:
            return self._watches
        if self._client is None:
            access = await self._threads.run(
                partial(access_of, self._cluster, dict(self._environ), base=self._base),
                deadline=max(0.001, ends - time.monotonic()),
            )
            self._client = ClusterClient(access, timeout=self._cluster.timeout)
        kinds = await kinds_of(self._client, self._place)
        self._watches = Watches(
            self._client,
            kinds,
            self._cluster,
            self._clock,
            pods=self._pod_changed,
            controllers=self._controller_changed,
            nodes=self._node_changed,
            events=self._heard,
            others=self._touch,
        )
        self._watches.start()
        self._usage = UsageWatch(self._client, self._cluster, self._clock)
        self._usage.start()
        return self._watches

    async def _ask_version(self, watches: Watches, ends: float) -> None:
        """Ask for the server's version now and then; where watches wait for it, at once.

        Where it is back, what runs is known as soon as its watches have shown that they stand.
        """
        now, lost = self._clock.now(), watches.lost
        waits = watches.waits or bool(lost)
        if (now < self._version_due and not waits) or self._client is None:
            return
        try:
            answer = await self._client.get("/version")
        except ClusterError:
            return
        self._version = text(answer.get("gitVersion"), 64)
        self._version_due = now + _RARELY
        if waits:
            watches.hasten()
        while any(each.fault is not None for each in lost) and time.monotonic() < ends:
            await self._clock.sleep(_LOOK)

    def _touch(self, _: object) -> None:
        self._touched = True

    def _pod_changed(self, change: Change[Pod]) -> None:
        self._touched = True
        for event in timeline.of_pod(change.before, change.after, self._now()):
            self._report(replace(event, about=self._about(change.after or change.before)))

    def _controller_changed(self, change: Change[Controller]) -> None:
        # Who scaled it is known when its autoscaler has said so too.
        self._touched = True
        self._changed.append(change)

    def _node_changed(self, change: Change[Node]) -> None:
        self._touched = True
        for event in timeline.of_node(change.before, change.after, self._now()):
            self._report(event)

    def _heard(self, change: Change[Said]) -> None:
        self._touched = True
        if change.before is None and change.after is not None:
            self._tell(change.after)

    def _tell(self, said: Said) -> None:
        event = timeline.of_said(said)
        if event is None or self._watches is None:
            return
        pod = self._watches.pods.find(said.namespace, said.name)
        if pod is None or not timeline.disrupted(pod):
            self._report(replace(event, about=self._about(pod)))

    def _tell_changes(self, watches: Watches) -> None:
        changed, self._changed = self._changed, []
        scalers = {each.of: each.autoscaler.name for each in watches.scalers.objects}
        for each in changed:
            if each.before is not None and each.after is not None:
                by = scalers.get(each.after.workload.name, "")
                for event in timeline.of_controller(each.before, each.after, self._now(), by):
                    self._report(event)

    def _tell_past(self, watches: Watches) -> None:
        """What the cluster still knows of the time before the first look; once."""
        since = self._now() - LEARNT
        for pod in watches.pods.objects:
            for event in timeline.ends_of(pod, since):
                self._report(replace(event, about=self._about(pod)))
        for controller in watches.all_controllers:
            for event in timeline.rollout_of(controller, watches.revisions_of(controller), since):
                self._report(event)
        for said in watches.events.objects:
            if (said.at or 0.0) >= since:
                self._tell(said)

    def _about(self, pod: Pod | None) -> str:
        """The full name of the workload of ``pod``."""
        if pod is None or self._watches is None:
            return ""
        return owner_of(pod, self._watches.owners_of(pod)).name

    def _now(self) -> float:
        """By the cluster's clock, as all of its times are."""
        return self._clock.now() + skew(self._clock) + self._ahead()

    def _ahead(self) -> float:
        """By how many seconds the cluster's clock is ahead of this machine's."""
        return self._client.ahead if self._client is not None else 0.0

    def _report(self, event: Event) -> None:
        at = min(event.at - skew(self._clock) - self._ahead(), self._clock.now())
        self._on_event(replace(event, at=at, place=self._place.name))


def _is_it(pod: Pod, copy: Replica) -> bool:
    """Whether ``pod`` is the ``copy`` of before, and runs."""
    return pod.meta.uid == copy.id and pod.counts and pod.replica.runs
