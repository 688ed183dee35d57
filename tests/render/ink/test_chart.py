"""Charts and sparks: fixed scales, gaps for what was not seen, never an error."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from opsconsole.model.series import Trace
from opsconsole.render.ink.cells import Role, line_width, plain
from opsconsole.render.ink.chart import Curve, Mark, Plot, chart
from opsconsole.render.ink.scale import nice_ceiling, time_step
from opsconsole.render.ink.spark import columns, latency_spark, meter

NOW = 1_763_716_500.0
VALUES = st.lists(st.none() | st.floats(0, 1e6), max_size=200)


def plot(*values: float | None, objective: float | None = None, step: float = 5.0) -> Plot:
    trace = Trace(NOW - step * len(values), step, values)
    return Plot((Curve(trace, Role.TRACE, filled=True),), NOW, 900.0, objective)


@example([5e-324], 16, 4, None)
@given(VALUES, st.integers(0, 160), st.integers(0, 40), st.none() | st.floats(0.001, 100))
def test_any_data_fits_its_place(
    values: list[float | None], width: int, height: int, objective: float | None
) -> None:
    lines = chart(plot(*values, objective=objective), width, height)
    assert len(lines) == height
    assert all(line_width(line) <= max(width, 0) for line in lines)


def test_the_scale_is_one_two_five_and_labelled() -> None:
    text = plain(chart(plot(*[0.3] * 100, 1.7), 60, 12))
    assert " 2.0s ┤" in text
    assert " 1.0s ┤" in text
    assert "    0 ┤" in text


def test_the_objective_has_its_label_and_line() -> None:
    text = plain(chart(plot(*[1.0] * 20, objective=0.3), 60, 14))
    assert "300ms ┤" in text


def test_a_gap_is_blank() -> None:
    text = plain(chart(plot(*[1.0] * 80, *[None] * 40, *[1.0] * 60), 68, 8)).splitlines()
    assert "   " in text[1][10:60].strip()


def test_marks_stand_on_the_axis() -> None:
    made = plot(*[1.0] * 180)
    marked = Plot(made.curves, NOW, 900.0, None, (Mark(NOW - 450, "⇧"),))
    axis = plain(chart(marked, 68, 8)).splitlines()[-2]
    assert 35 <= axis.index("⇧") <= 40
    assert "┴" in axis


@pytest.mark.parametrize(
    ("value", "top"),
    [(0, 1), (0.9, 1), (1, 1), (1.1, 2), (2.1, 3), (3.1, 5), (7, 10), (0.003, 0.003)],
)
def test_nice_ceilings(value: float, top: float) -> None:
    assert nice_ceiling(value) == pytest.approx(top)


def test_time_steps() -> None:
    assert time_step(900, 4) == 300
    assert time_step(900, 10) == 120
    assert time_step(3600 * 24 * 30, 5) == 86_400 * 6


def test_the_spark_does_not_move_within_a_column() -> None:
    trace = Trace(NOW - 900, 5, tuple(0.01 * (1 + i % 7) for i in range(180)))
    base = 45.0 * 1000
    made = [latency_spark(trace, 20, base * 45 + offset, 900) for offset in (1.0, 20.0, 44.0)]
    assert len(set(made)) == 1


def test_the_spark_scale_is_fixed() -> None:
    slow = Trace(NOW - 900, 45, (0.05,) * 20)
    assert set(latency_spark(slow, 20, NOW, 900)) == {"▂"}
    burst = Trace(NOW - 900, 45, (0.05,) * 19 + (9.9,))
    assert latency_spark(burst, 20, NOW, 900).startswith("▂" * 18)
    assert latency_spark(burst, 20, NOW, 900)[-1] in "█▂"


def test_what_was_not_seen_is_a_gap() -> None:
    trace = Trace(NOW - 900, 45, (0.05,) * 5 + (None,) * 10 + (0.05,) * 5)
    assert "     " in latency_spark(trace, 20, NOW, 900).strip()


@given(VALUES, st.integers(1, 60), st.floats(0.5, 60))
def test_columns_hold_the_worst(values: list[float | None], width: int, step: float) -> None:
    trace = Trace(NOW - step * len(values), step, tuple(values))
    found = columns(trace, width, NOW, 900.0)
    assert len(found) == width
    assert {each for each in found if each is not None} <= set(values)


@pytest.mark.parametrize("width", [3, 9, 15, 45])
def test_meters_have_their_width(width: int) -> None:
    assert len(meter(0.5, width)) == width
    assert len(meter(None, width)) == width
