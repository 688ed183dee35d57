"""What keeps a copy from being made, from starting or from serving, as a code with its figures.

Invariant: it was read from what runs the copy, and its ``detail`` is what that said; words are made
in ``render.service.why``. How a copy ended (exit code, lack of memory, a loop) is its own.
"""

from enum import StrEnum

from opsconsole.dataclass import dataclass


class TroubleCode(StrEnum):
    """What it is. ``part``: a container within the copy, a claim, a node; as the comments say."""

    IMAGE_NOT_FOUND = "image-not-found"  # part: the container, detail: the image
    IMAGE_REFUSED = "image-refused"  # the registry wants other credentials
    IMAGE_NOT_HERE = "image-not-here"  # it is never pulled, and the node has none
    IMAGE_NOT_PULLED = "image-not-pulled"  # detail: what was said
    UNSCHEDULABLE = "unschedulable"  # detail: why, count: nodes that fit, of: all
    VOLUME_AWAITED = "volume-awaited"  # part: volume or claim, detail: what was said
    NOT_CONFIGURED = "not-configured"  # detail: the ConfigMap, Secret or key that is not there
    NOT_CREATED = "not-created"  # detail: what was said
    QUOTA_EXCEEDED = "quota-exceeded"  # part: the quota, detail: of what
    INIT_FAILS = "init-fails"  # part: the init container, count: its exit code, of: how often
    NOT_READY = (
        "not-ready"  # detail: what its readiness probe saw, or how the container ``part`` ended
    )
    NOT_LIVE = "not-live"  # detail: what its liveness probe saw
    NOT_STARTED = "not-started"  # detail: what its startup probe saw
    EVICTED = "evicted"  # detail: why
    NODE_LOST = "node-lost"  # part: the node, detail: what it says of itself
    OVERDUE = "overdue"  # a rollout that makes no progress; detail: what was said
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Trouble:
    """``at`` is when it was said first, None where that is not known."""

    code: TroubleCode
    detail: str = ""
    part: str = ""
    count: int | None = None
    of: int | None = None
    at: float | None = None
