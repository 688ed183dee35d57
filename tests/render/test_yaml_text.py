"""What is rendered is read back by a real YAML parser."""

from __future__ import annotations

import math

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.render.yaml_text import flow, render, scalar

TEXTS = st.text(max_size=20) | st.sampled_from(
    ["yes", "No", "null", "1e3", "0x1f", "12:30", "2s", "a: b", "- x", "#c", "http://h:80", "~", ""]
)
SCALARS = TEXTS | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=12,
)


def equal(left: object, right: object) -> bool:
    """Equality that tells 1 from 1.0 and from True, as YAML does."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(equal(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(equal, left, right))
    if isinstance(left, float) and isinstance(right, float):
        return math.isclose(left, right, rel_tol=1e-15)
    return type(left) is type(right) and left == right


@given(st.dictionaries(TEXTS, VALUES, min_size=1, max_size=4))
def test_block_is_read_back(value: dict[str, object]) -> None:
    assert equal(yaml.safe_load("\n".join(render(value))), value)


@given(VALUES)
def test_flow_is_read_back(value: object) -> None:
    assert equal(yaml.safe_load(f"- {flow(value)}"), [value])


def test_none_is_left_out_and_strange_values_are_refused() -> None:
    assert list(render({"a": None, "b": {"c": None, "d": 1}})) == ["b:", "  d: 1"]
    assert flow({"a": None}) == "{}"
    with pytest.raises(TypeError, match="no YAML for bytes"):
        scalar(b"x")


@pytest.mark.parametrize("text", ["/tmp/a b.txt", "2s", "http://127.0.0.1:80", "a-b"])
def test_harmless_text_stays_plain(text: str) -> None:
    assert scalar(text) == text
