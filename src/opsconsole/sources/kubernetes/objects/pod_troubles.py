"""Why a pod does not serve, from what it says itself and from what is said of it. Pure.

Invariant: a code is found by Kubernetes' own reasons; where only a message keeps two things apart,
and its words are others, the code is the general one and the message stands beside it.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from opsconsole.model.running.troubles import Trouble, TroubleCode
from opsconsole.sources.kubernetes.objects.containers import (
    OUT_OF_MEMORY,
    Condition,
    Container,
    Ended,
)

_C = TroubleCode
_PULLS: Final = frozenset(
    {"ErrImagePull", "ImagePullBackOff", "RegistryUnavailable", "ImageInspectError"}
    | {"SignatureValidationFailed"}
)
_NOT_MADE: Final = frozenset(
    {"CreateContainerError", "RunContainerError", "PreStartHookError", "PostStartHookError"}
    | {"PreCreateHookError", "CreatePodSandboxError", "ContainerCannotRun", "StartError"}
)
_GONE: Final = re.compile(r"not found|manifest unknown|no such image|notfound", re.IGNORECASE)
_REFUSED: Final = re.compile(
    r"unauthori[sz]ed|access denied|denied|forbidden|no basic auth|authentication required|401|403",
    re.IGNORECASE,
)
_NODES: Final = re.compile(r"(\d+)/(\d+) nodes are available:\s*(.*)", re.DOTALL)
_AFTERWARDS: Final = re.compile(r"\.? (?:preemption|no new claims to deallocate)\b.*", re.DOTALL)
_WHY: Final = re.compile(r"(\d+) (.+?)(?=, \d+ |$)", re.DOTALL)
_CLAIM: Final = re.compile(r'persistentvolumeclaim "([^"]{1,253})"', re.IGNORECASE)
_CLAIMS: Final = re.compile(r"persistentvolumeclaim|volume node affinity", re.IGNORECASE)
_STATUS: Final = re.compile(r"statuscode: (\d{3})")
_SAID: Final = re.compile(r"(?:Readiness|Liveness|Startup) probe (?:failed|errored)[^:]*: ?", re.I)
_KINDS: Final = {
    "readiness": _C.NOT_READY, "liveness": _C.NOT_LIVE, "startup": _C.NOT_STARTED,
}  # fmt: skip
_DETAIL: Final = 200


def of_pod(
    reason: str,
    message: str,
    conditions: Mapping[str, Condition],
    containers: Iterable[Container],
) -> Trouble | None:
    """What keeps a pod from running by its own account; None where nothing does.

    ``reason`` and ``message`` are those of its status.
    """
    if reason == "Evicted":
        return Trouble(_C.EVICTED, message[:_DETAIL])
    if reason == "NodeLost":
        return Trouble(_C.NODE_LOST, message[:_DETAIL])
    scheduled = conditions.get("PodScheduled")
    if scheduled is not None and scheduled.status == "False":
        return unscheduled(scheduled)
    for each in containers:
        found = _waits(each) or _init_fails(each)
        if found is not None:
            return found
    return None


def unscheduled(scheduled: Condition) -> Trouble:
    """Why a pod is on no node: which nodes do not fit, the commonest reason first."""
    if scheduled.reason == "SchedulingGated":
        return Trouble(_C.UNSCHEDULABLE, "it is held by a scheduling gate", at=scheduled.since)
    message = _AFTERWARDS.sub("", scheduled.message).strip().rstrip(".")
    claim = _CLAIM.search(message)
    found = _NODES.match(message)
    why = message
    if found is not None:
        reasons = sorted(_WHY.findall(found[3]), key=lambda each: -int(each[0]))
        why = ", ".join(dict.fromkeys(_plain(said) for _, said in reasons)) or _plain(found[3])
    if _CLAIMS.search(message):
        return Trouble(
            _C.VOLUME_AWAITED, why[:_DETAIL], claim[1] if claim else "", at=scheduled.since
        )
    fits, nodes = (int(found[1][:9]), int(found[2][:9])) if found is not None else (None, None)
    return Trouble(_C.UNSCHEDULABLE, why[:_DETAIL], "", fits, nodes, scheduled.since)


def _plain(said: str) -> str:
    said = said.strip().rstrip(".").removeprefix("node(s) ")
    return said[:1].lower() + said[1:]


def _waits(container: Container) -> Trouble | None:
    reason, name = container.waiting, container.name
    ended = container.ended
    if not reason and ended is not None and ended.reason in _NOT_MADE:
        return Trouble(_C.NOT_CREATED, _cause(ended.message), name)
    if reason in _NOT_MADE:
        return Trouble(_C.NOT_CREATED, _cause(container.said), name)
    if reason == "CreateContainerConfigError":
        return Trouble(_C.NOT_CONFIGURED, container.said[:_DETAIL], name)
    if reason == "InvalidImageName":
        return Trouble(_C.IMAGE_NOT_PULLED, "its name is none", container.image)
    if reason == "ErrImageNeverPull":
        return Trouble(_C.IMAGE_NOT_HERE, "", container.image)
    if reason in _PULLS:
        return not_pulled(container.image, container.said)
    last = container.before
    if last is not None and last.reason in _NOT_MADE:
        return Trouble(_C.NOT_CREATED, _cause(last.message), name)
    return None


def _init_fails(container: Container) -> Trouble | None:
    """Why the others do not begin: an init container that ends with a failure."""
    end = container.last_end
    if not container.init or end is None or container.running_since is not None:
        return None
    if end.reason == OUT_OF_MEMORY:
        said = "out of memory"
    elif end.code:
        said = ""
    else:
        return None
    runs = container.restarts + (1 if container.ended is not None else 0)
    return Trouble(_C.INIT_FAILS, said, container.name, end.code, runs, end.finished_at)


def not_pulled(image: str, said: str) -> Trouble:
    """Why ``image`` could not be pulled. A registry says *not found or refused* of what is not
    there; it is not found then."""
    if _GONE.search(said):
        return Trouble(_C.IMAGE_NOT_FOUND, "", image)
    if "does not exist" in said:
        return Trouble(_C.IMAGE_NOT_FOUND, "", image)
    if _REFUSED.search(said):
        return Trouble(_C.IMAGE_REFUSED, "", image)
    # Where it says only that it waits, why is in the events.
    waits = said.startswith("Back-off pulling image") and ": " not in said
    return Trouble(_C.IMAGE_NOT_PULLED, "" if waits else _seen(_cause(said)), image)


def of_probe(message: str, at: float | None) -> Trouble | None:
    """What an event says of a probe that failed; None where it says something else."""
    found = _SAID.match(message)
    if found is None:
        return None
    return Trouble(_KINDS[found[0].split()[0].lower()], _seen(message[found.end() :]), at=at)


def _seen(said: str) -> str:
    """What a probe saw, in a few words: ``HTTP 503``, ``connection refused``."""
    status = _STATUS.search(said)
    if status is not None:
        return f"HTTP {status[1]}"
    for words, brief in (
        ("connection refused", "connection refused"),
        ("deadline exceeded", "no answer in time"),
        ("Client.Timeout", "no answer in time"),
        ("timed out", "no answer in time"),
        ("no route to host", "no route to host"),
    ):
        if words in said:
            return brief
    lines = [each.strip() for each in said.splitlines() if each.strip()]
    return (lines[-1] if lines else "")[:_DETAIL]


def _cause(said: str) -> str:
    """The end of a chain of errors, where its cause stands."""
    said = said.strip()
    tail = said.rsplit("desc = ", 1)[-1]
    tail = tail.removeprefix("Error response from daemon: ")
    if len(tail) > _DETAIL:
        tail = f"…{tail[-_DETAIL:]}"
    return tail


def killed_by_probe(ended: Ended | None, at: float | None) -> bool:
    """Whether a container may have ended so because of a probe that failed last at ``at``.

    A probe ends it by SIGTERM, then SIGKILL; an event is said rarely once it was said often.
    """
    finished = ended.finished_at if ended is not None else None
    if ended is None or finished is None or at is None or ended.code not in _BY_SIGNAL:
        return False
    return at - finished <= _GRACE and finished - at <= _LATER


_BY_SIGNAL: Final = frozenset({0, 137, 143})
_GRACE: Final = 5.0
_LATER: Final = 3600.0
