"""Figures of copies as one, and the copy that decides."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.model.across_copies import Across, combined, deciding

POOLS = {"web-1": 3.0, "web-2": 97.0}


@pytest.mark.parametrize(
    ("across", "whole"),
    [("any", 50.0), ("mean", 50.0), ("max", 97.0), ("min", 3.0), ("sum", 100.0)],
)
def test_figures_of_copies_become_one(across: Across, whole: float) -> None:
    assert combined(across, tuple(POOLS.values())) == whole


@pytest.mark.parametrize(
    ("across", "operator", "alarm", "copy"),
    [
        ("any", ">", True, "web-2"),
        ("any", "<", True, "web-1"),
        ("any", "<", False, "web-2"),
        ("any", ">=", False, "web-1"),
        ("max", ">", True, "web-2"),
        ("max", "<", False, "web-2"),
        ("min", ">", False, "web-1"),
        ("mean", ">", True, None),
        ("sum", ">", True, None),
        ("any", "==", True, None),
    ],
)
def test_the_copy_that_decides(
    across: Across, operator: str, alarm: bool, copy: str | None
) -> None:
    assert deciding(across, POOLS, operator, alarm=alarm) == copy


@given(st.dictionaries(st.text(), st.floats(-1e9, 1e9), min_size=2), st.floats(-1e9, 1e9))
def test_any_holds_where_one_copy_does(parts: dict[str, float], threshold: float) -> None:
    alarming = deciding(Across.ANY, parts, ">", alarm=True)
    assert alarming is not None
    assert (parts[alarming] > threshold) == any(part > threshold for part in parts.values())
    worst = deciding(Across.ANY, parts, "<", alarm=False)
    assert worst is not None
    assert (parts[worst] < threshold) == all(part < threshold for part in parts.values())
