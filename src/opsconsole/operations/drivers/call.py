"""What a step says to the driver that carries it out, typed.

Invariant: what is read equals what was written, and what does not have the types that it must
have is refused. A plan is stored as JSON and read again by another process, perhaps by a newer
console: what an older one did not write has a default, and what is not known is left out.
"""

import json
from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Final, Self, TypeVar, get_args, get_origin, get_type_hints

from opsconsole.dataclass import dataclass
from opsconsole.errors import StateError
from opsconsole.model.operation import Step

T = TypeVar("T")

_SIMPLE: Final = (str, int, float, bool, NoneType)


@dataclass(frozen=True, slots=True)
class Call:
    """Base of what one kind of step says; its fields are of JSON's types, nested as they like."""

    @classmethod
    def of(cls, step: Step) -> Self:
        """What ``step`` says. Raises StateError where it is no such step."""
        try:
            return _object(cls, step.call)
        except (TypeError, ValueError) as error:
            raise StateError(
                f"the step of {step.driver} cannot be read: {error}", remedy="plan again"
            ) from error

    def document(self) -> dict[str, object]:
        """It as a step holds it."""
        document: dict[str, object] = json.loads(json.dumps(asdict(self)))
        return document


def _object(kind: type[T], value: object) -> T:
    if not isinstance(value, Mapping):
        raise TypeError(f"{kind.__name__} is not an object")
    hints = get_type_hints(kind)
    found: dict[str, Any] = {}
    for each in fields(kind):  # type: ignore[arg-type]  # only dataclasses come here
        if each.name in value:
            found[each.name] = _value(hints[each.name], value[each.name], each.name)
        elif each.default is MISSING and each.default_factory is MISSING:
            raise ValueError(f"{each.name} is missing")
    return kind(**found)


def _value(wanted: Any, value: object, name: str) -> Any:
    """``value`` as ``wanted``, which is one of the types that fields have here."""
    origin, of = get_origin(wanted), get_args(wanted)
    if wanted is object:
        return value
    if origin is UnionType:
        kind = NoneType if value is None else next(each for each in of if each is not NoneType)
        return _value(kind, value, name) if kind in of else _refuse(name)
    if origin is tuple:
        return _tuple(of, value, name)
    if origin is Mapping and isinstance(value, Mapping):
        return {str(key): _value(of[1], item, name) for key, item in value.items()}
    if is_dataclass(wanted):
        return _object(wanted, value)  # type: ignore[arg-type]  # a type, not an instance
    if wanted is float and type(value) is int:
        return float(value)
    return value if wanted in _SIMPLE and type(value) is wanted else _refuse(name)


def _tuple(of: tuple[Any, ...], value: object, name: str) -> tuple[Any, ...]:
    items = value if isinstance(value, (list, tuple)) else _refuse(name)
    kinds = [of[0]] * len(items) if of[-1] is Ellipsis else of
    if len(kinds) != len(items):
        _refuse(name)
    return tuple(_value(kind, item, name) for kind, item in zip(kinds, items, strict=True))


def _refuse(name: str) -> Any:
    raise TypeError(f"{name} is of another type")
