"""Objects of one kind in all namespaces that are looked at, as one.

Invariant: what was right too long ago is not passed on as what is there; a kind that the cluster's
rights, or its version, do not show affects no other kind.
"""

import asyncio
from collections.abc import Callable, Iterator
from typing import Final, Generic, TypeVar

from opsconsole.clock import Clock
from opsconsole.config.kubernetes import KubernetesCluster
from opsconsole.dataclass import dataclass
from opsconsole.model.fault import Fault
from opsconsole.model.running.workloads import Unread
from opsconsole.sources.kubernetes.api.wire import JsonObject
from opsconsole.sources.kubernetes.reflector import Api, Change, Reflector

T = TypeVar("T")

BELIEVED: Final = 15.0
"""Seconds for which what was right is passed on while the server is not reached."""


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """``what`` is the plural in paths below ``prefix``; ``labelled``: the selector chooses among
    them; ``spread``: they are in namespaces."""

    what: str
    prefix: str
    keep: Callable[[JsonObject], T | None]
    labelled: bool = False
    spread: bool = True


def paths_of(kind: Kind[T], cluster: KubernetesCluster) -> tuple[list[str], dict[str, str]]:
    """Where objects of ``kind`` are listed in ``cluster``, and with which parameters."""
    names = cluster.namespaces if kind.spread else ()
    paths = [f"{kind.prefix}/namespaces/{each}/{kind.what}" for each in names]
    chosen = {"labelSelector": cluster.selector} if kind.labelled and cluster.selector else {}
    return paths or [f"{kind.prefix}/{kind.what}"], chosen


class KindWatch(Generic[T]):
    """Follows one kind from ``start`` on; ``changed`` is called on the loop."""

    def __init__(
        self,
        api: Api,
        kind: Kind[T],
        cluster: KubernetesCluster,
        clock: Clock,
        changed: Callable[[Change[T]], None] | None = None,
    ) -> None:
        self.kind = kind
        self._clock = clock
        paths, params = paths_of(kind, cluster)
        self._reflectors = [
            Reflector(api, path, keep=kind.keep, clock=clock, params=params, changed=changed)
            for path in paths
        ]
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to follow; once."""
        self._tasks = [asyncio.create_task(each.run()) for each in self._reflectors]

    @property
    def settled(self) -> bool:
        """Whether it is known of all namespaces what is there, or why that is not known."""
        standings = [each.standing for each in self._reflectors]
        return all(each.right_at is not None or each.fault is not None for each in standings)

    @property
    def fault(self) -> Fault | None:
        """Why it is not known what is there now; None where it is."""
        for task in self._tasks:
            if task.done() and not task.cancelled():
                # A defect that ended it is the look's.
                task.result()
        now = self._clock.now()
        for each in self._reflectors:
            standing = each.standing
            old = standing.right_at is None or now - standing.right_at > BELIEVED
            if old and standing.fault is not None:
                return standing.fault
        return None

    @property
    def objects(self) -> Iterator[T]:
        """What is there; nothing where that is not known."""
        if self.fault is None:
            for each in self._reflectors:
                yield from each.objects.values()

    def find(self, namespace: str, name: str) -> T | None:
        """One object, where it is there."""
        found = (each.objects.get((namespace, name)) for each in self._reflectors)
        return next((each for each in found if each is not None), None)

    @property
    def unread(self) -> tuple[Unread, ...]:
        """The kind, where it is not known what is there."""
        fault = self.fault
        return () if fault is None else (Unread(self.kind.what, fault),)

    @property
    def waits(self) -> bool:
        """Whether something of it is tried again later; what is known may be older by then."""
        return any(each.waits for each in self._reflectors)

    def hasten(self) -> None:
        """The server was reached: what waits for it need not wait longer."""
        for each in self._reflectors:
            each.hasten()

    async def close(self) -> None:
        """End; waits for the connections to be dropped."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
