"""What pods tell of their containers' runs, and how far one was read. Pure."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.sources.logs.pod_runs import Position, runs_of, selector_of
from opsconsole.sources.logs.raw_lines import RawLine
from opsconsole.sources.logs.stamped_lines import NANO, StampedLine

times = st.lists(st.integers(1, 12), max_size=30).map(sorted)


def line(at: int, number: int) -> StampedLine:
    """A quarter of a second a unit, so that several lines share a second and some a moment."""
    return StampedLine(RawLine(str(number).encode()), NANO + at * NANO // 4)


@given(times, st.lists(st.integers(0, 30), max_size=6).map(sorted))
def test_every_line_is_fresh_once_however_often_the_log_is_asked_for(
    written: list[int], breaks: list[int]
) -> None:
    log = [line(at, number) for number, at in enumerate(written)]
    position, taken = Position(), list[StampedLine]()
    for end in (*breaks, len(log)):
        since = position.last
        position.ask_again(since)
        taken += position.fresh(each for each in log[:end] if _second(each) >= int(since))
    assert taken == log


@given(times, times)
def test_a_run_that_is_read_after_the_one_that_followed_it_is_read_whole(
    first: list[int], then: list[int]
) -> None:
    before = [line(at, number) for number, at in enumerate(first)]
    after = [line(at + 13, number) for number, at in enumerate(then)]
    position = Position()
    assert position.fresh(after) == after
    position.ask_again(0.0)
    assert position.fresh(before) == before


def _second(each: StampedLine) -> int:
    return each.nanoseconds // NANO


def test_what_comes_late_by_its_own_clock_is_not_lost() -> None:
    position = Position()
    lines = [line(5, 0), line(4, 1), line(5, 2)]
    assert position.fresh(lines) == lines


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
