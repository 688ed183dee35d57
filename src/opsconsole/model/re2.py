"""Regular expressions as Prometheus and Alertmanager mean them, matched in linear time.

Invariant: whether a text matches is told after one look at each of its characters, at most
``STATES`` steps each, whatever the pattern: nobody's pattern can hold up the program, as it can
with Python's backtracking ``re``. A pattern matches the whole text or not at all.

Log lines and lists are searched by ``model.linear_search``, which reads Python's syntax.

Forms: https://github.com/google/re2/wiki/Syntax, of which ``\\b``, ``\\p{…}``, ``\\Q…\\E`` and
``(?m)`` are not known here. Method: Thompson's construction, with the sets of states that were met
kept as a deterministic automaton (R. Cox, "Regular Expression Matching Can Be Simple And Fast").
"""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from opsconsole.model.re2_syntax import (
    Alternatives,
    Characters,
    Edge,
    Node,
    PatternError,
    Repeat,
    Sequence,
    parse_pattern,
)

STATES: Final = 2000
"""States of one pattern; RE2 bounds its programs in the same way."""

KEPT: Final = 50_000
"""States in all sets that one pattern remembers."""

PATTERNS: Final = 64

_Set = frozenset[int]


@lru_cache(maxsize=PATTERNS)
def re2_pattern(text: str) -> "Re2Pattern":
    """The pattern ``text``. Raises PatternError, which is a ValueError, with what is wrong."""
    return Re2Pattern(text)


@dataclass(slots=True)
class _State:
    """Takes one of ``characters`` to ``following``; without any, goes to all of them at once.

    With an ``edge`` it goes on only there; the one state without ``following`` is the end.
    """

    characters: Characters | None = None
    edge: Edge | None = None
    following: list[int] = field(default_factory=list)


class Re2Pattern:
    """One pattern, made ready. Use ``re2_pattern``, which keeps it."""

    def __init__(self, text: str) -> None:
        self._states: list[_State] = [_State()]
        self._built = self._kept = 0
        first = self._build(parse_pattern(text), 0)
        self._first = self._closure([first], Edge.BEGIN)
        self._steps: dict[tuple[_Set, str], _Set] = {}
        self._ends: dict[_Set, bool] = {}

    def matches(self, text: str) -> bool:
        """Whether the whole of ``text`` matches."""
        at = self._first
        for character in text:
            if not at:
                return False
            at = self._step(at, character)
        return self._is_end(at)

    def _step(self, at: _Set, character: str) -> _Set:
        known = self._steps.get((at, character))
        if known is None:
            if self._kept > KEPT:
                self._steps.clear()
                self._ends.clear()
                self._kept = 0
            reached = [
                following
                for number in at
                if (characters := self._states[number].characters) is not None
                and characters.holds(character)
                for following in self._states[number].following
            ]
            known = self._steps[at, character] = self._closure(reached, None)
            self._kept += len(known) + 1
        return known

    def _is_end(self, at: _Set) -> bool:
        if at not in self._ends:
            # The text may be empty, and so begin where it ends.
            edges = (Edge.BEGIN, Edge.END) if at is self._first else (Edge.END,)
            self._ends[at] = 0 in self._closure(list(at), *edges)
        return self._ends[at]

    def _closure(self, numbers: list[int], *edges: Edge | None) -> _Set:
        """All that is reached from ``numbers`` without a character, at one of ``edges``."""
        found: set[int] = set()
        waiting = list(numbers)
        while waiting:
            number = waiting.pop()
            if number in found:
                continue
            found.add(number)
            state = self._states[number]
            if state.characters is None and (state.edge is None or state.edge in edges):
                waiting.extend(state.following)
        return frozenset(found)

    def _add(self, state: _State) -> int:
        if len(self._states) >= STATES:
            raise PatternError(f"needs more than {STATES} states; write it shorter")
        self._states.append(state)
        return len(self._states) - 1

    def _build(self, node: Node, following: int) -> int:
        """The state that ``node`` begins with, where ``following`` comes after it."""
        self._built += 1
        if self._built > 2 * STATES:
            # Nothing, repeated often enough, takes time without taking states.
            raise PatternError("repeats too much; write it shorter")
        if isinstance(node, Characters):
            return self._add(_State(node, following=[following]))
        if isinstance(node, Edge):
            return self._add(_State(edge=node, following=[following]))
        if isinstance(node, Sequence):
            for part in reversed(node.parts):
                following = self._build(part, following)
            return following
        if isinstance(node, Alternatives):
            return self._add(
                _State(following=[self._build(part, following) for part in node.parts])
            )
        return self._build_repeat(node, following)

    def _build_repeat(self, node: Repeat, following: int) -> int:
        if node.most is None:
            loop = self._add(_State(following=[following]))
            self._states[loop].following.append(self._build(node.part, loop))
            first = loop
        else:
            first = following
            for _ in range(node.most - node.least):
                more = self._build(node.part, first)
                first = self._add(_State(following=[following, more]))
        for _ in range(node.least):
            first = self._build(node.part, first)
        return first
