"""The filter behind ``/``: a regular expression, or plain text when it is not one.

Invariant: reading a filter never raises, and no filter can take long; an invalid pattern is matched
as plain text. A leading ``!`` inverts it. Lower case matches both cases.
"""

from dataclasses import dataclass
from typing import Final

from opsconsole.patterns import Pattern, PatternError, literal, pattern

LIMIT: Final = 120


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter as typed; an empty one matches everything."""

    text: str = ""

    @property
    def empty(self) -> bool:
        """Whether it matches everything."""
        return not self.text.lstrip("!").strip()

    def matches(self, subject: str) -> bool:
        """Whether ``subject`` should be shown."""
        if self.empty:
            return True
        inverted = self.text.startswith("!")
        typed = self.text[1:] if inverted else self.text
        return compiled(typed.strip()).search(subject[:400]) is not inverted


def compiled(text: str) -> Pattern:
    """``text`` as a pattern, or as plain text if it is not a valid one."""
    text = text[:LIMIT]
    folds = text == text.lower()
    try:
        return pattern(text, folds=folds)
    except PatternError:
        return literal(text, folds=folds)
