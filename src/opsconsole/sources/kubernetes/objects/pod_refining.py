"""What others say of a pod, put beside what it says itself: events, its node, its claims. Pure.

Invariant: an event counts only for the run of the pod that it was said of, and a probe that failed
once or twice while a pod starts is no trouble.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.model.running.troubles import Trouble, TroubleCode
from opsconsole.model.running.workloads import Phase
from opsconsole.model.state import State
from opsconsole.sources.kubernetes.objects.cluster_events import Said
from opsconsole.sources.kubernetes.objects.containers import Container
from opsconsole.sources.kubernetes.objects.nodes import Node
from opsconsole.sources.kubernetes.objects.pod_troubles import killed_by_probe, not_pulled, of_probe
from opsconsole.sources.kubernetes.objects.pods import Pod

_C = TroubleCode
_FAILURES: Final = 3
"""Failures of a readiness probe, as Kubernetes counts by default, until a pod is not ready."""

_BEFORE: Final = 60.0
"""Seconds that a probe fails, at most, until a pod is not ready, where it is asked rarely."""

_MOUNTS: Final = frozenset({"FailedMount", "FailedAttachVolume"})
_BINDS: Final = frozenset({"ProvisioningFailed", "FailedBinding"})
_VOLUME: Final = re.compile(r'volume "([^"]{1,253})"|volumes=\[([^\] ]{1,253})')
_DETAIL: Final = 200
_LOOP_OF: Final = 2

RECENT: Final = 600.0
"""Seconds that a container must run until Kubernetes forgets that it ended before."""


@dataclass(frozen=True, slots=True)
class Hearsay:
    """What is said of objects: ``of`` by uid, ``claims`` by namespace and name, ``nodes`` by name,
    each list in order of time."""

    of: Mapping[str, Sequence[Said]] = field(default_factory=dict)
    claims: Mapping[tuple[str, str], Said] = field(default_factory=dict)
    nodes: Mapping[str, Node] = field(default_factory=dict)


def heard(events: Iterable[Said], nodes: Iterable[Node]) -> Hearsay:
    """``events`` by what they are about."""
    of: dict[str, list[Said]] = {}
    claims: dict[tuple[str, str], Said] = {}
    for each in sorted(events, key=lambda said: said.at or 0.0):
        if each.kind == "PersistentVolumeClaim" and each.reason in _BINDS:
            claims[each.namespace, each.name] = each
        else:
            of.setdefault(each.about, []).append(each)
    return Hearsay(of, claims, {each.meta.name: each for each in nodes})


def loops(pod: Pod, now: float) -> int:
    """How often a container of ``pod`` has ended by itself, each time soon after its start.

    0 where it is no loop: where it has run longer than the cluster would remember it.
    """
    if not pod.counts or pod.replica.phase not in {Phase.RUNNING, Phase.RESTARTING}:
        return 0
    return max((_restarts(each, now) for each in pod.containers), default=0)


def _restarts(container: Container, now: float) -> int:
    end = container.last_end
    if container.restarts < _LOOP_OF or end is None or container.init:
        return 0
    if end.started_at is None or end.finished_at is None:
        return 0
    brief = end.finished_at - end.started_at < RECENT
    return container.restarts if brief and now - end.finished_at < RECENT else 0


def refined(pod: Pod, hearsay: Hearsay, loop: int = 0) -> tuple[Trouble | None, State]:
    """What keeps ``pod`` from serving, and its state, by all that is known.

    ``loop`` is how often it has ended although it runs at the moment.
    """
    replica = pod.replica
    lost = _node_lost(hearsay.nodes.get(replica.node))
    if pod.counts and lost is not None:
        # That it is ready is the last word of a node that says nothing now.
        return lost, State.UNKNOWN if replica.state is State.OK else State.DOWN
    if pod.counts and replica.state is State.OK and loop:
        return _not_live(pod, hearsay.of.get(replica.id, ())), State.DEGRADED
    if not pod.counts or replica.state is State.OK:
        return replica.trouble, replica.state
    said = hearsay.of.get(replica.id, ())
    trouble = _trouble(pod, said, hearsay)
    return trouble, State.DOWN if trouble is not None else replica.state


def _node_lost(node: Node | None) -> Trouble | None:
    if node is None or node.ready.status == "True":
        return None
    why = node.ready.message or node.ready.reason
    return Trouble(_C.NODE_LOST, why[:_DETAIL], node.meta.name, at=node.ready.since)


def _trouble(pod: Pod, said: Sequence[Said], hearsay: Hearsay) -> Trouble | None:
    replica = pod.replica
    own = replica.trouble
    if own is not None:
        return _completed(pod, own, said, hearsay)
    if replica.phase is Phase.PENDING:
        return None if _has_begun(pod) else _not_begun(said)
    if replica.loop or replica.phase is Phase.RESTARTING:
        return _not_live(pod, said)
    return _not_ready(pod, said)


def _completed(pod: Pod, own: Trouble, said: Sequence[Said], hearsay: Hearsay) -> Trouble:
    """``own`` with what the cluster says elsewhere of the same."""
    if own.code is _C.IMAGE_NOT_PULLED and not own.detail:
        # Another image of the same pod may be refused for another reason.
        named = f'to pull image "{own.part}"'
        pulls = [each for each in said if named in each.message]
        return not_pulled(own.part, pulls[-1].message) if pulls else own
    if own.code is _C.VOLUME_AWAITED:
        for claim in pod.claims:
            why = hearsay.claims.get((pod.meta.namespace, claim))
            if why is not None:
                return Trouble(own.code, why.message[:_DETAIL], claim, at=own.at)
        return Trouble(own.code, own.detail, own.part or next(iter(pod.claims), ""), at=own.at)
    return own


def _has_begun(pod: Pod) -> bool:
    """Whether it has its volumes and its network: what was said of these is over.

    It says so itself from 1.28 on.
    """
    prepared = pod.conditions.get("PodReadyToStartContainers")
    if prepared is not None:
        return prepared.status == "True"
    return any(each.running_since is not None or each.last_end for each in pod.containers)


def _not_begun(said: Sequence[Said]) -> Trouble | None:
    """Why a pod that has a node has no container yet."""
    for each in reversed(said):
        if each.reason in _MOUNTS:
            found = _VOLUME.search(each.message)
            volume = (found[1] or found[2]) if found is not None else ""
            return Trouble(_C.VOLUME_AWAITED, _end(each.message), volume, at=each.first)
        if each.reason == "FailedCreatePodSandBox":
            return Trouble(_C.NOT_CREATED, _end(each.message), at=each.first)
    return None


def _not_live(pod: Pod, said: Sequence[Said]) -> Trouble | None:
    """Whether it is its liveness or startup probe that ends it again and again."""
    if pod.replica.oom_killed:
        return None
    for each in reversed(said):
        found = of_probe(each.message, each.first) if each.reason == "Unhealthy" else None
        if found is not None and found.code is not _C.NOT_READY:
            ends = (container.last_end for container in pod.containers)
            if any(killed_by_probe(end, each.at) for end in ends):
                return found
    return None


def _not_ready(pod: Pod, said: Sequence[Said]) -> Trouble | None:
    """Why a pod that runs is not ready; None while it may still become so."""
    ready = pod.conditions.get("Ready")
    was_ready = pod.replica.state is State.DOWN
    since = pod.replica.started_at or 0.0
    if was_ready and ready is not None and ready.since is not None:
        # What was said while it was ready all the same did not end that.
        since = max(since, ready.since - _BEFORE)
    probes = [
        (found, each)
        for each in said
        if each.reason == "Unhealthy" and (each.at or 0.0) >= since
        if (found := of_probe(each.message, each.first)) is not None
    ]
    count = sum(each.count for found, each in probes if found.code is _C.NOT_READY)
    live = [found for found, _ in probes if found.code is _C.NOT_LIVE]
    if live:
        return live[-1]
    if count and (was_ready or count >= _FAILURES):
        return next(found for found, _ in reversed(probes) if found.code is _C.NOT_READY)
    if ready is not None and ready.reason == "ReadinessGatesNotReady":
        return Trouble(_C.NOT_READY, ready.message[:_DETAIL], at=ready.since)
    if was_ready and pod.replica.phase is Phase.RUNNING:
        at = ready.since if ready is not None else None
        over = next((each for each in pod.containers if each.ended and not each.init), None)
        return _over(over, at) if over is not None else Trouble(_C.NOT_READY, at=at)
    return None


def _over(container: Container, at: float | None) -> Trouble:
    """A container has ended beside others that run: no probe failed."""
    end = container.ended
    assert end is not None, "chosen for that"
    said = end.reason if end.code is None else f"exit {end.code}"
    return Trouble(_C.NOT_READY, said, container.name, at=at)


def _end(message: str) -> str:
    """The end of a message, where its cause stands."""
    said = message.rsplit("failed for volume ", 1)[-1].partition(" : ")[2] or message
    said = said.rsplit("desc = ", 1)[-1].strip()
    return said if len(said) <= _DETAIL else f"…{said[-_DETAIL:]}"
