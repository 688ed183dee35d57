"""Nodes, and whether pods can be on them. Pure.

Shape: ``v1`` ``Node`` of Kubernetes 1.20 to 1.36.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from opsconsole.sources.json_fields import mapping, text
from opsconsole.sources.kubernetes.objects.containers import Condition, read_conditions
from opsconsole.sources.kubernetes.objects.metadata import NAME_LIMIT, Metadata, read_metadata


@dataclass(frozen=True, slots=True)
class Node:
    """``ready`` is its condition of that name; ``cordoned``: no new pods are put there."""

    meta: Metadata
    ready: Condition
    cordoned: bool
    version: str


def read_node(item: Mapping[str, object]) -> Node | None:
    """The node ``item``; None where it is none."""
    meta = read_metadata(item)
    if meta is None:
        return None
    status = mapping(item.get("status"))
    return Node(
        meta,
        read_conditions(status).get("Ready", Condition("Unknown")),
        mapping(item.get("spec")).get("unschedulable") is True,
        text(mapping(status.get("nodeInfo")).get("kubeletVersion"), NAME_LIMIT),
    )
