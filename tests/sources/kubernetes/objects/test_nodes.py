"""A node as its cluster reports it."""

from typing import Any

import pytest

from opsconsole.model.running.nodes import ClusterNode
from opsconsole.sources.kubernetes.objects.nodes import read_node
from tests.sources.kubernetes.cluster_samples import AT, THEN, recorded


def item(spec: Any = None, **status: Any) -> dict[str, Any]:
    return {"metadata": {"name": "n1", "uid": "u1"}, "spec": spec or {}, "status": status}


def ready(status: str, **more: str) -> dict[str, str]:
    return {"type": "Ready", "status": status, "lastTransitionTime": AT, **more}


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        (item(conditions=[ready("True", reason="KubeletReady")]), ClusterNode("n1", True, THEN)),
        (
            item(conditions=[ready("False", message="no network")]),
            ClusterNode("n1", False, THEN, "no network"),
        ),
        (
            item(conditions=[ready("Unknown", reason="NodeStatusUnknown")]),
            ClusterNode("n1", None, THEN, "NodeStatusUnknown"),
        ),
        (
            item(conditions=[ready("True"), {"type": "DiskPressure", "status": "True"}]),
            ClusterNode("n1", True, THEN, presses=("DiskPressure",)),
        ),
        (
            item({"unschedulable": True}, conditions=[ready("True")]),
            ClusterNode("n1", True, THEN, cordoned=True),
        ),
        (
            item(
                conditions=[ready("True")],
                nodeInfo={"kubeletVersion": "v1.36.0"},
                allocatable={"cpu": "1500m", "memory": "2Gi"},
            ),
            ClusterNode("n1", True, THEN, version="v1.36.0", cpu=1.5, memory=2 << 30),
        ),
        (item(), ClusterNode("n1", None)),
        (item("x", conditions="y", nodeInfo=7), ClusterNode("n1", None)),
    ],
)
def test_what_is_said_of_it(written: dict[str, Any], seen: ClusterNode) -> None:
    found = read_node(written)
    assert found is not None
    assert found.seen == seen


def test_a_recorded_one_is_ready_and_nothing_presses() -> None:
    (written,) = recorded()["nodes"]
    found = read_node(written)
    assert found is not None
    assert (found.seen.ready, found.seen.presses) == (True, ())
