"""YAML text to plain values, with the position of each.

Invariant: what is read is what is written. A key that is given twice, an unknown tag, an alias
of itself, nesting deeper than ``DEPTH`` and more than ``NODES`` values (aliases counted as often
as they are used) are problems. Plain scalars mean what YAML 1.2's core schema says: ``no``,
``on`` and ``22:22`` are text, ``017`` is seventeen.

The tree is built from the parser's events, because PyYAML's own composer recurses in C and dies
of a stack overflow on a hundred thousand brackets.
"""

import re
from dataclasses import field
from typing import Any, Final

import yaml

from opsconsole.config.files.problems import KeyPath, Position, Problem
from opsconsole.dataclass import dataclass

Value = bool | int | float | str | list[Any] | dict[str, Any] | None
"""What YAML's core schema can say; lists and dictionaries hold more of the same."""

DEPTH: Final = 50
NODES: Final = 200_000
TOO_DEEP: Final = f"nested deeper than {DEPTH} levels"

_MERGE: Final = "<<"
_PREFIX: Final = "tag:yaml.org,2002:"
_CONSTANTS: Final[dict[str, bool | None]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
# More than 18 digits is an identifier, not a count: it stays text.
_INTEGER: Final = re.compile(r"[-+]?[0-9]{1,18}|0o[0-7]{1,18}|0x[0-9a-fA-F]{1,15}")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?")


@dataclass(frozen=True, slots=True)
class Tree:
    """A value and the position of every key and item in it.

    ``next`` is where a second document begins that was not read.
    """

    value: Value
    positions: dict[KeyPath, Position] = field(default_factory=dict)
    next: Position | None = None

    def position(self, path: KeyPath) -> Position:
        """The position of ``path``, or of the nearest value around it."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.positions:
                return self.positions[path[:length]]
        return Position("")


class TreeError(Exception):
    """The text is not a tree; carries every problem that was found."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


def read_tree(text: str, file: str, *, first: bool = False) -> Tree:
    """Parse one YAML document; an empty one is None. Raises TreeError.

    ``first``: others may follow, which are not read; the tree says where the next one begins.
    """
    builder = _Builder(text, file, first=first)
    try:
        tree = builder.build()
    except yaml.MarkedYAMLError as error:
        builder.note(error.problem_mark, (), _why(text, error))
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        position = Position(file, line)
        builder.problems.append(
            Problem.at(position, (), "holds a character that YAML does not allow")
        )
    except _StopError:
        pass
    if builder.problems:
        raise TreeError(tuple(builder.problems))
    return tree


def _why(text: str, error: yaml.MarkedYAMLError) -> str:
    """What is wrong where the parser gave up.

    Some parsers have their own limit on open brackets, and reach it before the first event
    is reported. To the reader of the message it is the same limit.
    """
    before = text if error.problem_mark is None else text[: error.problem_mark.index]
    opened = sum(map(before.count, "[{")) - sum(map(before.count, "]}"))
    return TOO_DEEP if opened > DEPTH else f"not YAML: {error.problem}"


def resolve(text: str) -> Value:
    """What a plain scalar means by YAML 1.2's core schema."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.fullmatch(text):
        return int(text, 0) if text[:2] in {"0o", "0x"} else int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text


class _StopError(Exception):
    """A limit was passed; the problem is noted."""


@dataclass(frozen=True, slots=True)
class _Anchored:
    value: Value
    size: int


class _Builder:
    """Turns events into a tree. One use."""

    def __init__(self, text: str, file: str, *, first: bool) -> None:
        self._first = first
        self._loader = yaml.CSafeLoader(text)
        self._file = file
        self._anchors: dict[str, _Anchored | None] = {}
        self._nodes = 0
        self._positions: dict[KeyPath, Position] = {}
        self.problems: list[Problem] = []

    def note(self, mark: Any, path: KeyPath, message: str) -> None:
        """Remember a problem at a parser's mark, which may be None."""
        self.problems.append(Problem.at(self._position(mark), path, message))

    def build(self) -> Tree:
        self._next()
        event = self._next()
        self._positions[()] = Position(self._file)
        if isinstance(event, yaml.StreamEndEvent):
            return Tree(None, self._positions)
        value = self._value(self._next(), ())
        self._next()
        event = self._next()
        if self._first and not isinstance(event, yaml.StreamEndEvent):
            return Tree(value, self._positions, next=self._position(event.start_mark))
        if not isinstance(event, yaml.StreamEndEvent):
            self.note(event.start_mark, (), "a second document begins here; put it in its own file")
        return Tree(value, self._positions)

    def _next(self) -> Any:
        return self._loader.get_event()

    def _position(self, mark: Any) -> Position:
        if mark is None:
            return Position(self._file)
        return Position(self._file, mark.line + 1, mark.column + 1)

    def _value(self, event: Any, path: KeyPath) -> Value:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, path)
        before = self._nodes
        self._count(1, event, path)
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        if isinstance(event, yaml.ScalarEvent):
            value = self._scalar(event, path)
        elif isinstance(event, yaml.SequenceStartEvent):
            value = self._sequence(event, path)
        else:
            value = self._mapping(event, path)
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchored(value, self._nodes - before)
        return value

    def _count(self, nodes: int, event: Any, path: KeyPath) -> None:
        self._nodes += nodes
        if self._nodes > NODES:
            self.note(event.start_mark, (), f"more than {NODES} values, aliases written out")
            raise _StopError
        if len(path) > DEPTH:
            self.note(event.start_mark, (), TOO_DEEP)
            raise _StopError

    def _alias(self, event: Any, path: KeyPath) -> Value:
        name = event.anchor
        if name not in self._anchors:
            self.note(event.start_mark, path, f"the alias *{name} has no anchor before it")
            return None
        anchored = self._anchors[name]
        if anchored is None:
            self.note(event.start_mark, path, f"the alias *{name} refers to itself")
            return None
        self._count(anchored.size, event, path)
        return anchored.value

    def _scalar(self, event: Any, path: KeyPath) -> Value:
        if event.tag in {None, "!"}:
            return resolve(event.value) if event.implicit[0] else str(event.value)
        self._check_tag(event, path, "str", "int", "float", "bool", "null")
        return str(event.value) if event.tag == f"{_PREFIX}str" else resolve(event.value)

    def _sequence(self, event: Any, path: KeyPath) -> Value:
        self._check_tag(event, path, "seq")
        items: list[Value] = []
        while not isinstance(item := self._next(), yaml.SequenceEndEvent):
            inner = (*path, len(items))
            self._positions[inner] = self._position(item.start_mark)
            items.append(self._value(item, inner))
        return items

    def _mapping(self, event: Any, path: KeyPath) -> Value:
        self._check_tag(event, path, "map")
        own: dict[str, Value] = {}
        merged: dict[str, Value] = {}
        while not isinstance(key := self._next(), yaml.MappingEndEvent):
            name = self._key(key, path)
            plain = isinstance(key, yaml.ScalarEvent) and key.implicit[0]
            inner = (*path, name)
            first = self._positions.get(inner)
            if name in own and first:
                self.note(
                    key.start_mark, inner, f"is given twice, the first time in line {first.line}"
                )
            else:
                self._positions[inner] = self._position(key.start_mark)
            value = self._value(self._next(), inner)
            if name == _MERGE and plain:
                self._merge(value, merged, key, inner)
            else:
                own[name] = value
        return {**merged, **own}

    def _key(self, event: Any, path: KeyPath) -> str:
        if not isinstance(event, yaml.ScalarEvent):
            self.note(event.start_mark, path, "a key must be a word, not a list or a mapping")
            raise _StopError
        self._count(1, event, path)
        return str(event.value)

    def _merge(self, value: Value, into: dict[str, Value], key: Any, path: KeyPath) -> None:
        sources = value if isinstance(value, list) else [value]
        for source in sources:
            if not isinstance(source, dict):
                self.note(key.start_mark, path, "<< takes a mapping or a list of mappings")
                return
            for name, inner in source.items():
                into.setdefault(name, inner)

    def _check_tag(self, event: Any, path: KeyPath, *known: str) -> None:
        if event.tag not in {None, "!", *(_PREFIX + name for name in known)}:
            tag = str(event.tag).replace(_PREFIX, "!!")
            self.note(event.start_mark, path, f"the tag {tag} is not known here")
