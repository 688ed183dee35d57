"""Objects of clusters: recorded of Kubernetes 1.20.2, and made up in few words for what it lacks.

The recorded ones are of one namespace in which each workload has one thing wrong with it, which is
its name.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from opsconsole.model.running.workloads import Place, PlaceKind
from opsconsole.sources.kubernetes.inventory import Objects
from opsconsole.sources.kubernetes.objects.autoscalers import read_budget, read_scaler
from opsconsole.sources.kubernetes.objects.cluster_events import Said, read_said
from opsconsole.sources.kubernetes.objects.nodes import read_node
from opsconsole.sources.kubernetes.objects.pods import Pod, read_pod
from opsconsole.sources.kubernetes.objects.revisions import read_replica_set
from opsconsole.sources.kubernetes.objects.workloads import (
    Controller,
    WorkloadKind,
    read_controller,
)

BED = Place(PlaceKind.CLUSTER, "bed")
AT = "2026-11-30T23:00:00Z"
THEN = 1_796_079_600.0
"""``AT`` in Unix seconds."""

_KINDS = {
    "deployments": WorkloadKind.DEPLOYMENT,
    "statefulsets": WorkloadKind.STATEFUL_SET,
    "daemonsets": WorkloadKind.DAEMON_SET,
}
Json = dict[str, Any]
T = TypeVar("T")


@cache
def recorded() -> dict[str, list[Json]]:
    """All recorded objects by their plural."""
    text = (Path(__file__).parent / "samples" / "kubernetes-1.20.json").read_text("utf-8")
    found: dict[str, list[Json]] = json.loads(text)
    return found


def objects() -> Objects:
    """All of them as they are read."""
    known = recorded()
    return Objects(
        [a_pod(item) for item in known["pods"]],
        [controller(item, kind) for plural, kind in _KINDS.items() for item in known[plural]],
        _read(read_replica_set, known["replicasets"]),
        _read(read_scaler, known["hpa"]),
        _read(read_budget, known["pdb"]),
        _read(read_node, known["nodes"]),
        _read(read_said, known["events"]),
    )


def _read(read: Callable[[Json], T | None], items: list[Json]) -> list[T]:
    found = (read(item) for item in items)
    return [each for each in found if each is not None]


def a_pod(item: Json) -> Pod:
    """A pod as it is read."""
    found = read_pod(item, BED)
    assert found is not None
    return found


def pod(
    name: str = "web-1",
    *,
    phase: str = "Running",
    ready: str = "True",
    containers: list[Json] | None = None,
    inits: list[Json] | None = None,
    conditions: list[Json] | None = None,
    meta: Json | None = None,
    spec: Json | None = None,
    status: Json | None = None,
) -> Json:
    """A pod; ``containers`` and ``inits`` are statuses, with the fields of the specification that
    ``of`` holds."""
    running = [container("main")] if containers is None else containers
    listed = [("containers", running), ("initContainers", inits or [])]
    return {
        "metadata": {"uid": f"uid-{name}", "name": name, "namespace": "shop", **(meta or {})},
        "spec": {
            "nodeName": "node-1",
            **{
                key: [
                    {"name": each["name"], "image": "web:1", **each.get("of", {})} for each in every
                ]
                for key, every in listed
            },
            **(spec or {}),
        },
        "status": {
            "phase": phase,
            "conditions": conditions
            or [
                {"type": "PodScheduled", "status": "True"},
                {"type": "Ready", "status": ready, "lastTransitionTime": AT},
            ],
            "containerStatuses": running,
            "initContainerStatuses": inits or [],
            **(status or {}),
        },
    }


def container(
    name: str = "main",
    *,
    waiting: str = "",
    message: str = "",
    ended: Json | None = None,
    before: Json | None = None,
    ready: bool = True,
    restarts: int = 0,
    of: Json | None = None,
) -> Json:
    """The status of a container, which runs unless it waits or has ended."""
    state: Json = {"running": {"startedAt": AT}}
    if waiting:
        state = {"waiting": {"reason": waiting, "message": message}}
    if ended is not None:
        state = {"terminated": ended}
    return {
        "name": name,
        "state": state,
        "lastState": {"terminated": before} if before is not None else {},
        "ready": ready,
        "restartCount": restarts,
        "of": of or {},
    }


def end(code: int, reason: str = "Error", *, after: float = -60.0, ran: float = 5.0) -> Json:
    """How a run ended: ``after`` seconds after ``THEN``, ``ran`` seconds after its start."""

    def said(at: float) -> str:
        return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")

    times = {"startedAt": said(THEN + after - ran), "finishedAt": said(THEN + after)}
    return {"exitCode": code, "reason": reason, **times}


def unhealthy(
    message: str,
    *,
    count: int = 5,
    about: str = "uid-web-1",
    at: str = AT,
    reason: str = "Unhealthy",
) -> Said:
    """An event about a pod."""
    found = read_said(
        {
            "metadata": {"uid": f"event-{message}", "name": "event"},
            "involvedObject": {"kind": "Pod", "uid": about, "name": "web-1", "namespace": "shop"},
            "reason": reason,
            "message": message,
            "firstTimestamp": at,
            "lastTimestamp": at,
            "count": count,
            "type": "Warning",
        }
    )
    assert found is not None
    return found


def deployment(name: str = "web", **status: Any) -> Json:
    """A Deployment of two pods that are all there, unless ``status`` says otherwise."""
    spec = status.pop("spec", {})
    meta = status.pop("meta", {})
    template = status.pop(
        "template", {"spec": {"containers": [{"name": "main", "image": "web:1"}]}}
    )
    usual = {"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}
    return {
        "metadata": {
            "uid": f"uid-{name}", "name": name, "namespace": "shop", "generation": 1, **meta,
        },
        "spec": {"replicas": 2, "template": template, **spec},
        "status": {**usual, **status},
    }  # fmt: skip


def controller(item: Json, kind: WorkloadKind = WorkloadKind.DEPLOYMENT) -> Controller:
    """A workload as it is read."""
    found = read_controller(item, kind, BED)
    assert found is not None
    return found
