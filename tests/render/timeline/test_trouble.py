"""The last trouble is named by its own cause, not by its end nor by what was done about it."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.model.events import Event, EventCode
from opsconsole.model.operation import ActionKind
from opsconsole.model.state import State
from opsconsole.render.timeline.trouble import last_trouble

OK, DEGRADED, DOWN, UNKNOWN = State.OK, State.DEGRADED, State.DOWN, State.UNKNOWN


def flip(at: float, state: State, detail: str = "", subject: str = "web-1") -> Event:
    return Event(at, EventCode.HEALTH_CHANGED, detail, "web", subject, state)


def done(at: float, action: ActionKind, state: State | None = None) -> Event:
    return Event(at, EventCode.OPERATION, service="web", subject="web", state=state, action=action)


def fired(at: float) -> Event:
    return Event(at, EventCode.ALERT_FIRED, "", "web", "WebDown", DOWN)


BUSY = flip(1, DEGRADED, "database degraded: 17 of 20 connections busy")
POOL = flip(5, DOWN, "database down: connection pool exhausted")
REFUSED = flip(22, DOWN, "connection refused")
NOT_READY = flip(25, DEGRADED, "not ready: HTTP 503")
WELL = flip(30, OK)
RESTART = done(20, ActionKind.RESTART)


@pytest.mark.parametrize(
    ("events", "named"),
    [
        ((), None),
        ((WELL,), None),
        ((flip(1, UNKNOWN),), None),
        ((BUSY, WELL), BUSY),
        ((BUSY, POOL, WELL), POOL),
        ((BUSY, POOL, NOT_READY, WELL), POOL),
        ((BUSY, POOL, NOT_READY), POOL),
        ((BUSY, POOL, RESTART, NOT_READY, WELL), POOL),
        ((BUSY, RESTART, REFUSED, NOT_READY, WELL), BUSY),
        ((BUSY, done(3, ActionKind.TEST), POOL, WELL), POOL),
        ((BUSY, POOL, RESTART, done(28, ActionKind.RESTART, DOWN), WELL), POOL),
        ((BUSY, POOL, fired(8), NOT_READY, WELL), POOL),
        ((BUSY, POOL, WELL, fired(40)), fired(40)),
        ((BUSY, POOL, WELL, flip(50, DEGRADED, "slow")), flip(50, DEGRADED, "slow")),
        ((POOL, flip(6, UNKNOWN), flip(9, DOWN, "timeout"), WELL), POOL),
        ((POOL, flip(6, DEGRADED, "slow", "web-2"), WELL, flip(31, OK, "", "web-2")), POOL),
        ((fired(3),), fired(3)),
        ((NOT_READY, WELL), NOT_READY),
    ],
)
def test_what_names_it(events: Sequence[Event], named: Event | None) -> None:
    assert last_trouble(events) == named


EVENTS = st.lists(
    st.builds(flip, st.integers(0, 20), st.sampled_from(State), subject=st.sampled_from("ab"))
    | st.builds(done, st.integers(0, 20), st.sampled_from(ActionKind), st.sampled_from(State))
    | st.builds(fired, st.integers(0, 20)),
    max_size=10,
)


@given(EVENTS)
def test_a_trouble_has_a_name_where_there_was_one(events: list[Event]) -> None:
    named = last_trouble(events)
    ill = [each for each in events if each.state in {DOWN, DEGRADED}]
    assert (named is None) is (not ill)
    assert named is None or named in ill
