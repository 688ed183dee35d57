"""The filter behind ``/``: a regular expression, or plain text when it is not one.

Invariant: reading a filter never raises, and no filter can take long: what could backtrack
without end is matched as plain text. ``!`` in front turns it round. Lower case matches both.
"""

import re
from dataclasses import dataclass
from typing import Final

LIMIT: Final = 120
_NESTED: Final = re.compile(r"[+*}][^()]*\)[+*{]|\([^()]*\|[^()]*\)[+*{]|\\\d")
_REPEATS: Final = re.compile(r"[+*]|\{\d")


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


_CACHE: dict[str, re.Pattern[str]] = {}


def compiled(pattern: str) -> re.Pattern[str]:
    """``pattern`` as a safe regular expression, or as literal text."""
    pattern = pattern[:LIMIT]
    if pattern not in _CACHE:
        if len(_CACHE) > 64:
            _CACHE.clear()
        _CACHE[pattern] = _compile(pattern)
    return _CACHE[pattern]


def _compile(pattern: str) -> re.Pattern[str]:
    flags = 0 if pattern != pattern.lower() else re.IGNORECASE
    if not _NESTED.search(pattern) and len(_REPEATS.findall(pattern)) <= 3:
        try:
            return re.compile(pattern, flags)
        except re.error:
            pass  # not a regular expression: it is meant as it stands
    return re.compile(re.escape(pattern), flags)
