"""Objects as a cluster's API writes them, made small."""

from collections.abc import Mapping, Sequence
from typing import Any

NAMESPACE = "shop"


def template(image: str = "web:1", /, **more: Any) -> dict[str, Any]:
    """A template of one container; ``more`` are further fields of it."""
    container = {"name": "web", "image": image, **more}
    return {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}}


def restarted(of: Mapping[str, Any], at: str) -> dict[str, Any]:
    """``of`` after ``kubectl rollout restart``."""
    annotations = {"kubectl.kubernetes.io/restartedAt": at}
    return {**of, "metadata": {**of["metadata"], "annotations": annotations}}


def stamp(second: int) -> str:
    """A moment, as objects have it."""
    return f"2026-11-30T10:{second // 60:02d}:{second % 60:02d}Z"


def workload(
    kind: str = "Deployment",
    name: str = "web",
    *,
    runs: Mapping[str, Any] | None = None,
    replicas: int = 2,
    spec: Mapping[str, Any] | None = None,
    status: Mapping[str, Any] | None = None,
    **metadata: Any,
) -> dict[str, Any]:
    """A workload all of whose copies are as they should be."""
    counts = ["replicas", "updatedReplicas", "availableReplicas", "readyReplicas"]
    if kind == "DaemonSet":
        counts = [f"{each}NumberScheduled" for each in ("desired", "updated", "current")]
        counts.append("numberAvailable")
    whole: dict[str, Any] = {"observedGeneration": 1, **dict.fromkeys(counts, replicas)}
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {
            "name": name,
            "namespace": NAMESPACE,
            "uid": f"uid-{name}",
            "resourceVersion": "100",
            "generation": 1,
            **metadata,
        },
        "spec": {
            **({} if kind == "DaemonSet" else {"replicas": replicas}),
            "selector": {"matchLabels": {"app": name}},
            "template": dict(runs or template()),
            **(spec or {}),
        },
        "status": {**whole, **(status or {})},
    }


def owned(uid: str, kind: str = "ReplicaSet") -> list[dict[str, Any]]:
    """By whom an object is controlled."""
    return [{"kind": kind, "uid": uid, "name": "x", "controller": True}]


def replica_set(
    number: int,
    runs: Mapping[str, Any],
    made: int,
    owner: str = "uid-web",
    cause: str = "",
    history: Sequence[int] = (),
) -> dict[str, Any]:
    """The ReplicaSet that keeps the revision ``number``, first made at ``made``.

    ``history`` are the numbers that it had before.
    """
    labels = {**runs["metadata"]["labels"], "pod-template-hash": f"h{made}"}
    metadata = {**runs["metadata"], "labels": labels}
    annotations = {"deployment.kubernetes.io/revision": str(number)}
    if history:
        written = ",".join(str(each) for each in history)
        annotations["deployment.kubernetes.io/revision-history"] = written
    if cause:
        annotations["kubernetes.io/change-cause"] = cause
    return {
        "metadata": {
            "name": f"web-h{made}",
            "uid": f"rs-{made}",
            "creationTimestamp": stamp(made),
            "annotations": annotations,
            "ownerReferences": owned(owner, "Deployment"),
        },
        "spec": {"template": {**runs, "metadata": metadata}},
    }


def controller_revision(
    number: int, runs: Mapping[str, Any], made: int, owner: str = "uid-web"
) -> dict[str, Any]:
    """The ControllerRevision of a StatefulSet or DaemonSet, first made at ``made``."""
    return {
        "metadata": {
            "name": f"web-c{made}",
            "uid": f"cr-{made}",
            "creationTimestamp": stamp(made),
            "labels": {"controller-revision-hash": f"web-c{made}"},
            "ownerReferences": owned(owner, "StatefulSet"),
        },
        "revision": number,
        "data": {"spec": {"template": {**runs, "$patch": "replace"}}},
    }


def pod(
    name: str,
    *,
    ready: bool = True,
    owner: str = "rs-0",
    revision: str = "",
    restarts: int = 0,
    state: Mapping[str, Any] | None = None,
    started: int = 0,
    conditions: Sequence[Mapping[str, Any]] = (),
    **metadata: Any,
) -> dict[str, Any]:
    """A pod of one container."""
    status = {
        "name": "web",
        "ready": ready,
        "restartCount": restarts,
        "state": dict(state or {"running": {"startedAt": stamp(started)}}),
    }
    labels = {"app": "web", **({"controller-revision-hash": revision} if revision else {})}
    return {
        "metadata": {
            "name": name,
            "namespace": NAMESPACE,
            "uid": f"uid-{name}-{started}",
            "labels": labels,
            "ownerReferences": owned(owner),
            **metadata,
        },
        "spec": {"nodeName": "node-1", "containers": [{"name": "web"}]},
        "status": {
            "phase": "Running" if ready else "Pending",
            "conditions": [
                {"type": "Ready", "status": "True" if ready else "False"},
                *conditions,
            ],
            "containerStatuses": [status],
        },
    }
