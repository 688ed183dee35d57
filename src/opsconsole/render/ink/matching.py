"""The filter behind ``/``: a regular expression, or plain text when it is not one.

Invariant: reading a filter never raises, and no filter can take long; an invalid pattern is matched
as plain text. A leading ``!`` inverts it. Lower case matches both cases.
"""

from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.patterns import Pattern, PatternError, literal, pattern
from opsconsole.render.ink.cells import Line, Role, Span

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

    def place(self, subject: str) -> tuple[int, int] | None:
        """Where ``subject`` has what is looked for; None where there is nothing to mark."""
        if self.empty or self.text.startswith("!"):
            return None
        found = compiled(self.text.strip()).place(subject[:400])
        return found if found is not None and found[0] < found[1] else None

    def begins_a_word(self, subject: str) -> bool:
        """Whether what is looked for stands at the beginning of a word of ``subject``."""
        found = self.place(subject)
        return found is not None and (found[0] == 0 or not subject[found[0] - 1].isalnum())


NOTHING: Final = Filter()


def marked(text: str, role: Role, wanted: Filter) -> Line:
    """``text`` in ``role``, with what is looked for marked."""
    found = wanted.place(text)
    if found is None:
        return (Span(text, role),)
    start, end = found
    parts = ((text[:start], role), (text[start:end], Role.MATCH), (text[end:], role))
    return tuple(Span(part, each) for part, each in parts if part)


def compiled(text: str) -> Pattern:
    """``text`` as a pattern, or as plain text if it is not a valid one."""
    text = text[:LIMIT]
    folds = text == text.lower()
    try:
        return pattern(text, folds=folds)
    except PatternError:
        return literal(text, folds=folds)
