"""How far a workload is: done only as kubectl would say it, and never by what is old."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.model.state import State
from opsconsole.operations.drivers.kubernetes.pods import pods_of
from opsconsole.operations.drivers.kubernetes.rollout import (
    MANAGER,
    changed_at,
    progress,
    sights,
    stuck_pod,
)
from opsconsole.operations.drivers.kubernetes.workloads import Kind, Ref
from tests.operations.drivers.kubernetes.made import NAMESPACE, pod, stamp, workload

KINDS = {
    "Deployment": Kind.DEPLOYMENT,
    "StatefulSet": Kind.STATEFUL_SET,
    "DaemonSet": Kind.DAEMON_SET,
}
PULL = {"waiting": {"reason": "ImagePullBackOff", "message": "not found"}}


def ref(read: dict[str, Any]) -> Ref:
    return Ref(KINDS[read["kind"]], NAMESPACE, "web")


def gave_up(second: int) -> dict[str, str]:
    return {
        "type": "Progressing",
        "status": "False",
        "reason": "ProgressDeadlineExceeded",
        "lastUpdateTime": stamp(second),
    }


def changed(second: int, manager: str = MANAGER) -> list[dict[str, str]]:
    return [{"manager": manager, "operation": "Update", "time": stamp(second)}]


@pytest.mark.parametrize(
    ("read", "said", "done"),
    [
        (workload(), "2 of 2 updated and available", True),
        (workload("StatefulSet"), "2 of 2 updated and available", True),
        (workload("DaemonSet"), "2 of 2 updated and available", True),
        (workload(replicas=0), "0 of 0 updated and available", True),
        (workload(generation=2), "its controller has not seen the change yet", False),
        (workload(spec={"paused": True}), "its rollout is paused", False),
        (workload(status={"updatedReplicas": 1}), "1 of 2 updated", False),
        (workload(status={"replicas": 3}), "1 too many left", False),
        (workload(status={"availableReplicas": 1}), "1 of 2 available", False),
        (workload("StatefulSet", status={"replicas": 1}), "1 of 2 there", False),
        (workload("StatefulSet", status={"availableReplicas": 0}), "0 of 2 available", False),
        (workload("DaemonSet", status={"updatedNumberScheduled": 0}), "0 of 2 updated", False),
        (workload("DaemonSet", status={"numberAvailable": 1}), "1 of 2 available", False),
        (workload(status={"conditions": [gave_up(9)], "updatedReplicas": 1}),
         "1 of 2 updated; the cluster gave up waiting (ProgressDeadlineExceeded)", False),
    ],
)  # fmt: skip
def test_how_far_it_is(read: dict[str, Any], said: str, done: bool) -> None:
    found = progress(ref(read), read, (), "")
    assert (found.said, found.done) == (said, done)


@pytest.mark.parametrize(
    ("more", "done"),
    [
        ({"spec": {"paused": True}}, True),
        ({"status": {"updatedReplicas": 0}}, True),
        ({"status": {"conditions": [gave_up(9)], "availableReplicas": 1}}, False),
        ({"status": {"replicas": 3}}, False),
    ],
)
def test_of_a_scale_the_number_of_copies_counts_alone(more: dict[str, Any], done: bool) -> None:
    read = workload(**more)
    found = progress(ref(read), read, (), "", replaces=False)
    assert (found.done, found.lost) == (done, False)


def test_a_partition_keeps_the_lower_ordinals_as_they_are() -> None:
    read = workload(
        "StatefulSet",
        spec={"updateStrategy": {"rollingUpdate": {"partition": 1}}},
        status={"updatedReplicas": 1},
    )
    assert progress(ref(read), read, (), "").done


@pytest.mark.parametrize(
    ("said", "change", "manager", "lost"),
    [(5, 9, MANAGER, False), (9, 9, MANAGER, False), (10, 9, MANAGER, True), (5, 9, "other", True)],
)
def test_that_it_took_too_long_counts_only_when_said_after_the_change(
    said: int, change: int, manager: str, lost: bool
) -> None:
    read = workload(
        managedFields=changed(change, manager),
        status={"conditions": [gave_up(said)], "updatedReplicas": 1},
    )
    assert progress(ref(read), read, (), "").lost == lost


def test_when_it_was_changed_is_by_the_clusters_own_clock() -> None:
    read = workload(managedFields=[*changed(3), *changed(8), *changed(20, "kubectl")])
    assert changed_at(read) == changed_at(workload(managedFields=changed(8)))
    assert changed_at(workload()) is None


OLD = pod("web-0", ready=False, revision="old", state=PULL)


@pytest.mark.parametrize(
    ("kind", "policy", "pods", "stuck"),
    [
        ("StatefulSet", "OrderedReady", [OLD], "web-0"),
        ("StatefulSet", "Parallel", [OLD], None),
        ("Deployment", "OrderedReady", [OLD], None),
        ("StatefulSet", "OrderedReady", [pod("web-0", revision="old")], None),
        ("StatefulSet", "OrderedReady", [pod("web-0", ready=False, revision="new")], None),
        ("StatefulSet", "OrderedReady", [pod("web-10", ready=False, revision="old"),
                                         pod("web-2", ready=False, revision="old")], "web-2"),
    ],
)  # fmt: skip
def test_a_stuck_stateful_set_names_its_pod(
    kind: str, policy: str, pods: list[dict[str, Any]], stuck: str | None
) -> None:
    read = workload(kind, spec={"podManagementPolicy": policy}, status={"updatedReplicas": 0})
    seen = pods_of(tuple(pods))
    found = stuck_pod(ref(read), read, seen, "new")
    assert (found.name if found else None) == stuck
    said = progress(ref(read), read, seen, "new")
    assert said.lost == (found is not None and found.lost)
    assert not said.lost or "web-0" in said.said


def test_a_pod_of_the_revision_before_is_as_before_and_not_lost() -> None:
    read = workload(status={"updatedReplicas": 1})
    pods = pods_of((pod("a", owner="new"), pod("b", owner="old", ready=False, state=PULL)))
    whole, new, old = sights(ref(read), progress(ref(read), read, pods, "new"), pods, "new",
                             replaces=True)  # fmt: skip
    assert (whole.since_change, new.since_change, old.since_change) == (False, True, False)
    assert not old.lost
    assert all(each.since_change for each in sights(
        ref(read), progress(ref(read), read, pods, "new"), pods, "new", replaces=False)[1:]
    )  # fmt: skip


@given(st.integers(0, 40), st.integers(0, 40))
def test_of_many_pods_those_that_are_not_well_are_named(well: int, ill: int) -> None:
    read = workload(replicas=well + ill)
    made = [pod(f"w{n}", owner="new") for n in range(well)]
    made += [pod(f"x{n}", owner="new", ready=False) for n in range(ill)]
    pods = pods_of(tuple(made))
    seen = sights(ref(read), progress(ref(read), read, pods, "new"), pods, "new", replaces=True)
    assert len(seen) <= 13
    assert any(each.state is State.DOWN for each in seen) == (ill > 0)


def test_another_run_of_one_pod_of_many_is_another_run() -> None:
    read = workload(replicas=20)
    runs = []
    for started in (1, 2):
        pods = pods_of(tuple(pod(f"w{n}", owner="new", started=started if n == 7 else 0)
                             for n in range(20)))  # fmt: skip
        seen = sights(ref(read), progress(ref(read), read, pods, "new"), pods, "new", replaces=True)
        runs.append(tuple(each.run for each in seen))
    assert runs[0] != runs[1]
