"""Strategies for values of any class of the model, by the types of its fields."""

import dataclasses
import types
import typing
from collections.abc import Mapping
from enum import Enum
from typing import Any

from hypothesis import strategies as st

DEEPEST = 4
"""Collections within collections; beyond, they are empty."""

_SCALARS: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(max_size=60),
    int: st.integers(-(2**53), 2**53),
    float: st.floats(allow_nan=False),
    bool: st.booleans(),
    type(None): st.none(),
    object: st.text(max_size=3) | st.integers() | st.none(),
}


def values(hint: Any, depth: int = 0) -> st.SearchStrategy[Any]:
    """Values of the type ``hint``, every field of a dataclass drawn."""
    if hint in _SCALARS:
        return _SCALARS[hint]
    if dataclasses.is_dataclass(hint):
        hints = typing.get_type_hints(hint)
        names = [field.name for field in dataclasses.fields(hint)]
        make = typing.cast(type, hint)
        return st.builds(make, **{name: values(hints[name], depth + 1) for name in names})
    if isinstance(hint, type) and issubclass(hint, Enum):
        return st.sampled_from(hint)
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin in {typing.Union, types.UnionType}:
        return st.one_of(*(values(part, depth) for part in parts))
    if origin is typing.Literal:
        return st.sampled_from(parts)
    if origin is tuple and parts[-1] is Ellipsis:
        if depth > DEEPEST:
            return st.just(())
        return st.lists(values(parts[0], depth + 1), max_size=2).map(tuple)
    if origin is tuple:
        return st.tuples(*(values(part, depth) for part in parts))
    if origin is Mapping:
        return st.dictionaries(st.text(max_size=8), values(parts[1], depth + 1), max_size=3)
    raise TypeError(f"no strategy for {hint}")
