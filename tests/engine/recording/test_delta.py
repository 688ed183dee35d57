"""A delta leads from one tree to the next, whatever they are, and is small where little changed."""

import copy
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from opsconsole.engine.recording.delta import SHIFT, apply, diff

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
TREES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=12) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=30,
)


def through(old: Any, new: Any) -> Any:
    """The tree that the delta makes of ``old`` once it was on the disk."""
    kept = copy.deepcopy(new)
    delta = json.loads(json.dumps(diff(old, new)))
    assert new == kept, "the new tree is left alone"
    return apply(copy.deepcopy(old), delta)


@given(TREES, TREES)
def test_any_tree_leads_to_any_other(old: Any, new: Any) -> None:
    assert through(old, new) == new


@st.composite
def changed(draw: st.DrawFn) -> tuple[Any, Any]:
    """A tree, and one that differs from it in a few places."""
    old = draw(st.lists(TREES, min_size=1, max_size=30))
    new = copy.deepcopy(old)
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(new)))
        deleted = draw(st.integers(0, 2))
        new[place : place + deleted] = draw(st.lists(TREES, max_size=2))
    return old, new


@given(changed())
def test_a_tree_leads_to_one_that_is_much_alike(pair: tuple[Any, Any]) -> None:
    assert through(*pair) == pair[1]


@given(
    st.lists(st.none() | st.floats(0, 1), min_size=90, max_size=90),
    st.integers(0, 95),
    st.floats(0, 1),
)
def test_traces_that_move_on_lead_to_each_other(
    values: list[float | None], slots: int, last: float
) -> None:
    later = [*values, *([None] * slots)][slots : slots + 90]
    later[-1] = last
    assert through(values, later) == later


def test_a_trace_that_moved_costs_what_is_new_in_it() -> None:
    old = [number / 7 for number in range(90)]
    new = [*old[2:89], 99.5, 1.5, 2.5]
    delta = diff(old, new)
    assert delta == [SHIFT, 2, 87, [99.5, 1.5, 2.5]]


@given(st.text(alphabet="ab,\n", max_size=200), st.text(alphabet="ab,\n", max_size=200))
def test_texts_lead_to_each_other(old: str, new: str) -> None:
    assert through(old, new) == new


def test_a_body_in_which_a_figure_moved_costs_that_figure() -> None:
    body = json.dumps({f"figure-{number}": number for number in range(50)}, indent=1)
    delta = diff(body, body.replace(": 25", ": 26"))
    assert len(json.dumps(delta)) < 60
    plain = "word " * 200
    delta = diff(plain, plain.replace("word word", "word w0rd", 1))
    assert len(json.dumps(delta)) < 60


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 2)),
    st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 2)),
)
def test_mappings_keep_their_order(old: dict[str, int], new: dict[str, int]) -> None:
    made = through(old, new)
    assert made == new
    assert list(made) == list(new)
