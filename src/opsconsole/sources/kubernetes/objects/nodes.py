"""Nodes, and whether pods can be on them. Pure.

Shape: ``v1`` ``Node`` of Kubernetes 1.20 to 1.36.
"""

from collections.abc import Mapping
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.model.running.nodes import ClusterNode
from opsconsole.sources.json_fields import mapping, text
from opsconsole.sources.kubernetes.objects.containers import Condition, read_conditions
from opsconsole.sources.kubernetes.objects.metadata import NAME_LIMIT, Metadata, read_metadata
from opsconsole.sources.kubernetes.objects.quantities import quantity, size

_READY: Final = {"True": True, "False": False}
_PRESSES: Final = ("MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable")
_SAID: Final = 200


@dataclass(frozen=True, slots=True)
class Node:
    """``ready`` is its condition of that name; ``cordoned``: no new pods are put there.

    ``seen`` is what it is to the console.
    """

    meta: Metadata
    ready: Condition
    cordoned: bool
    version: str
    seen: ClusterNode


def read_node(item: Mapping[str, object]) -> Node | None:
    """The node ``item``; None where it is none."""
    meta = read_metadata(item)
    if meta is None:
        return None
    status = mapping(item.get("status"))
    conditions = read_conditions(status)
    ready = conditions.get("Ready", Condition("Unknown"))
    cordoned = mapping(item.get("spec")).get("unschedulable") is True
    version = text(mapping(status.get("nodeInfo")).get("kubeletVersion"), NAME_LIMIT)
    room = mapping(status.get("allocatable"))
    seen = ClusterNode(
        meta.name,
        _READY.get(ready.status),
        ready.since,
        "" if ready.status == "True" else (ready.message or ready.reason)[:_SAID],
        tuple(
            each for each in _PRESSES if each in conditions and conditions[each].status == "True"
        ),
        cordoned,
        version,
        quantity(room.get("cpu")),
        size(room.get("memory")),
    )
    return Node(meta, ready, cordoned, version, seen)
