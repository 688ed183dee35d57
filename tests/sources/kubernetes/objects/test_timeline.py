"""What changes in a cluster, as events: once each, at the cluster's own time."""

from itertools import pairwise
from typing import Any

import pytest

from opsconsole.model.events import Event, EventCode
from opsconsole.sources.kubernetes.objects import timeline
from opsconsole.sources.kubernetes.objects.nodes import Node, read_node
from opsconsole.sources.kubernetes.objects.revisions import Revision, read_replica_set
from opsconsole.sources.kubernetes.objects.workloads import Controller
from tests.sources.kubernetes.cluster_samples import (
    AT,
    THEN,
    a_pod,
    container,
    controller,
    deployment,
    end,
    pod,
    unhealthy,
)

_E = EventCode
NOW = THEN + 600.0


def template(image: str = "web:1", **more: Any) -> dict[str, Any]:
    """A pod template; ``env`` and ``annotations`` by name."""
    env = [{"name": key, "value": value} for key, value in more.get("env", {}).items()]
    return {
        "metadata": {"annotations": more.get("annotations", {})},
        "spec": {"containers": [{"name": "main", "image": image, "env": env}]},
    }


def touched(part: str, by: str, at: str = AT) -> dict[str, Any]:
    fields: dict[str, Any] = {"f:spec": {f"f:{part}": {}}}
    return {"managedFields": [{"manager": by, "time": at, "fieldsV1": fields}]}


def codes(events: "list[Event]") -> list[tuple[EventCode, str, str, str]]:
    return [(each.code, each.before, each.after, each.by) for each in events]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (template("web:1"), template("web:2"),
         [(_E.IMAGE_CHANGED, "web:1", "web:2", "kubectl-set")]),
        (template(env={"A": "1"}), template(env={"B": "1"}),
         [(_E.RECREATED, "env A", "env B", "kubectl-set")]),
        (template(env={"A": "1"}), template(env={"A": "2"}),
         [(_E.RECREATED, "", "", "kubectl-set")]),
        (template(annotations={"checksum/c": "a"}), template(annotations={"checksum/c": "b"}),
         [(_E.RECREATED, "", "", "kubectl-set")]),
        (template(), template(annotations={"kubectl.kubernetes.io/restartedAt": AT}),
         [(_E.RESTARTED, "", "", "kubectl-set")]),
        # A restart that comes with another image is a rollout of that.
        (template(), template("web:2", annotations={"kubectl.kubernetes.io/restartedAt": AT}),
         [(_E.IMAGE_CHANGED, "web:1", "web:2", "kubectl-set")]),
        (template(), template(), []),
    ],
)  # fmt: skip
def test_a_change_of_a_template_is_one_event(
    before: dict[str, Any], after: dict[str, Any], expected: list[tuple[object, ...]]
) -> None:
    one = controller(deployment(template=before))
    other = controller(deployment(template=after, meta=touched("template", "kubectl-set")))
    found = list(timeline.of_controller(one, other, NOW))
    assert codes(found) == expected
    assert all(each.at == THEN and each.about == "shop/deployment/web" for each in found)


def test_no_value_of_a_template_is_shown() -> None:
    one = controller(deployment(template=template(env={"TOKEN": "CANARY-1"})))
    other = controller(deployment(template=template(env={"TOKEN": "CANARY-2"})))
    (event,) = timeline.of_controller(one, other, NOW)
    assert event.detail == "env TOKEN"
    assert "CANARY" not in repr((one, other, event))


@pytest.mark.parametrize(
    ("manager", "autoscaler", "by"),
    [
        ("kubectl-scale", "web", "kubectl-scale"),
        ("kube-controller-manager", "web", "autoscaler web"),
        ("", "web", "autoscaler web"),
        ("", "", ""),
    ],
)
def test_who_scaled_is_said(manager: str, autoscaler: str, by: str) -> None:
    meta = touched("replicas", manager) if manager else {}
    one, other = (
        controller(deployment(spec={"replicas": 2})),
        controller(deployment(spec={"replicas": 5}, meta=meta)),
    )
    (event,) = timeline.of_controller(one, other, NOW, autoscaler)
    assert codes([event]) == [(_E.REPLICAS_CHANGED, "2", "5", by)]
    assert event.at == (THEN if manager else NOW)


def rolling(**status: Any) -> Controller:
    return controller(deployment(**status))


OVERDUE = [
    {
        "type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded",
        "message": 'ReplicaSet "web-1" has timed out progressing.', "lastTransitionTime": AT,
    }
]  # fmt: skip


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (rolling(replicas=3, updatedReplicas=1), rolling(), "completed"),
        (rolling(), rolling(spec={"paused": True}), "held"),
        (rolling(spec={"paused": True}), rolling(), "goes on"),
        (rolling(replicas=3, updatedReplicas=1),
         rolling(replicas=3, updatedReplicas=1, conditions=OVERDUE),
         'stopped: ReplicaSet "web-1" has timed out progressing.'),
    ],
)  # fmt: skip
def test_how_a_rollout_goes(before: Controller, after: Controller, said: str) -> None:
    found = list(timeline.of_controller(before, after, NOW))
    assert [(each.code, each.detail) for each in found] == [(_E.ROLLOUT_MOVED, said)]


def test_an_overdue_rollout_of_an_older_generation_is_not_this_one() -> None:
    stale = rolling(conditions=OVERDUE, meta={"generation": 2})
    assert stale.workload.trouble is None


def test_the_end_of_a_container_is_one_event_however_often_it_is_reported() -> None:
    last = end(137, "OOMKilled")
    running = a_pod(pod())
    ended = a_pod(pod(ready="False", containers=[container(ended=last, ready=False)]))
    waiting = container(waiting="CrashLoopBackOff", before=last, restarts=1, ready=False)
    waits = a_pod(pod(ready="False", containers=[waiting]))
    again = a_pod(pod(containers=[container(before=last, restarts=1)]))
    seen = [running, ended, waits, again]
    found = [
        event for before, after in pairwise(seen) for event in timeline.of_pod(before, after, NOW)
    ]
    assert [(each.code, each.figure, each.memory, each.at) for each in found] == [
        (_E.ENDED, 137.0, True, THEN - 60.0),
        (_E.STARTED, None, False, THEN),
    ]


@pytest.mark.parametrize(
    ("after", "grace", "signal"),
    [(-10.0, 30, "SIGTERM"), (20.0, 30, "SIGTERM"), (-60.0, 30, ""), (-600.0, 0, "")],
)
def test_an_end_is_by_order_from_when_that_was_given(after: float, grace: int, signal: str) -> None:
    # It has to be gone by that time.
    ordered = {"deletionTimestamp": AT, "deletionGracePeriodSeconds": grace}
    ended = a_pod(
        pod(meta=ordered, containers=[container(ended=end(143, after=after), ready=False)])
    )
    (event,) = timeline.of_pod(a_pod(pod()), ended, NOW)
    assert (event.code, event.name) == (_E.ENDED, signal)
    assert [each.name for each in timeline.ends_of(ended, 0.0)] == [signal]


def test_an_init_container_that_is_done_is_no_event() -> None:
    done = a_pod(pod(inits=[container("migrate", ended=end(0, "Completed"))]))
    found = timeline.of_pod(None, done, NOW)
    assert [each.code for each in found] == [_E.STARTED]
    assert not list(timeline.ends_of(done, 0.0)), "nor of the time before the first look"


def test_an_eviction_is_said_with_its_reason() -> None:
    evicted = a_pod(
        pod(phase="Failed", containers=[], status={"reason": "Evicted", "message": "low on disk"})
    )
    (event,) = timeline.of_pod(a_pod(pod()), evicted, NOW)
    assert (event.code, event.detail) == (_E.EVICTED, "low on disk")
    assert not list(timeline.of_pod(evicted, evicted, NOW))
    # Its object is swept up later, which is nothing that happened to the pod.
    assert not list(timeline.of_pod(evicted, None, NOW))


def test_a_pod_that_says_itself_that_it_has_to_go_is_evicted_once() -> None:
    target = {
        "type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI",
        "message": "Eviction API: evicting", "lastTransitionTime": AT,
    }  # fmt: skip
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": AT}
    going = a_pod(pod(conditions=[ready, target]))
    (event,) = timeline.of_pod(a_pod(pod()), going, NOW)
    assert (event.code, event.detail, event.at) == (_E.EVICTED, "Eviction API: evicting", THEN)
    assert timeline.disrupted(going)
    evicted = a_pod(
        pod(phase="Failed", containers=[], conditions=[target], status={"reason": "Evicted"})
    )
    assert not list(timeline.of_pod(going, evicted, NOW))


def test_a_pod_that_is_gone_was_removed() -> None:
    assert [each.code for each in timeline.of_pod(a_pod(pod()), None, NOW)] == [_E.REMOVED]


def node(ready: str = "True", *, cordoned: bool = False) -> Node:
    found = read_node(
        {
            "metadata": {"uid": "n", "name": "node-1"},
            "spec": {"unschedulable": cordoned},
            "status": {
                "conditions": [
                    {"type": "Ready", "status": ready, "message": "gone", "lastTransitionTime": AT}
                ]
            },
        }
    )
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        (node(), node("Unknown"), _E.NODE_LOST),
        (node("Unknown"), node("False"), None),
        (node("False"), node(), _E.NODE_BACK),
        (node(), node(cordoned=True), _E.NODE_CORDONED),
        (node(cordoned=True), node(), _E.NODE_OPENED),
    ],
)
def test_what_happens_to_a_node(before: Node, after: Node, code: EventCode | None) -> None:
    found = [each.code for each in timeline.of_node(before, after, NOW)]
    assert found == ([] if code is None else [code])


@pytest.mark.parametrize(
    ("reason", "message", "is_event"),
    [
        ("Preempted", "Preempted by shop/big on node node-1", True),
        ("TaintManagerEviction", "Marking for deletion Pod shop/web-1", True),
        ("TaintManagerEviction", "Cancelling deletion of Pod shop/web-1", False),
    ],
)
def test_what_others_did_to_a_pod(reason: str, message: str, is_event: bool) -> None:
    event = timeline.of_said(unhealthy(message, reason=reason))
    assert (event is not None and event.code is _E.EVICTED) is is_event


def revision(number: int, image: str, created: str) -> Revision:
    found = read_replica_set(
        {
            "metadata": {
                "uid": f"set-{number}", "name": f"web-{number}", "creationTimestamp": created,
                "annotations": {"deployment.kubernetes.io/revision": str(number)},
            },
            "spec": {"template": template(image)},
        }
    )  # fmt: skip
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("since", "expected"),
    [(THEN - 10.0, [(_E.IMAGE_CHANGED, "web:1", "web:2", "")]), (THEN + 10.0, [])],
)
def test_a_rollout_is_learnt_afterwards(since: float, expected: list[tuple[object, ...]]) -> None:
    present = controller(deployment(template=template("web:2")))
    kept = [revision(2, "web:2", AT), revision(1, "web:1", "2026-11-01T00:00:00Z")]
    found = list(timeline.rollout_of(present, kept, since))
    assert codes(found) == expected
    assert all(each.at == THEN for each in found)


def test_a_cluster_whose_clock_is_ahead_has_done_nothing_later_than_now() -> None:
    ended = a_pod(pod(containers=[container(ended=end(1, after=9999.0), ready=False)]))
    (event,) = timeline.of_pod(a_pod(pod()), ended, NOW)
    assert event.at == NOW
