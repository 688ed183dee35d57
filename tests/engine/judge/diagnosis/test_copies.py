"""What engines say of copies: removed, put back, not started, called ill."""

from dataclasses import replace
from typing import Any, Final

import pytest

from opsconsole.model.diagnosis import Confidence, FactCode
from opsconsole.model.events import Event, EventCode
from opsconsole.model.running.troubles import Trouble, TroubleCode
from opsconsole.model.running.workloads import Phase, Place, PlaceKind
from opsconsole.model.state import State
from tests.engine.judge.diagnosis.stage import (
    NOW,
    REFUSED,
    T,
    copy,
    diagnosis,
    ended,
    image,
    service,
    told,
)
from tests.workloads import engine, replica


def taken_away(at: float, back: float | None = None) -> list[Event]:
    """What an engine tells of a copy that is removed, and of the one that is made for it."""
    found = [ended(at, "web-1", 137, signal="SIGKILL"), happened(at, EventCode.REMOVED)]
    if back is not None:
        found.append(happened(back, EventCode.STARTED))
    return found


def happened(at: float, code: EventCode) -> Event:
    return Event(at, code, "", "web", "web-1")


def test_a_declared_copy_that_was_removed_is_told_whatever_answers_in_its_place() -> None:
    missing = copy(1, replicas=(), fault=None, reason="expected text 'version' is missing")
    given = service("web", State.DOWN, missing)
    assert told(given, events=taken_away(T)) == "web-1 was removed"
    found = diagnosis(given, events=taken_away(T)).explanations
    assert [each.lead.code for each in found] == [FactCode.GONE]
    there = service("web", State.DOWN, copy(1))
    assert told(there, events=taken_away(T)) == REFUSED.message


@pytest.mark.parametrize(
    ("events", "sure"),
    [
        # It went wrong by order; what it is ill of is why its replacement does not run.
        (taken_away(T, T + 20), Confidence.LIKELY),
        # Nobody had touched it: the restart came later and cannot have been the cause.
        ([happened(T + 20, EventCode.STARTED)], Confidence.UNLIKELY),
        # It had gone wrong before it was taken away.
        (taken_away(T + 10, T + 20), Confidence.UNLIKELY),
    ],
)
def test_what_was_put_back_and_is_not_well_is_ill_of_what_came_then(
    events: list[Event], sure: Confidence
) -> None:
    looping = [ended(T + 21 + second, "web-1", 1) for second in range(3)]
    found = diagnosis(service("web", State.DOWN, copy(1)), events=[*events, *looping])
    lead = found.explanations[0]
    assert lead.lead.code is FactCode.CRASH_LOOP
    assert lead.confidence is sure


def test_a_change_that_came_with_what_was_put_back_is_named() -> None:
    events = [*taken_away(T), image(T + 20), happened(T + 20.1, EventCode.STARTED)]
    loop = [ended(T + 21 + second, "web-1", 1) for second in range(3)]
    said = told(service("web", State.DOWN, copy(1)), events=[*events, *loop], width=60)
    assert said == "web-1 restarts in a loop, ×3 in 2s, exit 1 since 1.0→2.0"


CANNOT: Final = "no program gunicorn"


@pytest.mark.parametrize(
    ("width", "said"),
    [(60, f"web-1 cannot start: {CANNOT} since 1.0→2.0"), (33, f"cannot start: {CANNOT}")],
)
def test_why_a_copy_could_not_be_started_is_worth_more_than_its_name(width: int, said: str) -> None:
    made = replica("web-1", Phase.PENDING, State.UNKNOWN, start_error=CANNOT)
    given = service("web", State.DOWN, copy(1))
    assert told(given, events=[image(T)], engines=[engine(made, at=NOW)], width=width) == said


def test_a_stopped_copy_that_could_not_be_started_again_says_that() -> None:
    stopped = replica("web-1", Phase.ENDED, State.DOWN, start_error="port 80 taken")
    term = ended(T, "web-1", 143, signal="SIGTERM")
    given = service("web", State.DOWN, copy(1))
    said = told(given, events=[term], engines=[engine(stopped, at=NOW)])
    assert said == "web-1 cannot start: port 80 taken"


def test_what_an_engine_calls_ill_is_told_once() -> None:
    ill = replica("web-1", Phase.RUNNING, State.DOWN, detail="unhealthy: redis is gone")
    well = copy(1, State.DEGRADED, reason="container web-1 unhealthy: redis is gone")
    found = diagnosis(service("web", State.DEGRADED, well), engines=[engine(ill, at=NOW)])
    assert [each.lead.code for each in found.explanations] == [FactCode.CHECK_FAILS]


POD: Final = {"kind": "pod", "place": Place(PlaceKind.CLUSTER, "bed"), "namespace": "shop"}


def of_a_pod(trouble: Trouble | None, *, events: list[Event], **more: Any) -> list[FactCode]:
    """The codes of what is said of a service whose only pod is ``web-1``, the likeliest first."""
    phase = more.pop("phase", Phase.PENDING)
    pod = replica("web-1", phase, more.pop("state", State.DOWN), trouble=trouble, **POD, **more)
    seen = service("web", State.DOWN, copy(1), replicas=("web-1",))
    bed = engine(pod, at=NOW, place=pod.place)
    found = diagnosis(replace(seen, instances=()), events=events, engines=(bed,)).explanations
    return [each.lead.code for each in found]


@pytest.mark.parametrize(
    ("trouble", "more", "leads"),
    [
        (Trouble(TroubleCode.IMAGE_NOT_FOUND), {}, [FactCode.HELD_BACK]),
        # Said first long after it went wrong, it is why it is as it is all the same.
        (Trouble(TroubleCode.UNSCHEDULABLE, at=NOW), {}, [FactCode.HELD_BACK]),
        (Trouble(TroubleCode.NOT_READY, "HTTP 503"), {"phase": Phase.RUNNING},
         [FactCode.CHECK_FAILS]),
        (Trouble(TroubleCode.NODE_LOST), {"phase": Phase.RUNNING}, [FactCode.HELD_BACK]),
        # It starts, which explains nothing.
        (None, {"state": State.DEGRADED}, []),
        (None, {"phase": Phase.RESTARTING, "loop": 4, "exit_code": 137, "oom_killed": True},
         [FactCode.OUT_OF_MEMORY]),
    ],
)  # fmt: skip
def test_what_a_cluster_says_of_a_pod_is_why(
    trouble: Trouble | None, more: dict[str, Any], leads: list[FactCode]
) -> None:
    assert of_a_pod(trouble, events=[], **more)[: len(leads) or 1] == leads


def test_of_a_loop_the_cluster_has_counted_what_nobody_saw() -> None:
    died = [ended(T, "web-1", 3), ended(T + 9, "web-1", 3)]
    pod = replica(
        "web-1", Phase.RESTARTING, State.DOWN, loop=9, restarts=9, exit_code=3, **POD
    )  # fmt: skip
    seen = service("web", State.DOWN, copy(1), replicas=("web-1",))
    bed = engine(pod, at=NOW, place=pod.place)
    lead = diagnosis(replace(seen, instances=()), events=died, engines=(bed,)).explanations[0].lead
    assert (lead.code, lead.count, lead.figure) == (FactCode.CRASH_LOOP, 9, 3.0)
