"""The time axis: as short as the first minutes need, never shorter than before."""

from dataclasses import replace

import pytest

from opsconsole.model.series import Trace
from opsconsole.model.snapshot import Snapshot
from opsconsole.render.ink.figures import span
from opsconsole.ui.time_axis import TimeAxis, fitted, oldest
from tests.ui import fleet
from tests.ui.fleet import NOW


def seen_for(seconds: float, now: float = NOW) -> Snapshot:
    """A fleet whose first figure is so old."""
    slots = int(seconds / 5)
    trace = Trace(now - 900, 5, (None,) * (180 - slots) + (0.05,) * slots)
    made = fleet.calm()
    return replace(
        made,
        services=tuple(
            replace(each, latency=replace(each.latency, trace=trace)) for each in made.services
        ),
    )


@pytest.mark.parametrize(
    ("age", "window"), [(5, 60), (60, 60), (61, 120), (200, 300), (301, 900), (5000, 900)]
)
def test_steps(age: float, window: float) -> None:
    assert fitted(age, 900) == window


def test_a_window_between_steps_is_reached_at_last() -> None:
    assert fitted(350, 600) == 600
    assert fitted(30, 45) == 45


def test_it_grows_with_what_was_seen_and_never_back() -> None:
    axis = TimeAxis(900)
    seen = []
    for number, seconds in enumerate((5, 55, 100, 290, 880, 20)):
        moment = NOW + 60 * number
        axis.grow(seen_for(seconds, moment), moment)
        seen.append(axis.window)
    assert seen == [60, 60, 120, 300, 900, 900]


def test_what_was_seen_is_looked_through_at_most_once_a_second() -> None:
    axis = TimeAxis(900)
    axis.grow(seen_for(5), NOW)
    axis.grow(seen_for(290), NOW + 0.5)
    assert axis.window == 60
    axis.grow(seen_for(290), NOW + 1.0)
    assert axis.window == 300


def test_nothing_seen_is_a_minute() -> None:
    axis = TimeAxis(900)
    axis.grow(fleet.empty(), NOW)
    assert axis.window == 60
    assert oldest([Trace(0, 5, (None, None))]) is None


@pytest.mark.parametrize(
    ("window", "text"), [(60, "1 min"), (900, "15 min"), (5400, "90 min"), (21600, "6 h")]
)
def test_spans_in_words(window: float, text: str) -> None:
    assert span(window) == text


@pytest.mark.parametrize("seconds", [5, 55, 130, 290])
def test_what_was_seen_is_said_and_not_the_step_that_covers_it(seconds: float) -> None:
    axis = TimeAxis(900)
    axis.grow(seen_for(seconds), NOW)
    assert axis.seen == seconds
    assert axis.seen <= axis.window
