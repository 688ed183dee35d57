"""Rates as Prometheus calculates them: worked by hand, and what holds for any samples."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sources.metrics.increases import increase_of


def test_a_range_that_samples_fill_is_stretched_to_its_borders() -> None:
    # 45 in 45 s, 5 s to either border, mean distance 15 s: 45 x (45 + 5 + 5) / 45.
    samples = [(5.0, 100.0), (20.0, 115.0), (35.0, 130.0), (50.0, 145.0)]
    assert increase_of(samples, 0.0, 55.0) == pytest.approx(55.0)


def test_a_border_far_away_is_approached_by_half_a_distance() -> None:
    # 20 in 20 s, mean distance 10 s; the start is 60 s away (5 s are added), the end 5 s.
    samples = [(60.0, 1000.0), (70.0, 1010.0), (80.0, 1020.0)]
    assert increase_of(samples, 0.0, 85.0) == pytest.approx(20 * (20 + 5 + 5) / 20)


def test_nothing_is_added_before_the_counter_would_have_been_zero() -> None:
    # At 1 a second the counter was zero 2 s before its first sample, though the start is 8 s away.
    samples = [(8.0, 2.0), (18.0, 12.0), (28.0, 22.0)]
    assert increase_of(samples, 0.0, 30.0) == pytest.approx(20 * (20 + 2 + 2) / 20)


def test_what_a_reset_took_away_is_put_back() -> None:
    # 10 up, reset, 5 up from zero, 5 up: 20 in 30 s.
    samples = [(0.0, 90.0), (10.0, 100.0), (20.0, 5.0), (30.0, 10.0)]
    assert increase_of(samples, 0.0, 30.0) == pytest.approx(20.0)


@pytest.mark.parametrize("samples", [[], [(1.0, 5.0)], [(1.0, 5.0), (1.0, 6.0)]])
def test_fewer_than_two_moments_give_no_rate(samples: list[tuple[float, float]]) -> None:
    assert increase_of(samples, 0.0, 10.0) is None


def test_a_counter_that_stands_still_gains_nothing() -> None:
    assert increase_of([(1.0, 7.0), (2.0, 7.0)], 0.0, 3.0) == 0.0


gains = st.lists(st.floats(0, 1e6), min_size=2, max_size=50)


@given(gains, st.floats(0, 1e6))
def test_an_increase_is_bounded_by_what_was_seen_and_the_range(
    steps: list[float], begin: float
) -> None:
    samples, value = [], begin
    for moment, step in enumerate(steps, 1):
        value += step
        samples.append((float(moment), value))
    seen = samples[-1][1] - samples[0][1]
    found = increase_of(samples, 0.0, len(steps) + 1.0)
    assert found is not None
    assert seen <= found <= seen * (len(steps) + 1) / (len(steps) - 1) * (1 + 1e-9)


@given(st.lists(st.floats(0, 1e9), min_size=2, max_size=50))
def test_an_increase_is_never_negative_whatever_is_reset(values: list[float]) -> None:
    found = increase_of([(float(at), value) for at, value in enumerate(values)], 0.0, 60.0)
    assert found is not None
    assert found >= 0


# Whole numbers, for of fractions a sum loses what is small beside it.
@given(st.lists(st.integers(0, 10**6), min_size=2, max_size=50), st.integers(1, 1000))
def test_twice_the_traffic_is_twice_the_rate(steps: list[int], factor: int) -> None:
    def samples(times: float) -> list[tuple[float, float]]:
        total, found = 0.0, []
        for moment, step in enumerate(steps):
            total += step * times
            found.append((10.0 * moment, total))
        return found

    one = increase_of(samples(1.0), 0.0, 500.0)
    many = increase_of(samples(factor), 0.0, 500.0)
    assert one is not None
    assert many == pytest.approx(one * factor, rel=1e-6, abs=1e-300)
