"""What components of a cluster say of its objects: core ``Event`` objects. Pure.

Invariant: the time is that of the component which says it; a message that is said again counts on.
What explains nothing is not kept: a cluster says thousands of things in an hour.

Shape: ``v1`` ``Event`` of Kubernetes 1.20 to 1.36, in both ways of giving a time.
"""

from collections.abc import Mapping
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.sources.json_fields import integer, mapping, read_time, text
from opsconsole.sources.kubernetes.objects.metadata import NAME_LIMIT, read_metadata

RELEVANT: Final = frozenset(
    {"Unhealthy", "Failed", "FailedMount", "FailedAttachVolume", "FailedCreate"}
    | {"FailedCreatePodSandBox", "FailedBinding", "ProvisioningFailed", "Preempted"}
    | {"TaintManagerEviction"}
)
"""The reasons of what is kept."""

_MESSAGE: Final = 600


@dataclass(frozen=True, slots=True)
class Said:
    """``about`` is the uid of its object, which is of ``kind`` and called ``name``; ``at`` is when
    it was said last, ``count`` how often. ``by`` is the component that says it."""

    uid: str
    reason: str
    message: str
    about: str
    kind: str
    name: str
    namespace: str
    at: float | None
    first: float | None
    count: int
    by: str
    warns: bool


def read_said(item: Mapping[str, object]) -> Said | None:
    """The event ``item``; None where it is none, or explains nothing."""
    meta = read_metadata(item)
    if meta is None or text(item.get("reason"), NAME_LIMIT) not in RELEVANT:
        return None
    about = mapping(item.get("involvedObject"))
    series = mapping(item.get("series"))
    first = read_time(item.get("firstTimestamp")) or read_time(item.get("eventTime"))
    last = read_time(series.get("lastObservedTime")) or read_time(item.get("lastTimestamp"))
    by = mapping(item.get("source")).get("component") or item.get("reportingComponent")
    return Said(
        meta.uid,
        text(item.get("reason"), NAME_LIMIT),
        text(item.get("message"), _MESSAGE),
        text(about.get("uid"), NAME_LIMIT),
        text(about.get("kind"), NAME_LIMIT),
        text(about.get("name"), NAME_LIMIT),
        text(about.get("namespace"), NAME_LIMIT),
        last or first or meta.created_at,
        first or meta.created_at,
        integer(series.get("count")) or integer(item.get("count")) or 1,
        text(by, NAME_LIMIT),
        item.get("type") == "Warning",
    )
