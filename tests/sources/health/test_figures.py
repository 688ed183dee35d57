"""A body for a person to read: as the library would indent it, and without litter."""

import gc
import json

from hypothesis import given
from hypothesis import strategies as st

from opsconsole.sources.health.figures import RAW_LIMIT, readable
from opsconsole.sources.strict_json import Json

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False)
WORDS = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)
VALUES = st.recursive(
    SCALARS | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_values_are_indented_as_the_library_does(value: object) -> None:
    assert readable(value) == json.dumps(value, ensure_ascii=False, indent=2)  # type: ignore[arg-type]


def test_nothing_is_left_for_the_collector() -> None:
    body: Json = {"status": "ok", "checks": [{"name": "db", "ms": 1.5}]}
    readable(body)
    gc.collect()
    gc.disable()
    try:
        for _ in range(10):
            readable(body)
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_what_is_too_long_is_cut() -> None:
    shown = readable(["x" * 500] * 1000)
    assert len(shown) == RAW_LIMIT
    assert shown.endswith("…")
