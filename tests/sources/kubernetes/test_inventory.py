"""What a recorded cluster is to the console: its workloads, their copies, and why they are ill."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from opsconsole.model.running.troubles import TroubleCode
from opsconsole.model.running.workloads import Inventory, Replica, Update
from opsconsole.model.state import State
from opsconsole.sources.kubernetes.inventory import Assembler, Objects, Usage
from opsconsole.sources.kubernetes.objects.cluster_events import read_said
from opsconsole.sources.kubernetes.objects.nodes import read_node
from tests.sources.kubernetes.cluster_samples import (
    BED,
    THEN,
    a_pod,
    container,
    controller,
    deployment,
    end,
    objects,
    pod,
    recorded,
    unhealthy,
)

_C = TroubleCode
LATER = 1_796_082_400.0
"""When the objects were recorded."""


def assembled(known: Objects, now: float = LATER) -> Inventory:
    return Assembler(BED).assemble(known, "https://api:6443", "v1.20.2", now)


def copy(name: str) -> Replica:
    found = assembled(objects()).replicas
    return next(each for each in found if each.name.startswith(f"{name}-"))


@pytest.mark.parametrize(
    ("name", "state", "code", "detail"),
    [
        ("web", State.OK, None, ""),
        ("agent", State.OK, None, ""),
        ("noimage", State.DOWN, _C.IMAGE_NOT_PULLED, "connection refused"),
        ("never", State.DOWN, _C.IMAGE_NOT_HERE, ""),
        ("huge", State.DOWN, _C.UNSCHEDULABLE, "insufficient cpu"),
        ("volume", State.DOWN, _C.VOLUME_AWAITED,
         "no persistent volumes available for this claim and no storage class is set"),
        ("config", State.DOWN, _C.NOT_CONFIGURED, 'configmap "missing" not found'),
        ("secret", State.DOWN, _C.VOLUME_AWAITED, 'secret "missing" not found'),
        ("unready", State.DOWN, _C.NOT_READY, "HTTP 404"),
        ("live", State.DOWN, _C.NOT_LIVE, "HTTP 404"),
        ("init", State.DOWN, _C.INIT_FAILS, ""),
        ("crash", State.DOWN, None, ""),
        ("oom", State.DOWN, None, ""),
    ],
)  # fmt: skip
def test_each_recorded_trouble_has_its_cause(
    name: str, state: State, code: TroubleCode | None, detail: str
) -> None:
    found = copy(name)
    seen = found.trouble.code if found.trouble is not None else None
    said = found.trouble.detail if found.trouble is not None else ""
    assert (found.state, seen, said) == (state, code, detail)


def test_copies_and_workloads_have_one_name() -> None:
    found = assembled(objects())
    names = {each.id: each.name for each in found.workloads}
    assert copy("web").workload == names[copy("web").workload_id] == "kubemodel/deployment/web"
    assert copy("agent").workload == "kubemodel/daemonset/agent"
    assert copy("volume").workload == "kubemodel/statefulset/volume"


def test_an_autoscaler_and_a_budget_are_those_of_their_workload() -> None:
    found = {each.name: each for each in assembled(objects()).workloads}
    web = found["kubemodel/deployment/web"]
    assert web.autoscaler is not None
    assert (web.autoscaler.minimum, web.autoscaler.maximum) == (2, 10)
    assert (web.autoscaler.cpu, web.autoscaler.memory) == (0.7, 0.8)
    assert web.may_lose == 1
    assert found["kubemodel/deployment/crash"].autoscaler is None
    assert found["kubemodel/deployment/crash"].may_lose is None


@pytest.mark.parametrize("name", ["deployment/refused", "statefulset/quota"])
def test_pods_that_a_quota_forbids_are_a_trouble_of_their_workload(name: str) -> None:
    found = {each.name: each for each in assembled(objects()).workloads}
    trouble = found[f"kubemodel-q/{name}"].trouble
    assert trouble is not None
    assert (trouble.code, trouble.part, trouble.detail) == (_C.QUOTA_EXCEEDED, "small", "pods=1")


def test_what_was_refused_and_is_there_by_now_is_no_trouble() -> None:
    known = objects()
    quota = next(each for each in known.controllers if each.meta.name == "quota")
    owner = {"kind": "StatefulSet", "name": "quota", "uid": quota.meta.uid, "controller": True}
    made = a_pod(pod("quota-0", meta={"namespace": "kubemodel-q", "ownerReferences": [owner]}))
    found = assembled(replace(known, pods=[made]))
    assert next(each for each in found.workloads if each.id == quota.meta.uid).trouble is None


def owned(name: str, **more: object) -> dict[str, object]:
    cut = {"pod-template-hash": "7f9"}
    owner = {"kind": "ReplicaSet", "name": "web-7f9", "uid": "set-1", "controller": True}
    meta = {"labels": cut, "ownerReferences": [owner], **more}
    return {"name": name, "meta": meta}


def test_without_the_right_to_replica_sets_a_pod_is_of_its_deployment_all_the_same() -> None:
    one = a_pod(pod(**owned("web-7f9-a")))  # type: ignore[arg-type]
    found = assembled(Objects([one], [controller(deployment("web"))]))
    assert [(each.workload, each.workload_id) for each in found.replicas] == [
        ("shop/deployment/web", "uid-web")
    ]
    alone = assembled(Objects([one])).replicas[0]
    assert (alone.workload, alone.workload_id) == (
        "shop/deployment/web",
        "bed:shop/deployment/web",
    )


@pytest.mark.parametrize(("available", "counted"), [(2, False), (1, True)])
def test_a_pod_that_starts_counts_where_copies_are_missing(available: int, counted: bool) -> None:
    starting = pod(
        **owned("web-7f9-b"),  # type: ignore[arg-type]
        phase="Pending",
        ready="False",
        containers=[container(waiting="ContainerCreating", ready=False)],
    )
    web = controller(deployment("web", availableReplicas=available))
    found = assembled(Objects([a_pod(starting)], [web])).replicas[0]
    assert bool(found.workload) is counted


@pytest.mark.parametrize("gone", ["deleted", "evicted"])
def test_what_ends_or_is_over_is_a_copy_of_nothing(gone: str) -> None:
    item = pod(**owned("web-7f9-c"))  # type: ignore[arg-type]
    if gone == "deleted":
        item["metadata"]["deletionTimestamp"] = "2026-11-30T23:00:30Z"
    else:
        item["status"].update({"phase": "Failed", "reason": "Evicted"})
    found = assembled(Objects([a_pod(item)], [controller(deployment("web"))]))
    assert found.replicas[0].workload == ""


NOT_READY = pod(ready="False", containers=[container(ready=False)])


@pytest.mark.parametrize(
    ("said", "count", "state"),
    [
        ("Readiness probe failed: HTTP probe failed with statuscode: 503", 3, State.DOWN),
        # Nobody is ready at once.
        ("Readiness probe failed: HTTP probe failed with statuscode: 503", 2, State.DEGRADED),
        ("Startup probe failed: dial tcp 10.0.0.1:80: connect: connection refused", 9,
         State.DEGRADED),
    ],
)  # fmt: skip
def test_a_probe_that_fails_while_a_pod_starts_is_trouble_from_three_times_on(
    said: str, count: int, state: State
) -> None:
    known = Objects([a_pod(NOT_READY)], events=[unhealthy(said, count=count)])
    assert assembled(known).replicas[0].state is state


def test_an_event_of_an_earlier_run_says_nothing_of_this_one() -> None:
    said = "Readiness probe failed: HTTP probe failed with statuscode: 503"
    old = unhealthy(said, at="2026-11-30T22:00:00Z")
    found = assembled(Objects([a_pod(NOT_READY)], events=[old])).replicas[0]
    assert (found.state, found.trouble) == (State.DEGRADED, None)


def test_a_pod_on_a_node_that_is_lost_says_so() -> None:
    node = recorded()["nodes"][0]
    conditions = [{"type": "Ready", "status": "Unknown", "message": "Kubelet stopped posting"}]
    lost = read_node({**node, "status": {"conditions": conditions}})
    assert lost is not None
    found = assembled(Objects([a_pod(NOT_READY)], nodes=[lost])).replicas[0]
    assert found.trouble is not None
    assert (found.trouble.code, found.trouble.part) == (_C.NODE_LOST, "node-1")
    assert found.trouble.detail == "Kubelet stopped posting"
    assert found.state is State.DOWN


@pytest.mark.parametrize("status", ["Unknown", "False"])
def test_that_a_pod_is_ready_is_hearsay_while_its_node_is_lost(status: str) -> None:
    node = recorded()["nodes"][0]
    lost = read_node({**node, "status": {"conditions": [{"type": "Ready", "status": status}]}})
    assert lost is not None
    found = assembled(Objects([a_pod(pod())], nodes=[lost])).replicas[0]
    assert found.state is State.UNKNOWN
    assert found.trouble is not None
    assert found.trouble.code is _C.NODE_LOST


def later(seconds: float) -> str:
    return datetime.fromtimestamp(THEN + seconds, UTC).isoformat().replace("+00:00", "Z")


_READINESS = "Readiness probe failed: HTTP probe failed with statuscode: 503"
_LIVENESS = "Liveness probe failed: HTTP probe failed with statuscode: 500"
_GATE = {"reason": "ReadinessGatesNotReady", "message": "gate open"}


@pytest.mark.parametrize(
    ("said", "why", "code", "detail"),
    [
        # A blip that did not end it, long before it stopped being ready.
        ([(_LIVENESS, 60.0), (_READINESS, 3000.0)], {}, _C.NOT_READY, "HTTP 503"),
        ([(_LIVENESS, 2990.0), (_READINESS, 2995.0)], {}, _C.NOT_LIVE, "HTTP 500"),
        ([(_READINESS, 60.0)], _GATE, _C.NOT_READY, "gate open"),
        ([(_READINESS, 60.0)], {}, _C.NOT_READY, ""),
    ],
)
def test_what_was_said_while_a_pod_was_ready_did_not_end_that(
    said: list[tuple[str, float]], why: dict[str, str], code: TroubleCode, detail: str
) -> None:
    ready = {"type": "Ready", "status": "False", "lastTransitionTime": later(3000.0), **why}
    one = a_pod(pod(ready="False", conditions=[ready]))
    events = [unhealthy(message, at=later(at)) for message, at in said]
    found = assembled(Objects([one], events=events), THEN + 3010.0).replicas[0]
    assert found.trouble is not None
    assert (found.trouble.code, found.trouble.detail) == (code, detail)


@pytest.mark.parametrize(("code", "reason"), [(1, "Error"), (0, "Completed")])
def test_a_container_that_ended_beside_others_is_named(code: int, reason: str) -> None:
    beside = container("proxy", ended=end(code, reason, after=300.0, ran=300.0), ready=False)
    ready = {"type": "Ready", "status": "False", "lastTransitionTime": later(300.0)}
    one = a_pod(pod(conditions=[ready], containers=[container("main"), beside]))
    found = assembled(Objects([one])).replicas[0]
    assert found.state is State.DOWN
    assert found.trouble is not None
    assert (found.trouble.part, found.trouble.detail) == ("proxy", f"exit {code}")


@pytest.mark.parametrize(
    ("more", "waits"),
    [
        ({}, True),
        ({"inits": [container("migrate", ready=False)]}, False),
        ({"inits": [container("migrate", ended=end(0, "Completed"))]}, False),
        ({"conditions": [{"type": "PodReadyToStartContainers", "status": "True"}]}, False),
        ({"conditions": [{"type": "PodReadyToStartContainers", "status": "False"}]}, True),
    ],
)
def test_a_volume_that_is_there_by_now_is_not_awaited(more: dict[str, Any], waits: bool) -> None:
    main = container("main", waiting="ContainerCreating", ready=False)
    one = a_pod(pod(phase="Pending", ready="False", containers=[main], **more))
    said = 'MountVolume.SetUp failed for volume "cfg" : timed out waiting for the cache'
    events = [unhealthy(said, reason="FailedMount")]
    found = assembled(Objects([one], events=events)).replicas[0]
    assert (found.trouble is not None) is waits
    assert found.state is (State.DOWN if waits else State.DEGRADED)


def test_each_image_has_the_reason_that_was_said_of_it() -> None:
    wait = 'Back-off pulling image "web:1"'
    both = [
        container("main", waiting="ImagePullBackOff", message=wait, ready=False),
        container("proxy", waiting="ImagePullBackOff", ready=False, of={"image": "proxy:9"}),
    ]
    events = [
        unhealthy('Failed to pull image "web:1": unauthorized', reason="Failed"),
        unhealthy('Failed to pull image "proxy:9": not found', reason="Failed", at=later(9.0)),
    ]
    one = a_pod(pod(phase="Pending", ready="False", containers=both))
    found = assembled(Objects([one], events=events)).replicas[0].trouble
    assert found is not None
    assert (found.code, found.part) == (_C.IMAGE_REFUSED, "web:1")


@pytest.mark.parametrize(("made", "refused"), [(-60.0, True), (60.0, False)])
def test_a_refusal_is_over_once_a_pod_was_made(made: float, refused: bool) -> None:
    whole = controller(deployment("web", availableReplicas=1))
    owner = {"kind": "Deployment", "name": "web", "uid": whole.meta.uid, "controller": True}
    meta = {"ownerReferences": [owner], "creationTimestamp": later(made)}
    said = unhealthy("exceeded quota: small", reason="FailedCreate", about=whole.meta.uid)
    known = Objects([a_pod(pod(meta=meta))], [whole], events=[said])
    assert (assembled(known).workloads[0].trouble is not None) is refused


@pytest.mark.parametrize(
    ("last", "restarts", "later", "loop"),
    [
        (end(1), 3, 10.0, 3),
        (end(1), 1, 10.0, 0),
        # It has run long enough since.
        (end(1), 3, 700.0, 0),
        # It had run for long.
        (end(1, ran=3000.0), 3, 10.0, 0),
        # What is to run for ever has no good end.
        (end(0, "Completed"), 3, 10.0, 3),
    ],
)
def test_a_pod_that_ended_again_and_again_is_not_well_while_it_runs(
    last: dict[str, object], restarts: int, later: float, loop: int
) -> None:
    running = a_pod(pod(containers=[container(before=last, restarts=restarts)]))
    found = assembled(Objects([running]), THEN + later).replicas[0]
    assert found.loop == loop
    assert found.state is (State.DEGRADED if loop else State.OK)


def test_what_did_not_change_is_the_same_object() -> None:
    assembler, known = Assembler(BED), objects()
    first = assembler.assemble(known, "", "", LATER)
    second = assembler.assemble(known, "", "", LATER + 1.0)
    assert all(one is other for one, other in zip(first.replicas, second.replicas, strict=True))


def test_use_is_that_of_the_pod() -> None:
    usage = {("shop", "web-1"): Usage(0.25, 1 << 20)}
    found = assembled(Objects([a_pod(pod())], usage=usage)).replicas[0]
    assert (found.cpu, found.memory) == (0.25, 1 << 20)


def test_a_held_rollout_is_said() -> None:
    held = controller(deployment(spec={"paused": True}))
    assert assembled(Objects([], [held])).workloads[0].update is Update.HELD


def test_what_explains_nothing_is_not_kept() -> None:
    killing = {"metadata": {"uid": "e", "name": "e"}, "reason": "Killing"}
    assert read_said(killing) is None
    assert read_said({**killing, "reason": "FailedMount"}) is not None
    # A reason may be anything.
    assert read_said({**killing, "reason": ["FailedMount"]}) is None
