"""What engines say of copies: removed, put back, not started, called ill."""

from typing import Final

import pytest

from opsconsole.model.diagnosis import Confidence, FactCode
from opsconsole.model.events import Event, EventCode
from opsconsole.model.running.workloads import Phase
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
