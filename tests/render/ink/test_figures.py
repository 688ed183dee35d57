"""Figures keep their widths and never invent a number."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.render.ink import figures

ANY = st.floats(allow_nan=True, allow_infinity=True) | st.none()


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, "–"), (0, "0ms"), (0.00042, "0.4ms"), (0.000004, "0.1ms"), (0.00099, "1ms"),
        (0.0421, "42ms"), (0.9994, "999ms"),
        (0.9996, "1.0s"), (1.94, "1.9s"), (9.96, "9s"), (59.9, "59s"), (192, "3m12s"),
        (3720, "1h02m"), (86_400 * 12 + 4 * 3600, "12d4h"), (86_400 * 900, "900d"),
    ],
)  # fmt: skip
def test_durations(seconds: float | None, shown: str) -> None:
    assert figures.duration(seconds) == shown


@pytest.mark.parametrize(
    ("count", "shown"),
    [(None, "–"), (0, "0B"), (999, "999B"), (1000, "1.0K"), (3.1 * 2**30, "3.1G"),
     (640 * 2**20, "640M"), (23 * 2**30, "23G")],
)  # fmt: skip
def test_sizes(count: float | None, shown: str) -> None:
    assert figures.size(count) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "–"), (0, "0"), (0.4, "0.4"), (88, "88"), (1240, "1.2k"), (12_000_000, "12M")],
)
def test_rates(value: float | None, shown: str) -> None:
    assert figures.rate(value) == shown


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [(0.042, "s", "42ms"), (1024.0, "B", "1.0K"), (93.1, "%", "93.1%"), (88, "/s", "88/s"),
     (7, "jobs", "7 jobs"), (None, "s", "–"), (3, "", "3")],
)  # fmt: skip
def test_numbers_with_units(value: float | None, unit: str, shown: str) -> None:
    assert figures.number(value, unit) == shown


@given(ANY)
def test_widths_are_held(value: float | None) -> None:
    assert len(figures.duration(value)) <= 6
    assert len(figures.age(value)) <= 6
    assert len(figures.percent(value, 1)) <= 5
    assert len(figures.size(value)) <= 5
    assert len(figures.rate(value)) <= 5


@given(ANY)
def test_the_unknown_is_a_dash(value: float | None) -> None:
    unknown = value is None or not math.isfinite(value)
    assert (figures.duration(value) == "–") is unknown
    assert (figures.percent(value) == "–") is unknown


def test_times_are_utc() -> None:
    assert figures.clock(1_763_716_447) == "09:14:07"
    assert figures.when(1_763_716_447, 1_763_716_500) == "09:14:07"
    assert figures.when(1_763_716_447, 1_763_916_500) == "Nov 21  "
