"""Compare a JSON value with the shape that a guide documents."""

from __future__ import annotations

from collections.abc import Callable, Mapping


def differences(shape: object, value: object, where: str = "$") -> list[str]:
    """What in `value` is not as `shape` says: types, nested keys, exact values.

    A mapping's keys must all be there, a list's only item is the shape of every item, a function
    is a predicate, a type is a type (int is a float, bool is not a number), all else is equal.
    """
    if isinstance(shape, Mapping):
        return _mapping(shape, value, where)
    if isinstance(shape, list):
        if not isinstance(value, list):
            return [f"{where}: {value!r} is not a list"]
        return [
            problem
            for number, item in enumerate(value)
            for problem in differences(shape[0], item, f"{where}[{number}]")
        ]
    if isinstance(shape, type):
        return [] if _is(value, shape) else [f"{where}: {value!r} is not {shape.__name__}"]
    if callable(shape):
        return _predicate(shape, value, where)
    return [] if value == shape else [f"{where}: {value!r} is not {shape!r}"]


def _mapping(shape: Mapping[object, object], value: object, where: str) -> list[str]:
    if not isinstance(value, Mapping):
        return [f"{where}: {value!r} is not an object"]
    problems = [f"{where}: {key!r} is missing" for key in shape if key not in value]
    for key, inner in shape.items():
        if key in value:
            problems += differences(inner, value[key], f"{where}.{key}")
    return problems


def _predicate(shape: Callable[[object], object], value: object, where: str) -> list[str]:
    return [] if shape(value) else [f"{where}: {value!r} is refused by {shape!r}"]


def _is(value: object, kind: type) -> bool:
    if kind is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, kind) and not (kind is int and isinstance(value, bool))
