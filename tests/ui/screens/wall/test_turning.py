"""The wall's clockwork: turns, moves, signs of life and new beginnings."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from opsconsole.render.wall.scene import View
from opsconsole.ui.screens.wall.turning import (
    LONGEST_WAIT,
    SHIFT_EVERY,
    SILENT_AFTER,
    STEADY_AFTER,
    Drift,
    Pulse,
    Revival,
    Rotation,
)

ALL = (View.OVERVIEW, View.SERVICES, View.RESOURCES, View.TIMELINE)


# ---- rotation ----


def test_views_take_turns() -> None:
    rotation = Rotation(ALL, 20.0, 100.0)
    seen = [rotation.turn(100.0 + at, red=False) for at in range(0, 100, 10)]
    assert seen == [ALL[0]] * 2 + [ALL[1]] * 2 + [ALL[2]] * 2 + [ALL[3]] * 2 + [ALL[0]] * 2


def test_what_is_red_stays_and_then_the_turn_begins_anew() -> None:
    rotation = Rotation(ALL, 20.0, 0.0)
    rotation.turn(25.0, red=False)
    assert rotation.view is View.SERVICES
    assert all(rotation.turn(30.0 + at, red=True) is View.RED for at in range(0, 9000, 7))
    assert rotation.shown_for(9000.0) == 8970.0
    assert rotation.turn(9000.0, red=False) is View.OVERVIEW
    assert rotation.turn(9019.0, red=False) is View.OVERVIEW
    assert rotation.turn(9020.0, red=False) is View.SERVICES


def test_time_that_was_not_looked_at_is_turned_through() -> None:
    rotation = Rotation(ALL, 20.0, 0.0)
    assert rotation.turn(65.0, red=False) is View.TIMELINE
    assert rotation.shown_for(65.0) == 5.0


@given(st.lists(st.tuples(st.floats(0.1, 100), st.booleans()), max_size=60))
def test_red_is_shown_exactly_while_it_is_red(steps: list[tuple[float, bool]]) -> None:
    rotation, now = Rotation(ALL, 20.0, 0.0), 0.0
    for passed, red in steps:
        now += passed
        assert (rotation.turn(now, red=red) is View.RED) is red
        assert rotation.shown_for(now) >= 0.0


# ---- drift ----


@given(st.integers(1, 500), st.integers(1, 200))
def test_the_picture_moves_a_cell_at_a_time_and_stays_in_its_margin(
    width: int, height: int
) -> None:
    margin = Drift.of(width, height)
    places = [margin.at(SHIFT_EVERY * step) for step in range(80)]
    for (x, y), (later_x, later_y) in itertools.pairwise(places):
        assert 0 <= x <= margin.across
        assert 0 <= y <= margin.down
        assert abs(x - later_x) + abs(y - later_y) <= 1
    assert len(set(places)) == (margin.across + 1) * (margin.down + 1)


def test_a_small_screen_keeps_every_cell() -> None:
    assert Drift.of(40, 12) == Drift(0, 0)


# ---- signs of life ----


def test_an_engine_whose_sign_moves_lives() -> None:
    pulse = Pulse()
    assert not any(pulse.silent(float(at), float(at)) for at in range(1000))


def test_a_sign_that_stands_still_is_silence_after_a_while() -> None:
    pulse = Pulse()
    found = [pulse.silent(1.0, float(at)) for at in range(100)]
    assert found.index(True) == SILENT_AFTER
    assert not pulse.silent(2.0, 101.0)


def test_a_machine_that_slept_was_not_silent() -> None:
    pulse = Pulse()
    pulse.silent(1.0, 0.0)
    assert not pulse.silent(1.0, 7200.0)


def test_an_engine_that_gives_no_sign_is_believed() -> None:
    pulse = Pulse()
    assert not any(pulse.silent(None, float(at)) for at in range(1000))


# ---- new beginnings ----


def attempts(revival: Revival, until: int) -> list[int]:
    return [at for at in range(until) if revival.attempt(float(at))]


def test_attempts_come_less_and_less_often() -> None:
    revival = Revival()
    revival.failed("gone", 0.0, 0.0)
    made = attempts(revival, 5000)
    waits = [later - one for one, later in itertools.pairwise(made)]
    assert made[:4] == [5, 15, 35, 75]
    assert max(waits) == LONGEST_WAIT
    assert revival.since == 0.0


def test_nothing_is_begun_while_all_is_well() -> None:
    revival = Revival()
    revival.alive(0.0)
    assert attempts(revival, 100) == []


def test_a_failure_soon_after_is_not_the_first() -> None:
    revival = Revival()
    revival.failed("gone", 0.0, 0.0)
    attempts(revival, 40)
    revival.alive(40.0)
    revival.failed("gone again", 60.0, 60.0)
    assert revival.again_in(60.0) == 40.0


def test_a_failure_after_a_long_life_is_the_first_again() -> None:
    revival = Revival()
    revival.failed("gone", 0.0, 0.0)
    attempts(revival, 40)
    revival.alive(40.0)
    revival.alive(41.0 + STEADY_AFTER)
    revival.failed("gone", 400.0, 400.0)
    assert revival.again_in(400.0) == 5.0
