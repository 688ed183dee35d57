"""What one pod is like, and whether waiting can make it well. Pure.

Invariant: a pod is ok when it says that it is ready, and nothing else makes it so. It is *lost*
when what it waits for does not come by waiting: its image does not come, its configuration is
wrong, or it has ended again and again. ``run`` names the run of its containers: it is another one
as soon as one of them has begun again.
"""

from collections.abc import Iterator
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.model.state import State
from opsconsole.operations.drivers.kubernetes import fields
from opsconsole.operations.drivers.kubernetes.fields import JsonObject
from opsconsole.text import sanitize

_IMAGE: Final = "image pull"
_START: Final = "container not started"
_LOST: Final = {
    "ErrImagePull": _IMAGE,
    "ImagePullBackOff": _IMAGE,
    "RegistryUnavailable": _IMAGE,
    "SignatureValidationFailed": _IMAGE,
    "ErrImageNeverPull": "the image is not on the node and may not be pulled",
    "InvalidImageName": "the image's name is wrong",
    "ImageInspectError": "the image cannot be read",
    "CreateContainerConfigError": "configuration",
    "CreateContainerError": "container not created",
    "PreCreateHookError": "container not created",
    "PreStartHookError": _START,
    "PostStartHookError": _START,
    "RunContainerError": _START,
    "ContainerCannotRun": _START,
}
_LOOPS: Final = "CrashLoopBackOff"
_AGAIN: Final = 2
"""Restarts from which on a pod that is not ready is in a loop."""

_OVER: Final = frozenset({"Succeeded", "Failed"})
_SHOWN: Final = 160


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod as it was read. ``revision`` is the label of its controller's revision."""

    name: str
    uid: str
    owner: str
    revision: str
    node: str
    state: State
    detail: str
    run: str
    lost: bool = False


def pods_of(listed: tuple[JsonObject, ...]) -> tuple[Pod, ...]:
    """Those that run or are to run, by name; what ends, or has ended, is not among them."""
    found = (_pod(each) for each in listed if not is_ending(each) and not _is_over(each))
    return tuple(sorted(found, key=lambda each: each.name))


def is_ending(read: JsonObject) -> bool:
    """Whether somebody has asked that it ends."""
    return bool(fields.text(read, "metadata", "deletionTimestamp"))


def is_ready(read: JsonObject) -> bool:
    """Whether it says that it is ready."""
    return _condition(read, "Ready") == "True"


def _is_over(read: JsonObject) -> bool:
    return fields.text(read, "status", "phase") in _OVER


def _pod(read: JsonObject) -> Pod:
    ready = is_ready(read)
    why, lost = ("ready", False) if ready else _why(read)
    restarts = sum(fields.number(each, "restartCount") for each in _statuses(read))
    detail = f"{why}, {restarts} restarts" if restarts else why
    starts = (fields.text(each, "state", "running", "startedAt") for each in _own(read))
    return Pod(
        name=sanitize(fields.text(read, "metadata", "name"), limit=_SHOWN),
        uid=sanitize(fields.text(read, "metadata", "uid"), limit=_SHOWN),
        owner=fields.owner(read),
        revision=fields.label(read, "controller-revision-hash"),
        node=sanitize(fields.text(read, "spec", "nodeName"), limit=_SHOWN),
        state=State.OK if ready else State.DOWN,
        detail=detail,
        run=f"{fields.text(read, 'metadata', 'uid')[:13]} {','.join(starts)}".strip(),
        lost=lost,
    )


def _why(read: JsonObject) -> tuple[str, bool]:
    """Why it is not ready, and whether waiting will not help."""
    for status in _statuses(read):
        reason = fields.text(status, "state", "waiting", "reason")
        if reason in _LOST:
            said = sanitize(fields.text(status, "state", "waiting", "message"), limit=_SHOWN)
            return f"{_LOST[reason]}: {said or reason}", True
        again = fields.number(status, "restartCount") >= _AGAIN and not fields.truth(
            status, "ready"
        )
        if reason == _LOOPS or again:
            return f"crash loop: {_last_end(status)}", True
    if _condition(read, "PodScheduled") == "False":
        conditions = fields.objects(read, "status", "conditions")
        of_it = (fields.text(each, "message") for each in conditions if _is(each, "PodScheduled"))
        return f"not placed: {sanitize(next(of_it, ''), limit=_SHOWN)}", False
    return next(_under_way(read), "not ready"), False


def _under_way(read: JsonObject) -> Iterator[str]:
    for status in _statuses(read):
        ended = fields.mapping(status, "state", "terminated")
        if ended and fields.number(ended, "exitCode"):
            yield _last_end(status)
        reason = fields.text(status, "state", "waiting", "reason")
        if reason:
            yield f"waits: {sanitize(reason, limit=_SHOWN)}"
    if fields.text(read, "status", "phase") == "Pending":
        yield "starting"


def _last_end(status: JsonObject) -> str:
    ended = fields.mapping(status, "state", "terminated")
    ended = ended or fields.mapping(status, "lastState", "terminated")
    reason = fields.text(ended, "reason")
    named = f", {sanitize(reason, limit=_SHOWN)}" if reason not in {"", "Error"} else ""
    return f"exit {fields.number(ended, 'exitCode')}{named}" if ended else "it ends by itself"


def _own(read: JsonObject) -> tuple[JsonObject, ...]:
    return fields.objects(read, "status", "containerStatuses")


def _statuses(read: JsonObject) -> tuple[JsonObject, ...]:
    return (*fields.objects(read, "status", "initContainerStatuses"), *_own(read))


def _condition(read: JsonObject, kind: str) -> str:
    conditions = fields.objects(read, "status", "conditions")
    return next((fields.text(each, "status") for each in conditions if _is(each, kind)), "")


def _is(condition: JsonObject, kind: str) -> bool:
    return fields.text(condition, "type") == kind
