"""Searching lines quickly whatever the pattern and the line: by ``re`` where that is quick anyway.

Invariant: what ``quick_search`` gives finds something exactly when ``re`` does, and no line takes
longer than its length allows.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from opsconsole.model.linear_search import LinearPattern, Searcher, parsed, tree_of

_CHOICES: Final = 6
_RISK: Final = frozenset({"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"})


def repeats(pattern: str) -> int:
    """How many repeats without a small end ``pattern`` has, those within others counted twice.

    With none, backtracking is quick on any line; with one it takes the square of the line's length
    at most; with more there is no bound that helps. Raises ``re.error``.
    """
    count = _repeats(parsed(pattern), 1)
    # Each optional part or choice costs little; many in a row double the ways that many times.
    many = sum(map(pattern.count, "?|{")) > _CHOICES
    return max(2, count) if many else count


def _repeats(parts: Iterable[Any], weight: int) -> int:
    count = 0
    for operation, value in parts:
        name = str(operation)
        if name in _RISK:
            # An optional part is no repeat, unless it is within one.
            grows = int(value[1]) > 1 or weight > 1
            count += (weight if grows else 0) + _repeats(value[2], weight + grows)
        elif name == "BRANCH":
            count += sum(_repeats(each, weight) for each in value[1]) + (weight > 1)
        elif name == "SUBPATTERN":
            count += _repeats(value[3], weight)
        elif name in ("GROUPREF", "GROUPREF_EXISTS", "ASSERT", "ASSERT_NOT", "ATOMIC_GROUP"):
            count += 2
    return count


_SHORT: Final = 256
"""Characters of a line up to which a pattern with one repeat is quick by backtracking too."""


def required(pattern: str) -> str:
    """The longest text that is in all that ``pattern`` matches, as far as it is plain to see."""
    runs, run = [""], ""
    for operation, value in tree_of(pattern):
        run = run + chr(value) if str(operation) == "LITERAL" else ""
        runs.append(run)
    return max(runs, key=len)


@dataclass(frozen=True, slots=True)
class Bounded:
    """A pattern that may backtrack: on short lines quick as it is, on others by its automaton."""

    quick: re.Pattern[str]
    linear: LinearPattern
    short: int
    must: str = ""

    def search(self, text: str) -> object:
        """Not None where the pattern matches; ``must`` is in every line that it does."""
        if self.must not in text:
            return None
        return (self.quick if len(text) <= self.short else self.linear).search(text)


def quick_search(pattern: str, *, folds: bool = False) -> Searcher:
    """``pattern`` so that no line takes long, as ``re`` itself where that is quick anyway.

    Raises ``re.error``, OverflowError or RecursionError where it is not a pattern, and
    ``UnsupportedPatternError`` where no bound holds for it.
    """
    quick = re.compile(pattern, re.IGNORECASE if folds else 0)
    count = repeats(pattern)
    if count == 0:
        return quick
    short = _SHORT if count == 1 else 0
    must = "" if folds else required(pattern)
    return Bounded(quick, LinearPattern(pattern, folds=folds), short, must)
