"""Encodes values of the model as JSON trees, and decodes them.

Invariant: ``decode(encode(value)) == value`` for frozen dataclasses of text, numbers, booleans,
None, enumerations of text or numbers, words of a ``Literal``, tuples, mappings with text as keys,
and each other. A class is written as the list of its fields' values; only its fields and their
types decide.

A file names the fields that its writer knew (``Layout``). A reader ignores fields that it does not
know and uses defaults for fields that the file lacks.
"""

import dataclasses
import math
import types
import typing
from collections.abc import Callable, Mapping
from enum import Enum
from operator import attrgetter, itemgetter
from typing import Any, Final, Literal, TypeVar

from opsconsole.engine.recording import older
from opsconsole.engine.recording.delta import Tree
from opsconsole.errors import StateError
from opsconsole.model.series import Trace

Layout = Mapping[str, list[str]]
"""Names of the fields, in the order in which they are written, by the name of the class."""

_Convert = Callable[[Any], Any]
_SCALARS: Final = frozenset({str, int, float, bool, type(None), object})
RENAMED: Final = {
    # The kind of an event that has only words.
    ("Event", "code"): "kind",
    ("Event", "detail"): "message",
}
"""Names of fields in files of older versions, by class and name."""

_UNKNOWN: Final = ("UNKNOWN", "UNRECOGNISED", "INTERNAL", "NOTE")
"""Members that replace a word that this version does not know."""

_DEPTH: Final = 1
"""A service: only its changed instances are encoded, since a large fleet has very many."""

T = TypeVar("T")


def layout(root: type) -> dict[str, list[str]]:
    """How this version writes ``root`` and every class in it."""
    found: dict[str, list[str]] = {}
    _collect(root, found)
    return found


class _ByType:
    """What converts a value, by its type; each is made once."""

    def __init__(self) -> None:
        self._known: dict[Any, _Convert | None] = {}

    def of(self, hint: Any) -> _Convert | None:
        """What converts values of type ``hint``; None if they stay as they are."""
        if hint not in self._known:
            # A recursive class finds this entry while its own is being made.
            self._known[hint] = lambda value: _given(self._known[hint], value)
            self._known[hint] = self._make(hint)
        return self._known[hint]

    def _make(self, hint: Any) -> _Convert | None:
        if dataclasses.is_dataclass(hint):
            return self._class(typing.cast(type, hint))
        origin, parts = typing.get_origin(hint), typing.get_args(hint)
        if origin in {typing.Union, types.UnionType}:
            return _unless_none(self.of(_optional(hint)))
        if origin is tuple:
            return self._tuple(parts)
        if origin is Mapping:
            return _each_value(self.of(parts[1]))
        return self._plain(hint)

    def _class(self, hint: type) -> _Convert:
        raise NotImplementedError

    def _tuple(self, parts: tuple[Any, ...]) -> _Convert:
        raise NotImplementedError

    def _plain(self, hint: Any) -> _Convert | None:
        """Of words, numbers and members."""
        raise NotImplementedError


class Encoder(_ByType):
    """Encodes values in this version's layout."""

    def __init__(self) -> None:
        super().__init__()
        self._fields: dict[type, tuple[Callable[[Any], Any], list[_Convert | None]]] = {}
        self._shared: tuple[object, Tree] = (None, None)

    def encode(self, value: Any) -> Tree:
        """A dataclass, or a tuple of them, as a tree."""
        if isinstance(value, tuple):
            return list(map(self.encode, value))
        return _given(self.of(type(value)), value)

    def encode_beside(self, value: Any, old: Any, tree: Tree, depth: int = _DEPTH) -> Tree:
        """The same, given ``tree``, the tree of ``old``: parts that are the same object are reused.

        The search goes ``depth`` dataclasses deep.
        """
        if value is old:
            return tree
        if isinstance(value, tuple) and isinstance(old, tuple):
            return self._items_beside(value, old, tree, depth)
        if depth and type(value) is type(old) and dataclasses.is_dataclass(value):
            return self._fields_beside(value, old, tree, depth - 1)
        return self.encode(value)

    def _items_beside(
        self, items: tuple[Any, ...], old: tuple[Any, ...], trees: list[Tree], depth: int
    ) -> list[Tree]:
        """Items that moved are found too; others are compared with the item at the same index."""
        known = {id(item): tree for item, tree in zip(old, trees, strict=True)}
        beside = [*zip(old, trees, strict=True), *[(None, None)] * (len(items) - len(old))]
        return [
            known[id(item)] if id(item) in known else self.encode_beside(item, *other, depth)
            for item, other in zip(items, beside, strict=False)
        ]

    def _fields_beside(self, value: Any, old: Any, tree: list[Tree], depth: int) -> list[Tree]:
        get, converts = self._fields_of(type(value))
        made: list[Tree] = []
        for now, before, known, convert in zip(get(value), get(old), tree, converts, strict=True):
            if now is before:
                made.append(known)
            elif convert is None:
                made.append(now)
            elif isinstance(now, tuple):
                made.append(self.encode_beside(now, before, known, depth))
            elif now is self._shared[0]:
                made.append(self._shared[1])
            else:
                made.append(convert(now))
                if type(now) is Trace:
                    # Services that were in the same states share it.
                    self._shared = now, made[-1]
        return made

    def _fields_of(self, hint: type) -> tuple[Callable[[Any], Any], list[_Convert | None]]:
        if hint not in self._fields:
            names, hints = _names(hint), typing.get_type_hints(hint)
            get = attrgetter(*names) if len(names) > 1 else _alone(names[0])
            self._fields[hint] = get, [self.of(hints[name]) for name in names]
        return self._fields[hint]

    def _plain(self, hint: Any) -> None:
        # Members of StrEnum and IntEnum are text and numbers themselves.
        member = isinstance(hint, type) and issubclass(hint, Enum)
        if not (member or hint in _SCALARS or typing.get_origin(hint) is Literal):
            raise TypeError(f"values of {hint} cannot be recorded")

    def _class(self, hint: type) -> _Convert:
        get, converts = self._fields_of(hint)
        parts = [(index, each) for index, each in enumerate(converts) if each is not None]

        def encode(value: Any) -> Tree:
            values = list(get(value))
            for index, convert in parts:
                values[index] = convert(values[index])
            return values

        return encode

    def _tuple(self, parts: tuple[Any, ...]) -> _Convert:
        if len(parts) == 2 and parts[1] is Ellipsis:
            inner = self.of(parts[0])
            return list if inner is None else lambda value: list(map(inner, value))
        each = [self.of(part) for part in parts]
        return lambda value: [_given(one, item) for one, item in zip(each, value, strict=True)]


class Decoder(_ByType):
    """Decodes values written in the layout ``written``. Raises StateError if that is impossible.

    ``strict``: of another writer, so that each text and number must be one.
    """

    def __init__(self, written: Layout, *, strict: bool = False) -> None:
        super().__init__()
        self._written = written
        self._strict = strict

    def decode(self, hint: type[T], tree: Tree) -> T:
        """A dataclass from its tree."""
        try:
            value: T = _given(self.of(hint), tree)
        except (TypeError, ValueError, IndexError, KeyError, AttributeError) as error:
            raise StateError(f"the recording holds what is no {hint.__name__}") from error
        return value

    def _plain(self, hint: Any) -> _Convert | None:
        if typing.get_origin(hint) is Literal:
            return _one_of(typing.get_args(hint))
        if isinstance(hint, type) and issubclass(hint, Enum):
            return _member_of(hint)
        return _CHECKED.get(hint) if self._strict else None

    def _class(self, hint: type) -> _Convert:
        if hint.__name__ not in self._written and hint in older.CLASSES:
            return older.CLASSES[hint]
        hints = typing.get_type_hints(hint)
        written = self._written.get(hint.__name__, [])
        here = dataclasses.fields(hint)
        if [field.name for field in here] == written:
            parts = [
                (index, convert)
                for index, field in enumerate(here)
                if (convert := self.of(hints[field.name])) is not None
            ]

            def same(tree: Tree) -> Any:
                values = list(tree)
                for index, convert in parts:
                    values[index] = convert(values[index])
                return hint(*values)

            return same
        takes = [self._take(hint, field, hints[field.name], written) for field in here]
        return lambda tree: hint(*(take(tree) for take in takes))

    def _take(
        self, hint: type, field: "dataclasses.Field[Any]", kind: Any, written: list[str]
    ) -> _Convert:
        """The getter of one field in a tree of another version."""
        known_as = field.name
        if field.name not in written:
            known_as = RENAMED.get((hint.__name__, field.name), field.name)
        if known_as in written:
            get, convert = itemgetter(written.index(known_as)), self.of(kind)
            return get if convert is None else lambda tree: convert(get(tree))
        former, read = older.FIELDS.get((hint, field.name), ("", None))
        if read is not None and former in written:
            find = itemgetter(written.index(former))
            return lambda tree: read(find(tree))
        if field.default is not dataclasses.MISSING:
            return lambda tree: field.default
        make = field.default_factory
        if make is not dataclasses.MISSING:
            return lambda tree: make()
        raise StateError(
            f"the recording does not hold {hint.__name__}.{field.name}",
            remedy="use the version of the console that wrote it",
        )

    def _tuple(self, parts: tuple[Any, ...]) -> _Convert:
        if len(parts) == 2 and parts[1] is Ellipsis:
            inner = self.of(parts[0])
            return tuple if inner is None else lambda tree: tuple(map(inner, tree))
        each = [self.of(part) for part in parts]
        return lambda tree: tuple(_given(one, item) for one, item in zip(each, tree, strict=True))


def _collect(hint: Any, found: dict[str, list[str]]) -> None:
    if dataclasses.is_dataclass(hint):
        name = typing.cast(type, hint).__name__
        if name not in found:
            found[name] = _names(typing.cast(type, hint))
            for kind in typing.get_type_hints(hint).values():
                _collect(kind, found)
    for part in typing.get_args(hint):
        _collect(part, found)


def _names(hint: Any) -> list[str]:
    return [field.name for field in dataclasses.fields(hint)]


def _alone(name: str) -> Callable[[Any], tuple[Any]]:
    """The getter of a class's only field; ``attrgetter`` returns no tuple for one."""
    get = attrgetter(name)
    return lambda value: (get(value),)


def _given(convert: _Convert | None, value: Any) -> Any:
    return value if convert is None else convert(value)


def _unless_none(inner: _Convert | None) -> _Convert | None:
    return None if inner is None else lambda value: None if value is None else inner(value)


def _each_value(inner: _Convert | None) -> _Convert:
    """A mapping is copied, because recorded data must not change later."""
    return dict if inner is None else lambda value: {key: inner(it) for key, it in value.items()}


def _optional(hint: Any) -> Any:
    """The only type in ``hint`` besides None."""
    (inner,) = (part for part in typing.get_args(hint) if part is not type(None))
    return inner


def _text(value: Any) -> Any:
    if type(value) is not str:
        raise ValueError("what must be a text is none")
    return value


def _number(value: Any) -> Any:
    """A number, which may be of another kind than it is declared, as in Python."""
    if type(value) not in _NUMBERS or (type(value) is int and abs(value) > _FAR):
        raise ValueError("what must be a number is none")
    return value


def _whole(value: Any) -> Any:
    if not math.isfinite(_number(value)):
        raise ValueError("what must be a number is none")
    return value


_NUMBERS: Final = frozenset({bool, int, float})
_FAR: Final = 2**63
_CHECKED: Final[Mapping[Any, _Convert]] = {
    str: _text, bool: _whole, int: _whole, float: _number,
}  # fmt: skip
"""What lets only a text, or a number, pass."""


def _one_of(words: tuple[object, ...]) -> _Convert:
    def known(value: Any) -> Any:
        if value not in words:
            raise ValueError(f"{value!r} is none of {words}")
        return value

    return known


def _member_of(hint: type[Enum]) -> _Convert:
    members = {member.value: member for member in hint}
    other = next((hint[name] for name in _UNKNOWN if name in hint.__members__), None)

    def member(value: Any) -> Enum:
        found = members.get(value, other)
        if found is None:
            raise ValueError(f"{value!r} is no {hint.__name__}")
        return found

    return member
