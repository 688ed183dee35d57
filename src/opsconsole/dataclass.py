"""The standard library's ``dataclass``, whose methods are written when they are first called.

Invariant: a class made here behaves as one that the standard library makes of the same keywords,
and for a type checker it is one; ``fields``, ``replace`` and ``asdict`` take it. There are many
more such classes than a command makes values of, and compiling four to six methods for each would
take half of what ``status`` needs to begin. A value that cannot be changed is also made faster:
each slot is filled by its own descriptor, not by its name.

Only what is used here is known: slots always, and of a field its default, its factory, ``repr``
and ``compare``.
"""

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NoReturn

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(*, slots: bool, frozen: bool = False, eq: bool = True) -> Callable[[type], type]:
        """A decorator; ``slots`` must be True. A method that the class itself has stays."""
        assert slots, "a class without slots is the standard library's to make"
        methods = ("__init__", "__repr__", *(("__eq__",) if eq else ()))

        def made(given: type) -> type:
            has = vars(given).keys()
            lacks = [name for name in methods if name not in has]
            if eq and frozen and ("__hash__" not in has or vars(given)["__hash__"] is None):
                lacks.append("__hash__")
            cls = dataclasses.dataclass(init=False, repr=False, eq=False, slots=True)(given)
            for name in lacks:
                _write_later(cls, name)
            if eq and not frozen and "__hash__" not in has:
                cls.__hash__ = None
            if frozen:
                cls.__setattr__ = cls.__delattr__ = _refuse
                cls.__setstate__ = _restore
            return cls

        return made


_NOT_GIVEN: Final = object()


def _refuse(self: object, name: str, *value: object) -> NoReturn:
    done = "assign to" if value else "delete"
    raise dataclasses.FrozenInstanceError(f"cannot {done} field {name!r}")


def _restore(self: object, state: tuple[None, dict[str, object]]) -> None:
    """Fill a copy that is being made (copy, pickle), as nothing else can."""
    for name, value in state[1].items():
        object.__setattr__(self, name, value)


def _write_later(cls: Any, name: str) -> None:
    """The first call of a method writes it, and puts it in its own place."""

    def first(self: object, *values: object, **named: object) -> object:
        method = _METHODS[name](cls)
        method.__qualname__ = f"{cls.__qualname__}.{name}"
        setattr(cls, name, method)
        return method(self, *values, **named)

    setattr(cls, name, first)


def _init(cls: Any) -> Any:
    names: dict[str, object] = {"_not_given": _NOT_GIVEN}
    parameters, lines = ["self"], []
    for field in dataclasses.fields(cls):
        name, given = field.name, field.name
        if field.default is not dataclasses.MISSING:
            names[f"_default_{name}"] = field.default
            given = f"{name}=_default_{name}"
        elif field.default_factory is not dataclasses.MISSING:
            names[f"_make_{name}"] = field.default_factory
            given = f"{name}=_not_given"
            lines.append(f"if {name} is _not_given: {name} = _make_{name}()")
        names[f"_set_{name}"] = getattr(cls, name).__set__
        parameters.append(given)
        lines.append(f"_set_{name}(self, {name})")
    if hasattr(cls, "__post_init__"):
        lines.append("self.__post_init__()")
    return _written("__init__", ", ".join(parameters), lines, names)


def _eq(cls: Any) -> Any:
    ours, theirs = _compared(cls, "self"), _compared(cls, "other")
    lines = [
        "if other.__class__ is not self.__class__: return NotImplemented",
        f"return {ours} == {theirs}",
    ]
    return _written("__eq__", "self, other", lines, {})


def _hash(cls: Any) -> Any:
    return _written("__hash__", "self", [f"return hash({_compared(cls, 'self')})"], {})


def _repr(cls: Any) -> Any:
    shown = ", ".join(f"{each.name}={{self.{each.name}!r}}" for each in _fields(cls) if each.repr)
    line = f"return f'{{self.__class__.__qualname__}}({shown})'"
    return _written("__repr__", "self", [line], {})


def _fields(cls: Any) -> tuple["dataclasses.Field[Any]", ...]:
    return dataclasses.fields(cls)


def _compared(cls: Any, value: str) -> str:
    """A tuple of what is compared of ``value``, as an expression."""
    return f"({''.join(f'{value}.{each.name},' for each in _fields(cls) if each.compare)})"


def _written(name: str, parameters: str, lines: list[str], names: dict[str, object]) -> Any:
    """The function of these lines, compiled."""
    body = "".join(f"\n {line}" for line in lines or ["pass"])
    exec(f"def {name}({parameters}):{body}", names)  # noqa: S102 - of names in our own code
    return names[name]


_METHODS: Final[dict[str, Callable[[Any], Any]]] = {
    "__init__": _init,
    "__eq__": _eq,
    "__hash__": _hash,
    "__repr__": _repr,
}
