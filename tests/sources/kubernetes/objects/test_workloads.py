"""Workloads of the three kinds, before, during and after a rollout, of old and new versions."""

from typing import Any

import pytest

from opsconsole.model.running.troubles import TroubleCode
from opsconsole.model.running.workloads import Update
from opsconsole.sources.kubernetes.objects.autoscalers import read_budget, read_scaler
from opsconsole.sources.kubernetes.objects.quantities import quantity, size
from opsconsole.sources.kubernetes.objects.workloads import WorkloadKind
from tests.sources.kubernetes.cluster_samples import controller, deployment

_K = WorkloadKind


def stateful(**status: Any) -> dict[str, Any]:
    item = deployment(spec=status.pop("spec", {}))
    item["status"] = {"observedGeneration": 1, "currentRevision": "a", "updateRevision": "a"}
    item["status"].update(status)
    return item


def daemons(**status: Any) -> dict[str, Any]:
    item = deployment()
    item["status"] = {"observedGeneration": 1, "desiredNumberScheduled": 3, **status}
    return item


@pytest.mark.parametrize(
    ("kind", "item", "wanted", "running", "update"),
    [
        (_K.DEPLOYMENT, deployment(), 2, 2, Update.NONE),
        (_K.DEPLOYMENT, deployment(availableReplicas=1), 2, 1, Update.NONE),
        # More of the old than of the new ones, or a status of the generation before.
        (_K.DEPLOYMENT, deployment(replicas=3, updatedReplicas=1), 2, 2, Update.RUNNING),
        (_K.DEPLOYMENT, deployment(meta={"generation": 2}), 2, 2, Update.RUNNING),
        (_K.DEPLOYMENT, deployment(spec={"paused": True}, updatedReplicas=1), 2, 2, Update.HELD),
        (_K.DEPLOYMENT, deployment(spec={"replicas": 0}, replicas=0, updatedReplicas=0,
                                   availableReplicas=0), 0, 0, Update.NONE),
        # Surge is no more than is wanted.
        (_K.DEPLOYMENT, deployment(replicas=3, updatedReplicas=3, availableReplicas=3),
         2, 2, Update.NONE),
        # 1.20 has no availableReplicas.
        (_K.STATEFUL_SET, stateful(replicas=2, readyReplicas=2, updatedReplicas=2),
         2, 2, Update.NONE),
        (_K.STATEFUL_SET, stateful(replicas=2, readyReplicas=2, availableReplicas=1,
                                   updatedReplicas=2), 2, 1, Update.NONE),
        (_K.STATEFUL_SET, stateful(replicas=2, readyReplicas=1, updateRevision="b",
                                   updatedReplicas=1), 2, 1, Update.RUNNING),
        (_K.STATEFUL_SET, stateful(
            replicas=2, readyReplicas=2, updateRevision="b", updatedReplicas=1,
            spec={"updateStrategy": {"rollingUpdate": {"partition": 1}}}), 2, 2, Update.NONE),
        (_K.DAEMON_SET, daemons(currentNumberScheduled=3, updatedNumberScheduled=3,
                                numberAvailable=3), 3, 3, Update.NONE),
        (_K.DAEMON_SET, daemons(currentNumberScheduled=3, updatedNumberScheduled=1,
                                numberAvailable=2), 3, 2, Update.RUNNING),
        (_K.DAEMON_SET, daemons(), 3, 0, Update.RUNNING),
    ],
)  # fmt: skip
def test_how_many_run_and_how_its_update_goes(
    kind: WorkloadKind, item: dict[str, Any], wanted: int, running: int, update: Update
) -> None:
    found = controller(item, kind).workload
    assert (found.wanted, found.running, found.update) == (wanted, running, update)


def failed(kind: str, reason: str, message: str) -> list[dict[str, Any]]:
    status = "True" if kind == "ReplicaFailure" else "False"
    return [{"type": kind, "status": status, "reason": reason, "message": message}]


@pytest.mark.parametrize(
    ("conditions", "code", "part", "detail"),
    [
        (failed("Progressing", "ProgressDeadlineExceeded", "timed out"),
         TroubleCode.OVERDUE, "", ""),
        (failed("ReplicaFailure", "FailedCreate", 'pods "web-1" is forbidden: exceeded quota: '
                "small, requested: limits.memory=1Gi, used: limits.memory=1Gi, limited: 1Gi"),
         TroubleCode.QUOTA_EXCEEDED, "small", "limits.memory=1Gi"),
        (failed("ReplicaFailure", "FailedCreate", "admission webhook denied the request"),
         TroubleCode.NOT_CREATED, "", "admission webhook denied the request"),
        (failed("Progressing", "DeploymentPaused", ""), None, "", ""),
    ],
)  # fmt: skip
def test_why_its_pods_are_not_made(
    conditions: list[dict[str, Any]], code: TroubleCode | None, part: str, detail: str
) -> None:
    trouble = controller(deployment(conditions=conditions)).workload.trouble
    if code is None:
        assert trouble is None
        return
    assert trouble is not None
    assert (trouble.code, trouble.part, trouble.detail) == (code, part, detail)


def test_our_annotations_go_before_labels_of_the_same_name() -> None:
    meta = {
        "labels": {"app": "web", "opsconsole.io/team": "label"},
        "annotations": {"opsconsole.io/team": "annotation", "other/secret": "CANARY"},
    }
    found = controller(deployment(meta=meta))
    assert found.workload.labels == {"app": "web", "opsconsole.io/team": "annotation"}
    assert "CANARY" not in repr(found)


def scaler(version: str) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "scaleTargetRef": {"kind": "Deployment", "name": "web"},
        "maxReplicas": 10,
    }
    if version == "v1":
        spec["targetCPUUtilizationPercentage"] = 70
    else:
        spec["metrics"] = [
            {"type": "Resource", "resource": {
                "name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}},
            {"type": "Pods", "pods": {"metric": {"name": "requests"}, "target": {}}},
            {"type": "ContainerResource", "containerResource": {"name": "cpu", "container": "a"}},
        ]  # fmt: skip
    status = {
        "desiredReplicas": 4,
        "conditions": [
            {"type": "ScalingActive", "status": "False", "message": "no metrics API"},
            {"type": "AbleToScale", "status": "True", "message": "fine"},
        ],
    }
    return {"metadata": {"uid": "h", "name": "web", "namespace": "shop"}, "spec": spec,
            "status": status}  # fmt: skip


@pytest.mark.parametrize(("version", "others"), [("v1", ()), ("v2", ("requests", "cpu"))])
def test_an_autoscaler_of_each_version(version: str, others: tuple[str, ...]) -> None:
    found = read_scaler(scaler(version))
    assert found is not None
    assert found.of == "shop/deployment/web"
    known = found.autoscaler
    assert (known.minimum, known.maximum, known.cpu, known.wants) == (1, 10, 0.7, 4)
    assert (known.others, known.fault) == (others, "no metrics API")


@pytest.mark.parametrize(
    ("selector", "labels", "selects"),
    [
        ({"matchLabels": {"app": "web"}}, {"app": "web", "x": "y"}, True),
        ({"matchLabels": {"app": "web"}}, {"app": "db"}, False),
        ({}, {"app": "web"}, True),
        ({"matchExpressions": [{"key": "app", "operator": "In", "values": ["web", "db"]}]},
         {"app": "db"}, True),
        ({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["web"]}]},
         {"app": "web"}, False),
        ({"matchExpressions": [{"key": "app", "operator": "Exists"}]}, {}, False),
        ({"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}, {}, True),
        ({"matchExpressions": [{"key": "app", "operator": "Later"}]}, {}, False),
    ],
)  # fmt: skip
def test_a_budget_is_of_the_pods_that_it_selects(
    selector: dict[str, Any], labels: dict[str, str], selects: bool
) -> None:
    found = read_budget({"metadata": {"uid": "b", "name": "b"}, "spec": {"selector": selector}})
    assert found is not None
    assert found.selects(labels) is selects


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("250m", 0.25), ("2", 2.0), ("1.5", 1.5), ("100n", 1e-7), ("1e3", 1000.0), ("2E3", 2000.0),
        ("64Mi", 64.0 * 2**20), ("1G", 1e9), ("1Ki", 1024.0), ("1E", 1e18), (".5", 0.5), (3, 3.0),
        ("", None), ("-1", None), ("1Zi", None), ("x", None), ("1e999", None), (None, None),
        (True, None), (float("nan"), None),
    ],
)  # fmt: skip
def test_a_quantity(text: object, number: float | None) -> None:
    found = quantity(text)
    assert found == (None if number is None else pytest.approx(number))


@pytest.mark.parametrize(("text", "count"), [("64Mi", 64 << 20), ("0", None), ("1e30", None)])
def test_a_limit_of_nothing_is_none(text: str, count: int | None) -> None:
    assert size(text) == count
