"""How near a figure is to its target, and where it is going, by cases worked out."""

import pytest

from opsconsole.engine.judge.attainment import closeness, trend
from opsconsole.model.series import Trace
from opsconsole.model.written.expressions import Comparison, Quantity

QUANTITY = Quantity("latency")


@pytest.mark.parametrize(
    ("operator", "target", "actual", "near"),
    [
        ("<", 200.0, 100.0, 0.5),
        ("<=", 200.0, 300.0, 1.5),
        (">", 0.9, 0.99, 0.9 / 0.99),
        (">=", 10.0, 5.0, 2.0),
        ("<", 10.0, 0.0, 0.0),
        (">", 0.0, 5.0, 0.0),
        ("<", 0.0, 5.0, None),
        (">", 5.0, 0.0, None),
        ("==", 5.0, 5.0, None),
        ("!=", 5.0, 4.0, None),
        ("<", 5.0, None, None),
        ("<", 5.0, -1.0, None),
        ("<", -5.0, 1.0, None),
    ],
)
def test_closeness(operator: str, target: float, actual: float | None, near: float | None) -> None:
    assert closeness(Comparison(QUANTITY, operator, target), actual) == (
        None if near is None else pytest.approx(near)
    )


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ((1, 1, 1, 9, 9, 9, 2, 2, 2), "rising"),
        ((2, 2, 2, 9, 9, 9, 1, 1, 1), "falling"),
        ((100, 100, 100, 0, 0, 0, 104, 104, 104), "steady"),
        ((100, 100, 100, 0, 0, 0, 106, 106, 106), "rising"),
        ((100, 100, 100, 0, 0, 0, 95, 95, 95), "steady"),
        ((-2, -2, -2, 0, 0, 0, -1, -1, -1), "rising"),
        ((0, 0, 0, 5, 5, 5, 0, 0, 0), "steady"),
        ((1, 2, 3, None, None, None, 1, 2, 9), "rising"),
        ((1, None, 1, 9, 9, 9, 2, 2, 2), ""),
        ((1, 1, 1, 9, 9, 9, 2, 2, None), ""),
        ((1, 1, 2, 2, 2, 2), ""),
        ((1, 2), ""),
        ((), ""),
    ],
)
def test_the_trend_is_told_by_the_first_and_the_last_third(
    values: tuple[float | None, ...], told: str
) -> None:
    assert trend(Trace(0.0, 60.0, values)) == told


def test_without_a_trace_there_is_no_trend() -> None:
    assert trend(None) == ""
