"""A pod of each kind of trouble, recorded of 1.20 or with the fields of newer versions."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.model.running.troubles import TroubleCode
from opsconsole.model.running.workloads import Phase
from opsconsole.model.state import State
from opsconsole.sources.kubernetes.objects.autoscalers import read_budget, read_scaler
from opsconsole.sources.kubernetes.objects.cluster_events import read_said
from opsconsole.sources.kubernetes.objects.nodes import read_node
from opsconsole.sources.kubernetes.objects.pods import read_pod
from opsconsole.sources.kubernetes.objects.revisions import (
    read_controller_revision,
    read_replica_set,
)
from opsconsole.sources.kubernetes.objects.workloads import WorkloadKind, read_controller
from tests.clean import is_clean
from tests.sources.kubernetes.cluster_samples import (
    BED,
    a_pod,
    container,
    end,
    pod,
    recorded,
)

_C = TroubleCode
GATED = [
    {"type": "PodScheduled", "status": "False", "reason": "SchedulingGated", "message": "gates"}
]


def unscheduled(message: str) -> dict[str, Any]:
    conditions = [
        {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
    ]
    return pod(phase="Pending", containers=[], conditions=conditions)


def waits(reason: str, message: str = "") -> dict[str, Any]:
    return pod(ready="False", containers=[container(waiting=reason, message=message, ready=False)])


@pytest.mark.parametrize(
    ("item", "code", "part", "detail"),
    [
        (waits("ErrImagePull", 'failed to resolve reference "r/web:1": r/web:1: not found'),
         _C.IMAGE_NOT_FOUND, "web:1", ""),
        (waits("ErrImagePull", "Error response from daemon: manifest for web:9 not found: "
               "manifest unknown"), _C.IMAGE_NOT_FOUND, "web:1", ""),
        (waits("ImagePullBackOff", 'Back-off pulling image "web:1"'),
         _C.IMAGE_NOT_PULLED, "web:1", ""),
        (waits("ImagePullBackOff", 'Back-off pulling image "r/w": ErrImagePull: failed to '
               "authorize: failed to fetch oauth token: unexpected status: 401 Unauthorized"),
         _C.IMAGE_REFUSED, "web:1", ""),
        (waits("ErrImagePull", 'rpc error: code = Unknown desc = Get "https://r/v2/": dial tcp '
               "10.0.0.1:443: connect: connection refused"),
         _C.IMAGE_NOT_PULLED, "web:1", "connection refused"),
        (waits("ErrImageNeverPull"), _C.IMAGE_NOT_HERE, "web:1", ""),
        (waits("InvalidImageName"), _C.IMAGE_NOT_PULLED, "web:1", "its name is none"),
        (waits("CreateContainerConfigError", 'configmap "settings" not found'),
         _C.NOT_CONFIGURED, "main", 'configmap "settings" not found'),
        (waits("RunContainerError", "runc: exec: /bin/web: no such file or directory"),
         _C.NOT_CREATED, "main", "runc: exec: /bin/web: no such file or directory"),
        (pod(ready="False", containers=[container(ended=end(128, "StartError"), ready=False)]),
         _C.NOT_CREATED, "main", ""),
        (unscheduled("0/5 nodes are available: 2 node(s) had taint {a: }, that the pod didn't "
                     "tolerate, 3 Insufficient cpu."),
         _C.UNSCHEDULABLE, "", "insufficient cpu, had taint {a: }, that the pod didn't tolerate"),
        (unscheduled("0/5 nodes are available: 5 Insufficient cpu. preemption: 0/5 nodes are "
                     "available: 5 No preemption victims found for incoming pod."),
         _C.UNSCHEDULABLE, "", "insufficient cpu"),
        (unscheduled("no nodes available to schedule pods"),
         _C.UNSCHEDULABLE, "", "no nodes available to schedule pods"),
        (unscheduled("0/1 nodes are available: 1 pod has unbound immediate "
                     "PersistentVolumeClaims."),
         _C.VOLUME_AWAITED, "", "pod has unbound immediate PersistentVolumeClaims"),
        (unscheduled('persistentvolumeclaim "data" not found'),
         _C.VOLUME_AWAITED, "data", 'persistentvolumeclaim "data" not found'),
        (pod(phase="Pending", containers=[], conditions=GATED),
         _C.UNSCHEDULABLE, "", "it is held by a scheduling gate"),
        (pod(phase="Failed", containers=[], status={"reason": "Evicted", "message": "low on disk"}),
         _C.EVICTED, "", "low on disk"),
        (pod(phase="Pending", ready="False", containers=[container(waiting="PodInitializing")],
             inits=[container("migrate", ended=end(1), ready=False, restarts=2)]),
         _C.INIT_FAILS, "migrate", ""),
    ],
)  # fmt: skip
def test_what_keeps_it_from_running_is_a_code(
    item: dict[str, Any], code: TroubleCode, part: str, detail: str
) -> None:
    trouble = a_pod(item).replica.trouble
    assert trouble is not None
    assert (trouble.code, trouble.part, trouble.detail) == (code, part, detail)
    assert a_pod(item).replica.state is State.DOWN


@pytest.mark.parametrize(
    ("message", "count", "of"),
    [
        ("0/5 nodes are available: 5 Insufficient cpu.", 0, 5),
        ("0/1200 nodes are available: 1200 node(s) were unschedulable.", 0, 1200),
        ("something new", None, None),
    ],
)
def test_how_many_nodes_fit_is_counted(message: str, count: int | None, of: int | None) -> None:
    trouble = a_pod(unscheduled(message)).replica.trouble
    assert trouble is not None
    assert (trouble.count, trouble.of) == (count, of)


ENDING = {"deletionTimestamp": "2026-11-30T23:10:00Z"}


@pytest.mark.parametrize(
    ("item", "status", "phase", "state", "counts"),
    [
        (pod(), "Running", Phase.RUNNING, State.OK, True),
        (pod(meta=ENDING), "Terminating", Phase.RUNNING, State.OK, False),
        (pod(phase="Succeeded", containers=[container(ended=end(0, "Completed"), ready=False)]),
         "Completed", Phase.ENDED, State.UNKNOWN, False),
        (pod(phase="Failed", containers=[container(ended=end(2), ready=False)]),
         "Error", Phase.ENDED, State.DOWN, False),
        (pod(phase="Pending", ready="False",
             containers=[container(waiting="ContainerCreating", ready=False)]),
         "ContainerCreating", Phase.PENDING, State.DEGRADED, True),
        # It has not been ready since it started.
        (pod(ready="False", containers=[container(ready=False)]),
         "Running", Phase.RUNNING, State.DEGRADED, True),
        # It was, and is no longer.
        (pod(containers=[container(ready=False)], conditions=[
            {"type": "Ready", "status": "False", "lastTransitionTime": "2026-11-30T23:05:00Z"}]),
         "Running", Phase.RUNNING, State.DOWN, True),
        (waits("CrashLoopBackOff"), "CrashLoopBackOff", Phase.RESTARTING, State.DOWN, True),
        (pod(phase="Unknown"), "Unknown", Phase.UNKNOWN, State.UNKNOWN, True),
        (pod(phase="Pending", ready="False",
             containers=[container(waiting="PodInitializing", ready=False)],
             inits=[container("migrate", waiting="CrashLoopBackOff", before=end(1), restarts=4)]),
         "Init:CrashLoopBackOff", Phase.PENDING, State.DOWN, True),
    ],
)  # fmt: skip
def test_its_status_is_what_kubectl_shows(
    item: dict[str, Any], status: str, phase: Phase, state: State, counts: bool
) -> None:
    found = a_pod(item)
    seen = found.replica
    assert (seen.status, seen.phase, seen.state, found.counts) == (status, phase, state, counts)


def test_a_loop_has_its_count_and_its_last_end() -> None:
    last = end(137, "OOMKilled")
    looping = container(waiting="CrashLoopBackOff", before=last, restarts=4, ready=False)
    found = a_pod(pod(ready="False", containers=[looping])).replica
    assert (found.loop, found.restarts, found.exit_code, found.oom_killed) == (4, 4, 137, True)
    assert found.detail == "CrashLoopBackOff: exit 137, out of memory"


def test_an_init_container_that_is_always_restarted_is_one_of_the_others() -> None:
    beside = container("proxy", of={"restartPolicy": "Always"}, restarts=1)
    found = a_pod(pod(inits=[beside]))
    assert [(each.name, each.init) for each in found.containers] == [
        ("proxy", False),
        ("main", False),
    ]
    assert found.replica.state is State.OK


def test_what_it_is_made_of_and_where_it_is() -> None:
    limits = {"resources": {"limits": {"memory": "64Mi"}}, "ports": [{"containerPort": 8080}]}
    item = pod(
        containers=[container(of=limits), container("side", of={"resources": limits["resources"]})],
        status={"podIP": "10.0.0.7", "startTime": "2026-11-30T22:00:00Z"},
    )
    item["status"]["containerStatuses"][0]["imageID"] = "docker-pullable://web@sha256:aa"
    found = a_pod(item).replica
    assert (found.memory_limit, found.ports[0].private) == (128 << 20, 8080)
    assert (found.image, found.image_id) == ("web:1", "web@sha256:aa")
    assert (found.namespace, found.node, found.address) == ("shop", "node-1", "10.0.0.7")


def test_where_one_container_has_no_limit_the_pod_has_none() -> None:
    limited = container(of={"resources": {"limits": {"memory": "64Mi"}}})
    assert a_pod(pod(containers=[limited, container("side")])).replica.memory_limit is None


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just("\x1b[31m"),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)
_RECORDED = [item for items in recorded().values() for item in items]


@st.composite
def spoilt(draw: st.DrawFn) -> dict[str, Any]:
    """A recorded object of which one part, at any depth, is something else."""
    item = draw(st.sampled_from(_RECORDED))
    return dict(_spoil(draw, item))


def _spoil(draw: st.DrawFn, item: Any) -> Any:
    if isinstance(item, dict) and item and draw(st.integers(0, 5)):
        key = draw(st.sampled_from(sorted(item)))
        return {**item, key: _spoil(draw, item[key])}
    if isinstance(item, list) and item and draw(st.integers(0, 5)):
        return [_spoil(draw, item[0]), *item[1:]]
    return draw(_JSON) if not isinstance(item, dict) else {**item, "status": draw(_JSON)}


@given(spoilt())
def test_whatever_a_cluster_sends_is_read_and_clean(item: dict[str, Any]) -> None:
    read = [
        read_pod(item, BED),
        *(read_controller(item, kind, BED) for kind in WorkloadKind),
        read_replica_set(item),
        read_controller_revision(item),
        read_said(item),
        read_node(item),
        read_scaler(item),
        read_budget(item),
    ]
    for each in read:
        if each is not None and not hasattr(each, "selector"):
            assert is_clean(repr(each))
