"""A line being typed: its text, its completions, and the name that it means.

Invariant: pure; a key changes the text at once or not at all. A typed word must be a whole name or
the beginning of exactly one name; nothing is guessed.
"""

import difflib
from collections.abc import Iterable
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.render.ink.cells import Line, Role, Span, clip_line, line_width, width_of
from opsconsole.render.ink.own_keys import key_of

_LIKELY: Final = 0.6
"""How similar two words must be, by difflib's ratio, to count as a typing error."""


@dataclass(frozen=True, slots=True)
class TypedLine:
    """The text and the cursor position in it, in characters."""

    text: str = ""
    cursor: int = 0

    def with_text(self, added: str, limit: int) -> "TypedLine":
        """With ``added`` inserted at the cursor, up to ``limit`` characters in all."""
        added = added[: max(0, limit - len(self.text))]
        text = self.text[: self.cursor] + added + self.text[self.cursor :]
        return TypedLine(text, self.cursor + len(added))

    def moved(self, key: str) -> "TypedLine":
        """After a key that moves or deletes; unchanged for any other key."""
        text, at = self.text, self.cursor
        last_word = len(text[:at].rstrip().rpartition(" ")[0])
        places = {
            "left": (text, max(0, at - 1)),
            "right": (text, min(len(text), at + 1)),
            "home": (text, 0),
            "ctrl+a": (text, 0),
            "end": (text, len(text)),
            "ctrl+e": (text, len(text)),
            "backspace": (text[: max(0, at - 1)] + text[at:], max(0, at - 1)),
            "ctrl+h": (text[: max(0, at - 1)] + text[at:], max(0, at - 1)),
            "delete": (text[:at] + text[at + 1 :], at),
            "ctrl+u": (text[at:], 0),
            "ctrl+k": (text[:at], at),
            "ctrl+w": (text[:last_word] + text[at:], last_word),
        }
        return TypedLine(*places.get(key, (text, at)))


def completions(text: str, names: Iterable[str]) -> list[str]:
    """The names that begin with ``text``, then those that contain it; all for ''."""
    wanted = text.strip().lower()
    listed = list(dict.fromkeys(names))
    begun = [name for name in listed if name.lower().startswith(wanted)]
    held = [name for name in listed if wanted in name.lower() and name not in begun]
    return begun + held


def meant(text: str, names: Iterable[str]) -> str | None:
    """The one name that is meant: written in full, or the only one with this beginning."""
    wanted = text.strip().lower()
    listed = list(dict.fromkeys(names))
    whole = [name for name in listed if name.lower() == wanted]
    begun = [name for name in listed if name.lower().startswith(wanted)]
    if whole:
        return whole[0]
    return begun[0] if wanted and len(begun) == 1 else None


def not_meant(text: str, names: Iterable[str]) -> str:
    """The message for a word that matches no name, or several."""
    wanted = text.strip()
    listed = list(dict.fromkeys(names))
    begun = [name for name in listed if name.lower().startswith(wanted.lower())]
    if begun:
        return f"{wanted} could be {', '.join(begun[:5])}"
    alike = difflib.get_close_matches(wanted.lower(), listed, 1, _LIKELY)
    hint = (
        f", did you mean {alike[0]}?"
        if alike
        else f"; {key_of('palette', 'ctrl-p')} lists them all"
    )
    return f"nothing is called {wanted}{hint}"


def prompt_line(mark: str, typed: TypedLine, width: int, *, hint: str = "") -> Line:
    """The line as typed, with the cursor, and ``hint`` muted to its right."""
    before, rest = typed.text[: typed.cursor], typed.text[typed.cursor :]
    # A text longer than the line is scrolled so that the cursor stays visible.
    room = max(4, width - width_of(mark) - 3)
    while width_of(before) > room:
        before = before[1:]
    spans = [
        Span(f" {mark}", Role.KEY),
        Span(before, Role.KEY_LABEL),
        Span(rest[:1] or " ", Role.CURSOR_TEXT),
        Span(rest[1:], Role.KEY_LABEL),
    ]
    line = clip_line((*spans, Span(f"  {hint}" if hint else "", Role.KEY_OFF)), width)
    return (*line, Span(" " * max(0, width - line_width(line)), Role.KEY_LABEL))
