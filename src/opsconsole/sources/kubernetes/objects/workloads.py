"""Deployments, StatefulSets and DaemonSets as the console has them. Pure.

Invariant: ``running`` are the copies that are available, so that copies which start, fail or are
not ready count as missing. What a status says of an older generation is not believed of the
present one: its update is under way.

Shapes: ``apps/v1`` of Kubernetes 1.20 to 1.36.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.model.running.troubles import Trouble, TroubleCode
from opsconsole.model.running.workloads import Place, Update, Workload
from opsconsole.sources.json_fields import integer, mapping, text
from opsconsole.sources.kubernetes.objects.containers import Condition, read_conditions
from opsconsole.sources.kubernetes.objects.metadata import (
    NAME_LIMIT,
    NOBODY,
    OURS,
    Metadata,
    Touch,
    read_metadata,
    touched,
)
from opsconsole.sources.kubernetes.objects.templates import Template, read_template

REVISION: Final = "deployment.kubernetes.io/revision"
_QUOTA: Final = re.compile(r"exceeded quota: ([^,]+), requested: ([^\s]+)")
_DETAIL: Final = 200
_SAID: Final = 500


class WorkloadKind(StrEnum):
    """The three kinds that keep copies running."""

    DEPLOYMENT = "Deployment"
    STATEFUL_SET = "StatefulSet"
    DAEMON_SET = "DaemonSet"


@dataclass(frozen=True, slots=True)
class Controller:
    """A workload with what its changes are found by; ``workload`` is what it is to the console.

    ``scaled`` and ``changed`` are who set its number of copies and its template last.
    """

    kind: WorkloadKind
    meta: Metadata
    template: Template
    workload: Workload
    replicas: int | None = None
    held: bool = False
    scaled: Touch = NOBODY
    changed: Touch = NOBODY


@dataclass(frozen=True, slots=True)
class Counts:
    """What a status counts; ``total`` are all copies, of whatever revision."""

    wanted: int
    total: int
    updated: int
    available: int


def full_name(namespace: str, kind: str, name: str) -> str:
    """``NAMESPACE/KIND/NAME``, as a configuration names a workload."""
    return f"{namespace}/{kind.lower()}/{name}"


def read_controller(
    item: Mapping[str, object], kind: WorkloadKind, place: Place
) -> Controller | None:
    """The workload ``item``; None where it is none."""
    meta = read_metadata(item)
    if meta is None:
        return None
    spec, status = mapping(item.get("spec")), mapping(item.get("status"))
    template = read_template(spec.get("template"))
    conditions = read_conditions(status)
    counts = _counts(kind, spec, status)
    held = kind is WorkloadKind.DEPLOYMENT and spec.get("paused") is True
    current = (integer(status.get("observedGeneration")) or 0) >= meta.generation
    progress = conditions.get("Progressing", Condition(""))
    workload = Workload(
        id=meta.uid,
        name=full_name(meta.namespace, kind, meta.name),
        kind=kind.value,
        place=place,
        image=template.image,
        wanted=counts.wanted,
        running=min(counts.available, counts.wanted),
        update=_update(kind, spec, status, counts, held=held, current=current),
        said=_said(conditions, progress),
        updated=min(counts.updated, counts.wanted),
        revision=meta.annotations.get(REVISION, "")
        or text(status.get("updateRevision"), NAME_LIMIT),
        trouble=_trouble(conditions, progress) if current else None,
        labels={**meta.labels, **_ours(meta)},
    )
    replicas = integer(spec.get("replicas")) if kind is not WorkloadKind.DAEMON_SET else None
    touches = touched(item, "replicas"), touched(item, "template")
    return Controller(kind, meta, template, workload, replicas, held, *touches)


def _ours(meta: Metadata) -> dict[str, str]:
    """The annotations that are for this console, which go before labels of the same name."""
    return {key: each for key, each in meta.annotations.items() if key.startswith(OURS)}


def _counts(kind: WorkloadKind, spec: Mapping[str, object], status: Mapping[str, object]) -> Counts:
    def count(*keys: str) -> int:
        found = (integer(status.get(key)) for key in keys)
        return next((each for each in found if each is not None), 0)

    if kind is WorkloadKind.DAEMON_SET:
        wanted = count("desiredNumberScheduled")
        available = count("numberAvailable", "numberReady")
        return Counts(
            wanted, count("currentNumberScheduled"), count("updatedNumberScheduled"), available
        )
    asked = integer(spec.get("replicas"))
    wanted = 1 if asked is None else max(0, asked)
    # A StatefulSet says what is available from 1.22 on.
    keys = ("availableReplicas",)
    if kind is WorkloadKind.STATEFUL_SET and "availableReplicas" not in status:
        keys = ("readyReplicas",)
    return Counts(wanted, count("replicas"), count("updatedReplicas"), count(*keys))


def _update(
    kind: WorkloadKind,
    spec: Mapping[str, object],
    status: Mapping[str, object],
    counts: Counts,
    *,
    held: bool,
    current: bool,
) -> Update:
    if held:
        return Update.HELD
    if not current:
        return Update.RUNNING
    match kind:
        case WorkloadKind.DEPLOYMENT:
            under_way = counts.updated < min(counts.wanted, counts.total) or (
                counts.total > counts.updated
            )
        case WorkloadKind.STATEFUL_SET:
            strategy = mapping(spec.get("updateStrategy"))
            left = integer(mapping(strategy.get("rollingUpdate")).get("partition")) or 0
            other = status.get("currentRevision") != status.get("updateRevision")
            under_way = other and counts.updated < counts.wanted - left
        case WorkloadKind.DAEMON_SET:
            under_way = counts.updated < counts.wanted
    return Update.RUNNING if under_way else Update.NONE


def _said(conditions: Mapping[str, Condition], progress: Condition) -> str:
    failed = conditions.get("ReplicaFailure")
    if failed is not None and failed.status == "True":
        return failed.message[:_SAID]
    return progress.message[:_SAID] if progress.status == "False" else ""


def _trouble(conditions: Mapping[str, Condition], progress: Condition) -> Trouble | None:
    failed = conditions.get("ReplicaFailure")
    if failed is not None and failed.status == "True":
        return not_made(failed.message, failed.since)
    if progress.status == "False" and progress.reason == "ProgressDeadlineExceeded":
        return Trouble(TroubleCode.OVERDUE, at=progress.since)
    return None


def not_made(message: str, at: float | None) -> Trouble:
    """Why pods of a workload are not made, by what its controller was answered."""
    quota = _QUOTA.search(message)
    if quota is not None:
        return Trouble(TroubleCode.QUOTA_EXCEEDED, quota[2].rstrip(","), quota[1], at=at)
    return Trouble(TroubleCode.NOT_CREATED, message[:_DETAIL], at=at)
