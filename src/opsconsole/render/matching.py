"""The filter behind ``/``: a regular expression, or plain text when it is not one.

Invariant: reading a filter never raises, and no filter can take long: what could backtrack is
searched for by an automaton, what needs more than that (back references, looking around) is
matched as plain text. ``!`` in front turns it round. Lower case matches both.
"""

import re
from dataclasses import dataclass
from typing import Final

from opsconsole.model.linear_search import Searcher, UnsupportedPatternError
from opsconsole.model.quick_search import quick_search

LIMIT: Final = 120


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
    try:
        return quick_search(pattern, folds=folds)
    except (re.error, OverflowError, RecursionError, UnsupportedPatternError):
        # Not a regular expression, or one that no bound holds for: it is meant as it stands.
        return re.compile(re.escape(pattern), re.IGNORECASE if folds else 0)
