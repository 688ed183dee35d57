"""How far a workload has come after a change: what its own object and its pods say. Pure.

Invariant: done means that its controller has seen what is wanted, that all copies are of the new
revision and available, and that no old one is left. That a rollout has taken too long counts only
where the cluster said so after the change: what it said of the bad version before an undo is old.
A StatefulSet is stuck where one of its pods, of a revision before, never gets ready: it waits for
that pod, whatever its template says.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.model.state import State
from opsconsole.operations.drivers.kubernetes import fields
from opsconsole.operations.drivers.kubernetes.fields import JsonObject
from opsconsole.operations.drivers.kubernetes.pods import Pod
from opsconsole.operations.drivers.kubernetes.workloads import (
    Kind,
    Ref,
    is_ordered,
    partition,
    wanted,
)
from opsconsole.operations.driving.driver import Sight
from opsconsole.text import sanitize

MANAGER: Final = "opsconsole"
"""By what name the cluster keeps when this console last changed an object."""

_TOO_LONG: Final = "ProgressDeadlineExceeded"
_ALONE: Final = 12
"""Pods up to which each has a line of its own."""

_NAMED: Final = 8


@dataclass(frozen=True, slots=True)
class Progress:
    """``done`` with the rollout, or ``lost``: it will not get done by waiting."""

    said: str
    done: bool = False
    lost: bool = False
    observed: bool = True


def is_observed(read: JsonObject) -> bool:
    """Whether its controller has seen what is wanted of it."""
    seen = fields.number(read, "status", "observedGeneration")
    return seen >= fields.number(read, "metadata", "generation", default=1)


def progress(
    ref: Ref, read: JsonObject, pods: tuple[Pod, ...], current: str, *, replaces: bool = True
) -> Progress:
    """How far ``read`` is. ``current`` is the uid or the name of the revision that it goes to.

    ``replaces``: each pod is to be of that revision; otherwise their number alone counts.
    """
    if not is_observed(read):
        return Progress("its controller has not seen the change yet", observed=False)
    if replaces and fields.truth(read, "spec", "paused"):
        return Progress("its rollout is paused")
    stuck = stuck_pod(ref, read, pods, current) if replaces else None
    if stuck is not None and stuck.lost:
        said = (
            f"stuck: it waits for {stuck.name}, of a revision before ({stuck.detail}), which a "
            "call with do: delete-stuck-pod deletes"
        )
        return Progress(said, lost=True)
    counts = _counts(ref, read)
    missing = counts.missing(replaces=replaces)
    if not missing:
        how = "updated and available" if replaces else "available"
        return Progress(f"{counts.wanted} of {counts.wanted} {how}", done=True)
    if replaces and ref.kind is Kind.DEPLOYMENT and _took_too_long(read):
        return Progress(f"{missing}; the cluster gave up waiting ({_TOO_LONG})", lost=True)
    failure = _condition(read, "ReplicaFailure")
    if fields.text(failure, "status") == "True":
        missing += f"; {sanitize(fields.text(failure, 'message'), limit=200)}"
    return Progress(missing)


def stuck_pod(ref: Ref, read: JsonObject, pods: tuple[Pod, ...], current: str) -> Pod | None:
    """The pod, not ready and of another revision than ``current``, that all the others wait for."""
    if ref.kind is not Kind.STATEFUL_SET or not is_ordered(read) or not current:
        return None
    old = [each for each in pods if each.revision != current and each.state is not State.OK]
    return min(old, key=lambda each: (len(each.name), each.name), default=None)


def sights(
    ref: Ref, seen: Progress, pods: tuple[Pod, ...], current: str, *, replaces: bool
) -> tuple[Sight, ...]:
    """The workload, and each of its pods: of many, those that are not well and the rest as one.

    ``replaces``: the change replaces every pod, so that one of another revision is as before.
    """
    state = State.OK if seen.done else State.DEGRADED if seen.observed else State.UNKNOWN
    if seen.lost:
        state = State.DOWN
    whole = Sight(ref.said, state, seen.said, since_change=seen.done, lost=seen.lost)
    each = [_sight(pod, new=not replaces or is_of(pod, current)) for pod in pods]
    if len(each) <= _ALONE:
        return (whole, *each)
    ill = [it for it in each if it.state is not State.OK or not it.since_change]
    well = [it for it in each if it not in ill]
    rest = Sight(f"{len(well)} pods", State.OK, "ready", run=",".join(it.run for it in well))
    more = [it for it in ill if it.lost][:_NAMED] or ill[:_NAMED]
    return (whole, *more, rest) if well else (whole, *more)


def is_of(pod: Pod, current: str) -> bool:
    """Whether a pod is of the revision ``current``: its ReplicaSet's uid, or its label."""
    return bool(current) and current in {pod.owner, pod.revision}


def changed_at(read: JsonObject) -> float | None:
    """When this console last changed it, by the cluster's clock; None where it never has."""
    kept = fields.objects(read, "metadata", "managedFields")
    times = [
        fields.moment(each, "time")
        for each in kept
        if fields.text(each, "manager") == MANAGER and not fields.text(each, "subresource")
    ]
    return max((time for time in times if time is not None), default=None)


@dataclass(frozen=True, slots=True)
class _Counts:
    wanted: int
    updated: int
    available: int
    all: int
    to_update: int

    def missing(self, *, replaces: bool) -> str:
        """What of it is not as wanted yet; '' where all is."""
        if replaces and self.updated < self.to_update:
            return f"{self.updated} of {self.to_update} updated"
        if self.all > self.wanted:
            return f"{self.all - self.wanted} too many left"
        if self.all < self.wanted:
            return f"{self.all} of {self.wanted} there"
        if self.available < self.wanted:
            return f"{self.available} of {self.wanted} available"
        return ""


def _counts(ref: Ref, read: JsonObject) -> _Counts:
    status = fields.mapping(read, "status")
    match ref.kind:
        case Kind.DEPLOYMENT:
            count = wanted(read)
            return _Counts(count, *_numbers(status, "availableReplicas"), count)
        case Kind.STATEFUL_SET:
            count = wanted(read)
            ready = "availableReplicas" if "availableReplicas" in status else "readyReplicas"
            to_update = max(0, count - partition(read))
            return _Counts(count, *_numbers(status, ready), to_update)
        case Kind.DAEMON_SET:
            count = fields.number(status, "desiredNumberScheduled")
            updated = fields.number(status, "updatedNumberScheduled")
            available = fields.number(status, "numberAvailable")
            there = fields.number(status, "currentNumberScheduled")
            return _Counts(count, updated, available, there, count)


def _numbers(status: JsonObject, available: str) -> tuple[int, int, int]:
    updated = fields.number(status, "updatedReplicas")
    return updated, fields.number(status, available), fields.number(status, "replicas")


def _took_too_long(read: JsonObject) -> bool:
    condition = _condition(read, "Progressing")
    if fields.text(condition, "reason") != _TOO_LONG:
        return False
    said, changed = fields.moment(condition, "lastUpdateTime"), changed_at(read)
    # Both times are of whole seconds, so one of the same second may be of before.
    return said is not None and (changed is None or said > changed)


def _condition(read: JsonObject, kind: str) -> Mapping[str, object]:
    found: Iterable[JsonObject] = fields.objects(read, "status", "conditions")
    return next((each for each in found if fields.text(each, "type") == kind), {})


def _sight(pod: Pod, *, new: bool) -> Sight:
    detail = pod.detail if new else f"{pod.detail}, of a revision before"
    return Sight(pod.name, pod.state, detail, since_change=new, run=pod.run, lost=pod.lost and new)
