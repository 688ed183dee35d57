"""Of few measurements one alone decides no quantile."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.model.few import enough, without_highest


@pytest.mark.parametrize(("share", "count"), [(0.5, 2), (0.9, 10), (0.95, 20), (0.99, 100)])
def test_as_many_as_leave_one_beyond(share: float, count: int) -> None:
    assert enough(share) == count


@given(
    st.lists(st.integers(0, 1000), min_size=1, max_size=200, unique=True),
    st.sampled_from([0.5, 0.9, 0.95, 0.99]),
)
def test_the_highest_of_few_counts_for_nothing(measured: list[int], share: float) -> None:
    ordered = sorted(measured)
    lower = without_highest(share, len(ordered))
    assert (lower is None) is (len(ordered) >= enough(share))
    if lower:
        rank = math.ceil(lower * len(ordered) - 1e-9)
        assert ordered[rank - 1] < ordered[-1]


@given(st.floats(0, 1), st.sampled_from([0.5, 0.95]))
def test_of_less_than_one_nothing_is_known(counted: float, share: float) -> None:
    assert without_highest(share, counted) == 0.0
