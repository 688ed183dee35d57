"""Looks, failures and states over the window."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.engine.traces.history import LEAST_SLOTS, SLOTS, History
from opsconsole.model.state import State

START = 1_700_000_000.0


@given(st.floats(10.0, 90_000.0), st.floats(0.05, 3600.0))
def test_slots_are_bounded_and_no_shorter_than_looks(window: float, interval: float) -> None:
    history = History(window, interval)
    assert LEAST_SLOTS <= history.slots <= SLOTS
    assert history.step >= interval


def test_the_error_rate_is_of_the_last_five_minutes() -> None:
    history = History(900.0, 5.0)
    for number in range(60):
        history.add(START + 5 * number, failed=True, latency=None)
    assert history.error_rate(START + 299.0) == 1.0
    for number in range(60, 180):
        history.add(START + 5 * number, failed=False, latency=0.01)
    now = START + 899.0
    assert history.error_rate(now) == 0.0
    assert history.error_rate(now, 900.0) == pytest.approx(1 / 3, abs=0.01)


def test_without_a_look_there_is_no_rate() -> None:
    history = History(900.0, 5.0)
    assert history.error_rate(START) is None
    history.add(START, failed=True, latency=None)
    assert history.error_rate(START + 1000.0) is None


def test_a_slot_keeps_its_most_urgent_state() -> None:
    history = History(900.0, 5.0)
    for state in (State.OK, State.DOWN, State.UNKNOWN):
        history.note_state(START, state)
    history.note_state(START + 20.0, State.OK)
    values = history.state_trace(START + 20.0).values
    assert values[-3:] == (float(State.DOWN.urgency), None, 0.0)
    assert values[0] is None
