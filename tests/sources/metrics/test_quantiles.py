"""Quantiles as Prometheus calculates them: worked by hand, and what holds for any buckets."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.sources.metrics.quantiles import bucket_quantiles, bucket_share

INF = math.inf


def quantile(share: float, *buckets: tuple[float, float]) -> float | None:
    return bucket_quantiles([share], buckets)[0]


def test_observations_lie_evenly_in_their_bucket() -> None:
    buckets = [(0.1, 10.0), (0.5, 30.0), (1.0, 40.0), (INF, 40.0)]
    assert quantile(0.5, *buckets) == pytest.approx(0.1 + 0.4 * (20 - 10) / 20)
    assert quantile(0.75, *buckets) == pytest.approx(0.5)


def test_the_first_bucket_begins_at_zero() -> None:
    assert quantile(0.5, (0.2, 10.0), (INF, 10.0)) == pytest.approx(0.1)


def test_a_first_bucket_that_is_not_above_zero_gives_its_bound() -> None:
    assert quantile(0.5, (-1.0, 10.0), (INF, 10.0)) == -1.0
    assert quantile(0.1, (0.0, 10.0), (1.0, 20.0), (INF, 20.0)) == 0.0


def test_beyond_the_last_bound_the_last_bound_is_told() -> None:
    assert quantile(0.99, (1.0, 10.0), (2.0, 20.0), (INF, 100.0)) == 2.0


@pytest.mark.parametrize(
    "buckets",
    [
        [],
        [(INF, 10.0)],
        [(1.0, 5.0), (2.0, 10.0)],
        [(1.0, 0.0), (INF, 0.0)],
        [(math.nan, 3.0)],
        [(1.0, math.nan), (INF, math.nan)],
    ],
    ids=["none", "one", "without +Inf", "no observation", "no bound", "no counts"],
)
def test_without_enough_to_go_by_there_is_none(buckets: list[tuple[float, float]]) -> None:
    assert quantile(0.5, *buckets) is None


def test_buckets_of_one_bound_are_added_and_order_means_nothing() -> None:
    parted = [(INF, 20.0), (1.0, 5.0), (1.0, 5.0), (2.0, 20.0)]
    assert quantile(0.5, *parted) == quantile(0.5, (1.0, 10.0), (2.0, 20.0), (INF, 20.0)) == 1.0


def test_counts_that_go_down_are_held_up() -> None:
    assert quantile(0.75, (1.0, 10.0), (2.0, 8.0), (4.0, 20.0), (INF, 20.0)) == pytest.approx(3.0)


def test_a_step_that_is_noise_is_no_step() -> None:
    noisy = [(1.0, 10.0), (2.0, 10.0 + 1e-13), (INF, 10.0 + 2e-13)]
    assert quantile(1.0, *noisy) == pytest.approx(1.0)


bounds = st.lists(st.floats(0.001, 1e6), min_size=1, max_size=12, unique=True)


@given(bounds, st.data())
def test_quantiles_go_up_and_stay_between_the_bounds(
    limits: list[float], data: st.DataObject
) -> None:
    limits = sorted(limits)
    inside = st.floats(0, 1e6)
    steps = data.draw(st.lists(inside, min_size=len(limits) + 1, max_size=len(limits) + 1))
    counts, total = [], 0.0
    for step in steps:
        total += step
        counts.append(total)
    shares = sorted(data.draw(st.lists(st.floats(0.001, 1), min_size=2, max_size=6)))
    found = bucket_quantiles(shares, zip([*limits, INF], counts, strict=True))
    known = [value for value in found if value is not None]
    assert len(known) == (len(shares) if total > 0 else 0)
    assert all(0 <= value <= limits[-1] * (1 + 1e-9) for value in known)
    for lower, higher in pairwise(known):
        assert lower <= higher * (1 + 1e-9)


BUCKETS = [(0.1, 30.0), (0.25, 54.0), (0.5, 60.0), (math.inf, 62.0)]


@pytest.mark.parametrize(
    ("bound", "within"),
    [(0.1, 30), (0.05, 15), (0.3, 55.2), (0.5, 60), (9.0, 60), (math.inf, 60), (0.0, 0), (-1, 0)],
)
def test_requests_within_a_bound_lie_evenly_in_their_bucket(bound: float, within: float) -> None:
    assert bucket_share(bound, BUCKETS) == pytest.approx((within, 62.0))


@pytest.mark.parametrize(("bound", "within"), [(-2.0, 0), (-1.0, 5), (-0.5, 6.25), (0.0, 7.5)])
def test_a_lowest_bucket_that_is_not_above_zero_has_no_lower_border(
    bound: float, within: float
) -> None:
    buckets = [(-1.0, 5.0), (1.0, 10.0), (math.inf, 12.0)]
    assert bucket_share(bound, buckets) == pytest.approx((within, 12.0))


@given(st.floats(0.01, 0.9))
def test_the_share_within_a_quantile_is_its_share(share: float) -> None:
    (quantile,) = bucket_quantiles([share], BUCKETS)
    assert quantile is not None
    within, total = bucket_share(quantile, BUCKETS)
    assert within / total == pytest.approx(share, rel=1e-6)


def test_a_histogram_without_requests_tells_no_share() -> None:
    assert bucket_share(1.0, []) == (0.0, 0.0)
    assert bucket_share(1.0, [(0.5, 1.0), (1.0, 2.0)]) == (0.0, 0.0)
    assert bucket_share(1.0, [(0.5, 0.0), (math.inf, 0.0)]) == (0.0, 0.0)
