"""The fixed lines of the service screen: its name, and the tabs with their keys.

Invariant: pure; every tab is named in the line at any supported width, the open one in full.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from opsconsole.render.ink.cells import Line, Role, Span, clip_line, line_width

_LETTERS: Final = (None, 4, 2)
"""How short the names of the other tabs may be, the longest first."""


class TabName(NamedTuple):
    """A tab in the line of tabs. ``short`` is used if not all names fit."""

    name: str
    short: str
    badge: str = ""


def tabs(names: Sequence[TabName], here: int, width: int) -> Line:
    """The tabs with their number keys; ``here`` is the position of the open one."""
    for letters in _LETTERS:
        line = _tabs(names, here, letters)
        if line_width(line) <= width:
            return line
    return clip_line(line, width)


def _tabs(names: Sequence[TabName], here: int, letters: int | None) -> Line:
    """With ``letters``, all other names are cut to that many letters."""
    spans: list[Span] = []
    short = letters is not None
    for position, tab in enumerate(names):
        # After the tenth there is no digit left: those tabs are reached with the tab key.
        key = str((position + 1) % 10) if position < 10 else " "
        cut = short and position != here
        role = Role.TITLE_FOCUSED if position == here else Role.MUTED
        spans += [
            Span(f" {key} ", Role.FAINT),
            Span(tab.short[:letters] if cut else tab.name, role),
            Span(f" {tab.badge}" if tab.badge and not cut else "", Role.ACCENT),
            Span("" if short else " "),
        ]
    return tuple(span for span in spans if span.text)
