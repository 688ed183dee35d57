"""Oatie's circuit breaker, and the percentile that its pages show."""

from __future__ import annotations

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.demo.platforms.base import percentile
from opsconsole.demo.platforms.circuit import CLOSED, HALF_OPEN, OPEN, CircuitBreaker


def opened(timeout_s: float) -> CircuitBreaker:
    """A breaker after five failures in a row."""
    breaker = CircuitBreaker(timeout_s=timeout_s)
    for _ in range(5):
        assert breaker.allows()
        breaker.failed()
    return breaker


def test_open_breaker_lets_nothing_through_before_its_time() -> None:
    breaker = opened(60)
    assert breaker.state == OPEN
    assert not breaker.allows()


def test_three_successes_close_a_half_open_breaker() -> None:
    breaker = opened(0)
    assert breaker.allows()
    states = []
    for _ in range(3):
        breaker.succeeded()
        states.append(breaker.state)
    assert states == [HALF_OPEN, HALF_OPEN, CLOSED]


def test_one_failure_opens_a_half_open_breaker_again() -> None:
    breaker = opened(0)
    assert breaker.allows()
    breaker.succeeded()
    breaker.failed()
    assert breaker.state == OPEN


@given(st.lists(st.booleans(), max_size=60))
def test_closed_breaker_opens_exactly_at_five_failures_in_a_row(calls: list[bool]) -> None:
    breaker, row = CircuitBreaker(timeout_s=3600), 0
    for well in calls:
        if not breaker.allows():
            break
        row = 0 if well else row + 1
        (breaker.succeeded if well else breaker.failed)()
        assert (breaker.state == OPEN) == (row >= 5)


@given(st.lists(st.floats(0, 1000), min_size=1), st.sampled_from([0.5, 0.95, 0.99]))
def test_percentile_leaves_its_share_below(values: list[float], share: float) -> None:
    at = percentile(values, share)
    assert at in values
    assert sum(value <= at for value in values) >= share * len(values)
    assert sum(value < at for value in values) < share * len(values)


@pytest.mark.parametrize("count", [1, 2, 5, 101])
def test_percentile_of_odd_counts_is_the_median(count: int) -> None:
    values = [float(n * 7 % 103) for n in range(count)]
    assert percentile(values, 0.5) == statistics.median_low(values)
    assert percentile([], 0.5) == 0.0
