"""Searching a line for a regular expression in time that grows with the line's length alone.

Invariant: ``LinearPattern(p).search(line)`` finds something exactly when ``re.compile(p).search``
does, and looks at each character once, whatever the pattern and the line. The pattern is read by
the standard library's own parser; it becomes an automaton whose states are made as lines need them
(Thompson 1968; Russ Cox, "Regular Expression Matching Can Be Simple And Fast"). What no automaton
can do (back references, looking around) is refused.
"""

import importlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

NODES: Final = 500
"""Most nodes of an automaton: a counted repeat is written out."""

STATES: Final = 1_000
"""States that are kept; then they are made anew."""

_ACCEPT: Final = 0
_NO_EDGE_IN_NOTHING: Final = re.search(r"\B", "") is not None
"""Whether ``re`` finds ``\\B`` in an empty text, which it did not before Python 3.14."""


class UnsupportedPatternError(ValueError):
    """The pattern needs more than an automaton, or a larger one."""


class Searcher(Protocol):
    """What finds something in a line or does not."""

    def search(self, text: str, /) -> object:
        """Not None when something was found."""
        ...


@dataclass(slots=True)
class _Node:
    """One step of the automaton: an edge over a character, or free ones, some with a condition."""

    takes: "_Test | None" = None
    condition: str = ""
    to: list[int] = field(default_factory=list)


class _Test:
    """Whether a character is taken: any of ``items``, or none of them when ``negated``."""

    __slots__ = ("_folds", "_items", "_negated")

    def __init__(self, items: list[tuple[str, Any]], *, negated: bool, folds: bool) -> None:
        self._items = items
        self._negated = negated
        self._folds = folds

    def __call__(self, char: str) -> bool:
        holds = _holds_folded if self._folds else _holds
        found = any(holds(kind, value, char) for kind, value in self._items)
        return found is not self._negated


def _holds(kind: str, value: Any, char: str) -> bool:
    if kind == "LITERAL":
        return ord(char) == int(value)
    if kind == "RANGE":
        return bool(value[0] <= ord(char) <= value[1])
    if kind == "ANY":
        return char != "\n"
    name = str(value)
    if name.startswith("CATEGORY_NOT_"):
        return not _CATEGORIES[name.replace("NOT_", "")](char)
    return _CATEGORIES[name](char)


def _holds_folded(kind: str, value: Any, char: str) -> bool:
    """The same whatever the case, by the rules of ``re``, which are its own (ſ, K, İ)."""
    if kind == "LITERAL":
        item = re.escape(chr(value))
    elif kind == "RANGE":
        item = f"[{re.escape(chr(value[0]))}-{re.escape(chr(value[1]))}]"
    else:
        return _holds(kind, value, char)
    return re.match(item, char, re.IGNORECASE) is not None


def _is_word(char: str) -> bool:
    return char.isalnum() or char == "_"


_CATEGORIES: Final = {
    "CATEGORY_DIGIT": str.isdecimal,
    "CATEGORY_SPACE": str.isspace,
    "CATEGORY_WORD": _is_word,
}
_CONDITIONS: Final = {
    "AT_BEGINNING": "start",
    "AT_BEGINNING_STRING": "start",
    "AT_END": "last",
    "AT_END_STRING": "end",
    "AT_BOUNDARY": "edge",
    "AT_NON_BOUNDARY": "no edge",
}


class _Builder:
    """Makes the automaton from its end: each piece is given the node that comes after it."""

    def __init__(self, *, folds: bool) -> None:
        self.nodes: list[_Node] = [_Node()]
        self._folds = folds

    def sequence(self, parts: Iterable[Any], after: int) -> int:
        """The first node of ``parts`` one after the other."""
        for operation, value in reversed(list(parts)):
            after = self._piece(str(operation), value, after)
        return after

    def _piece(self, name: str, value: Any, after: int) -> int:
        if name in ("LITERAL", "RANGE", "ANY", "CATEGORY"):
            return self._taking([(name, value)], after)
        if name == "NOT_LITERAL":
            return self._taking([("LITERAL", value)], after, negated=True)
        if name == "IN":
            kinds = [(str(kind), inner) for kind, inner in value]
            negated = kinds[0][0] == "NEGATE"
            return self._taking(kinds[1:] if negated else kinds, after, negated=negated)
        if name == "BRANCH":
            return self._add(_Node(to=[self.sequence(each, after) for each in value[1]]))
        if name == "SUBPATTERN":
            return self._group(value, after)
        if name in ("MAX_REPEAT", "MIN_REPEAT"):
            return self._repeat(int(value[0]), value[1], value[2], after)
        if name == "AT" and str(value) in _CONDITIONS:
            return self._add(_Node(condition=_CONDITIONS[str(value)], to=[after]))
        raise UnsupportedPatternError(f"{name.lower().replace('_', ' ')} cannot be searched for")

    def _group(self, value: Any, after: int) -> int:
        if value[1] or value[2]:
            raise UnsupportedPatternError("flags within a pattern")
        return self.sequence(value[3], after)

    def _repeat(self, least: int, most: Any, inner: Any, after: int) -> int:
        start = after
        if max(least, 0 if str(most) == "MAXREPEAT" else int(most)) > NODES:
            raise UnsupportedPatternError("the pattern is too large")
        if str(most) == "MAXREPEAT":
            loop = self._add(_Node(to=[after]))
            self.nodes[loop].to.append(self.sequence(inner, loop))
            start = loop
        else:
            for _ in range(int(most) - least):
                start = self._add(_Node(to=[self.sequence(inner, start), after]))
        for _ in range(least):
            start = self.sequence(inner, start)
        return start

    def _taking(self, items: list[tuple[str, Any]], after: int, *, negated: bool = False) -> int:
        for kind, value in items:
            if kind == "CATEGORY" and str(value).replace("NOT_", "") not in _CATEGORIES:
                raise UnsupportedPatternError(f"{value} is not known")
        return self._add(_Node(_Test(items, negated=negated, folds=self._folds), to=[after]))

    def _add(self, node: _Node) -> int:
        if len(self.nodes) >= NODES:
            raise UnsupportedPatternError("the pattern is too large")
        self.nodes.append(node)
        return len(self.nodes) - 1


class _State:
    """A set of nodes, with where each character leads; None once something was found."""

    __slots__ = ("edges", "nodes", "place")

    def __init__(self, nodes: frozenset[int], place: str) -> None:
        self.nodes = nodes
        self.place = place
        self.edges: dict[str, _State | None] = {}


class LinearPattern:
    """``pattern`` as ``re`` reads it, ignoring case with ``folds``.

    Raises ``re.error`` where it is not a pattern, ``UnsupportedPatternError`` where it is more.
    """

    def __init__(self, pattern: str, *, folds: bool = False) -> None:
        builder = _Builder(folds=folds)
        self.pattern = pattern
        self.folds = folds
        try:
            self._first = builder.sequence(tree_of(pattern), _ACCEPT)
        except RecursionError:
            raise UnsupportedPatternError("the pattern is too deep") from None
        self._nodes = builder.nodes
        self._states: dict[tuple[frozenset[int], str], _State] = {}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, LinearPattern):
            return NotImplemented
        return (self.pattern, self.folds) == (other.pattern, other.folds)

    def __hash__(self) -> int:
        return hash((self.pattern, self.folds))

    def search(self, text: str) -> bool | None:
        """True when the pattern matches somewhere in ``text``, else None."""
        state = self._state(frozenset(), "start")
        last = len(text) - 1
        for position, char in enumerate(text):
            if char == "\n" and position == last:
                # ``$`` matches before a line feed that ends the text.
                return True if self._ends(state, char) else None
            try:
                following = state.edges[char]
            except KeyError:
                following = state.edges[char] = self._step(state, char)
            if following is None:
                return True
            state = following
        return True if self._ends(state, "") else None

    def _state(self, nodes: frozenset[int], place: str) -> _State:
        key = (nodes, place)
        found = self._states.get(key)
        if found is None:
            if len(self._states) >= STATES:
                self._states.clear()
            found = self._states[key] = _State(nodes, place)
        return found

    def _step(self, state: _State, char: str) -> _State | None:
        reached = self._closure(state, char)
        if _ACCEPT in reached:
            return None
        after: set[int] = set()
        for number in reached:
            node = self._nodes[number]
            if node.takes is not None and node.takes(char):
                after.update(node.to)
        return self._state(frozenset(after), "word" if _is_word(char) else "other")

    def _ends(self, state: _State, char: str) -> bool:
        """Whether something is found at the end; ``char`` is the line feed that is still there."""
        if _ACCEPT in self._closure(state, char, last=True):
            return True
        if not char:
            return False
        following = self._step(state, char)
        return following is None or self._ends(following, "")

    def _closure(self, state: _State, char: str, *, last: bool = False) -> set[int]:
        """All nodes that are reached before ``char`` is taken; the search begins anew here too."""
        true = _conditions(state.place, char, last=last)
        reached: set[int] = set()
        waiting = [self._first, *state.nodes]
        while waiting:
            number = waiting.pop()
            if number in reached:
                continue
            node = self._nodes[number]
            if node.condition and node.condition not in true:
                continue
            reached.add(number)
            if node.takes is None:
                waiting.extend(node.to)
        return reached


def _conditions(place: str, char: str, *, last: bool) -> frozenset[str]:
    """What is true between what was taken last and ``char``; '' is the end of the text."""
    true = {"start"} if place == "start" else set()
    is_edge = (place == "word") is not bool(char and _is_word(char))
    if char or place != "start" or _NO_EDGE_IN_NOTHING:
        true.add("edge" if is_edge else "no edge")
    if last:
        true.add("last")
        if not char:
            true.add("end")
    return frozenset(true)


def parsed(pattern: str) -> Any:
    """What the standard library reads ``pattern`` as. Raises ``re.error``.

    Its parser has no public name since ``sre_parse`` is deprecated; the tree is the same.
    """
    return importlib.import_module("re._parser").parse(pattern, 0)


def tree_of(pattern: str) -> Any:
    """``parsed`` without flags of its own. Raises ``UnsupportedPatternError`` where it has some."""
    tree = parsed(pattern)
    if tree.state.flags & ~re.UNICODE:
        raise UnsupportedPatternError("flags within a pattern")
    return tree
