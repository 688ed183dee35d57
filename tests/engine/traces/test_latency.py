"""Quantiles over a sliding window, against sorting everything."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.engine.traces.latency import LatencyWindow, bucket_of, nearest_rank, value_of

START = 1_700_000_000.0
SECONDS = st.floats(2e-5, 60.0)


@given(SECONDS)
def test_a_bucket_s_value_is_within_one_per_cent(seconds: float) -> None:
    value = value_of(bucket_of(seconds))
    assert value is not None
    assert value == pytest.approx(seconds, rel=0.0101)


@pytest.mark.parametrize("seconds", [0.0, -1.0, 1e-9, 1e9, math.inf])
def test_what_is_out_of_range_goes_into_the_outermost(seconds: float) -> None:
    assert value_of(bucket_of(seconds)) is not None


@given(st.lists(st.tuples(st.floats(0.0, 30.0), SECONDS), min_size=1, max_size=80))
def test_the_window_equals_sorting_what_is_in_it(steps: list[tuple[float, float]]) -> None:
    window = LatencyWindow(10, 10.0)
    now, kept = START, []
    for pause, seconds in steps:
        now += pause
        window.add(now, seconds)
        kept.append((int(now // 10.0), bucket_of(seconds)))
    inside = sorted(bucket for slot, bucket in kept if slot > int(now // 10.0) - 10)
    for quantile in (0.5, 0.95, 0.99):
        assert window.quantile(quantile) == value_of(nearest_rank(inside, quantile))


def test_a_slot_without_a_measurement_is_none() -> None:
    window = LatencyWindow(5, 10.0)
    window.add(START, 0.1)
    window.add(START + 20.0, 0.2)
    trace = window.view(START + 20.0).trace
    assert trace is not None
    assert [value is None for value in trace.values] == [True, True, False, True, False]
    assert trace.start == START - 20.0
    assert trace.end == START + 30.0


def test_slots_hold_their_own_quantiles() -> None:
    window = LatencyWindow(3, 10.0)
    for count in range(100):
        window.add(START, 0.001 * (count + 1))
    view = window.view(START)
    assert view.p50 == pytest.approx(0.050, rel=0.02)
    assert view.p95 == pytest.approx(0.095, rel=0.02)
    assert view.p99 == pytest.approx(0.099, rel=0.02)
    assert view.trace_p50 is not None
    assert view.trace_p50.values[-1] == view.p50
    assert view.last == 0.1


def test_an_empty_window_has_no_figures() -> None:
    view = LatencyWindow(4, 10.0).view(START)
    assert (view.last, view.p50, view.p95) == (None, None, None)
    assert view.trace is not None
    assert view.trace.values == (None,) * 4


def test_what_left_the_window_is_forgotten() -> None:
    window = LatencyWindow(4, 10.0)
    window.add(START, 0.1)
    assert window.view(START + 39.0).p50 is not None
    assert window.view(START + 40.0).p50 is None
    assert window.view(START + 40.0).last is None


def test_a_late_measurement_counts_into_the_open_slot() -> None:
    window = LatencyWindow(4, 10.0)
    window.add(START + 20.0, 0.1)
    window.add(START, 0.2)
    trace = window.view(START + 20.0).trace
    assert trace is not None
    assert [value is None for value in trace.values] == [True, True, True, False]


@given(
    st.sampled_from([0.5, 0.9, 0.95, 0.99]),
    st.lists(st.sampled_from([0.05, 0.2]), max_size=120),
)
def test_too_few_is_as_long_as_what_follows_can_turn_it(quantile: float, seen: list[float]) -> None:
    window, limit, enough = LatencyWindow(2, 10.0), 0.1, round(1 / (1 - quantile))
    for seconds in seen:
        window.add(START, seconds)
    missing = max(0, enough - len(seen))
    could_be = set()
    for slow in {0, missing}:
        whole = sorted(seen + [0.2] * slow + [0.05] * (missing - slow))
        could_be.add(whole[math.ceil(round(quantile * len(whole), 9)) - 1] < limit)
    assert window.too_few(quantile, limit) is (missing > 0 and len(could_be) > 1)
