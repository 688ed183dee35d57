"""Earlier and present templates of workloads: ReplicaSets and ControllerRevisions. Pure.

Shapes: ``apps/v1`` of Kubernetes 1.20 to 1.36.
"""

from collections.abc import Mapping

from opsconsole.dataclass import dataclass
from opsconsole.sources.json_fields import integer, mapping
from opsconsole.sources.kubernetes.objects.metadata import Metadata, read_metadata
from opsconsole.sources.kubernetes.objects.templates import Template, read_template
from opsconsole.sources.kubernetes.objects.workloads import REVISION


@dataclass(frozen=True, slots=True)
class Revision:
    """``number`` counts up; a workload that goes back gives an old template a new number."""

    meta: Metadata
    number: int
    template: Template


def read_replica_set(item: Mapping[str, object]) -> Revision | None:
    """A ReplicaSet of a Deployment; None where it is none."""
    meta = read_metadata(item)
    if meta is None:
        return None
    written = meta.annotations.get(REVISION, "")
    number = int(written) if written.isascii() and written.isdigit() else 0
    return Revision(meta, number, read_template(mapping(item.get("spec")).get("template")))


def read_controller_revision(item: Mapping[str, object]) -> Revision | None:
    """A revision of a StatefulSet or a DaemonSet; None where it is none."""
    meta = read_metadata(item)
    if meta is None:
        return None
    template = mapping(mapping(item.get("data")).get("spec")).get("template")
    return Revision(meta, integer(item.get("revision")) or 0, read_template(template))
