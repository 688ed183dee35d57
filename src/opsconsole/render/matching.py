"""The filter behind ``/``: a regular expression, or plain text when it is not one.

Invariant: reading a filter never raises, and no filter can take long: what could backtrack is
searched for by an automaton, what needs more than that (back references, looking around) is
matched as plain text. ``!`` in front turns it round. Lower case matches both.
"""

import re
from dataclasses import dataclass
from typing import Final

from opsconsole.model.linear_search import (
    LinearPattern,
    Searcher,
    UnsupportedPatternError,
    repeats,
)

LIMIT: Final = 120
_SHORT: Final = 256
"""Characters of a line up to which a pattern with one repeat is quick by backtracking too."""


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter as typed; an empty one matches everything."""

    text: str = ""

    @property
    def empty(self) -> bool:
        """Whether everything matches."""
        return not self.text.lstrip("!").strip()

    def matches(self, subject: str) -> bool:
        """Whether ``subject`` is to be shown."""
        if self.empty:
            return True
        inverted = self.text.startswith("!")
        pattern = self.text[1:] if inverted else self.text
        return bool(compiled(pattern.strip()).search(subject[:400])) is not inverted


@dataclass(frozen=True, slots=True)
class _Bounded:
    """A pattern that may backtrack: on short lines quick as it is, on others by its automaton."""

    quick: re.Pattern[str]
    linear: LinearPattern
    short: int

    def search(self, text: str) -> object:
        """Not None where the pattern matches."""
        return (self.quick if len(text) <= self.short else self.linear).search(text)


_CACHE: dict[str, Searcher] = {}


def compiled(pattern: str) -> Searcher:
    """``pattern`` as a regular expression that is quick on any line, or as literal text."""
    pattern = pattern[:LIMIT]
    if pattern not in _CACHE:
        if len(_CACHE) > 64:
            _CACHE.clear()
        _CACHE[pattern] = _compile(pattern)
    return _CACHE[pattern]


def _compile(pattern: str) -> Searcher:
    folds = pattern == pattern.lower()
    flags = re.IGNORECASE if folds else 0
    try:
        count = repeats(pattern)
        quick = re.compile(pattern, flags)
        if count == 0:
            return quick
        return _Bounded(quick, LinearPattern(pattern, folds=folds), _SHORT if count == 1 else 0)
    except (re.error, OverflowError, RecursionError, UnsupportedPatternError):
        # Not a regular expression, or one that no bound holds for: it is meant as it stands.
        return re.compile(re.escape(pattern), flags)
