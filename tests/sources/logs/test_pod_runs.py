"""What pods report of their containers' runs. Pure."""

from typing import Any

import pytest

from opsconsole.sources.logs.pod_runs import runs_of, selector_of


def pod(**status: Any) -> dict[str, object]:
    return {"metadata": {"name": "web-1", "uid": "u1", "namespace": "shop"}, "status": status}


def container(name: str, **told: Any) -> dict[str, Any]:
    return {"name": name, **told}


def test_containers_are_named_after_their_pod_and_told_apart_where_there_are_several() -> None:
    running = container("app", restartCount=2, state={"running": {}}, containerID="docker://b")
    [alone] = runs_of([pod(containerStatuses=[running])])
    assert (alone.writer, alone.restarts, alone.current) == ("web-1", 2, "docker://b")
    assert alone.path == "/api/v1/namespaces/shop/pods/web-1/log"
    first = container("migrate", restartCount=0, state={"terminated": {"exitCode": 0}})
    waiting = container("app", restartCount=0, state={"waiting": {"reason": "PodInitializing"}})
    found = runs_of([pod(initContainerStatuses=[first], containerStatuses=[waiting])])
    assert [(each.writer, bool(each.current), each.ended) for each in found] == [
        ("web-1/migrate", True, 0.0),
        ("web-1/app", False, None),
    ]


def test_one_that_waits_to_be_restarted_has_its_last_run_alone() -> None:
    told = container(
        "app",
        restartCount=4,
        state={"waiting": {"reason": "CrashLoopBackOff"}},
        lastState={"terminated": {"exitCode": 1, "containerID": "docker://a"}},
        containerID="docker://a",
    )
    [run] = runs_of([pod(containerStatuses=[told])])
    assert (run.current, run.last, run.restarts) == ("", "docker://a", 4)


@pytest.mark.parametrize(
    "hostile",
    [
        {},
        {"metadata": [], "status": 3},
        {"metadata": {"name": 1, "uid": None}, "status": {"containerStatuses": [{}]}},
        pod(containerStatuses="all", initContainerStatuses=[None, 3]),
        pod(containerStatuses=[container("a\x1b[31m", restartCount=-1, state=[])]),
        pod(containerStatuses=[container("a", restartCount=10**30, state={"running": None})]),
    ],
)
def test_hostile_pods_raise_nothing(hostile: dict[str, object]) -> None:
    for run in runs_of([hostile]):
        assert 0 <= run.restarts < 2**31
        assert "\x1b" not in run.writer


def test_a_selector_is_written_as_the_api_takes_it() -> None:
    selector = {
        "matchLabels": {"app": "web"},
        "matchExpressions": [
            {"key": "tier", "operator": "In", "values": ["a", "b"]},
            {"key": "canary", "operator": "DoesNotExist"},
            {"key": "zone", "operator": "Exists"},
            {"key": "team", "operator": "NotIn", "values": ["x"]},
        ],
    }
    written = "app=web,tier in (a,b),!canary,zone,team notin (x)"
    assert selector_of({"spec": {"selector": selector}}) == written
    assert selector_of({"spec": {"selector": "all"}}) == ""
