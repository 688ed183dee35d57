"""The fixed lines of the service screen: its name, and the tabs with their keys.

Invariant: pure; every tab has its digit in the line at any supported width, names are whole or not
there, and counts stay longest.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from opsconsole.render.ink.cells import Line, Role, Span, clip_line, line_width


class TabName(NamedTuple):
    """A tab in the line of tabs; ``badge`` is its count, '' for none."""

    name: str
    badge: str = ""


def tabs(names: Sequence[TabName], here: int, width: int) -> Line:
    """The tabs with their number keys; ``here`` is the position of the open one.

    Where not all names fit, those at the right end go first: without a count before those with one.
    """
    going = [at for at in reversed(range(len(names))) if at != here]
    going.sort(key=lambda at: bool(names[at].badge))
    for gap in (3, 2):
        line = _tabs(names, here, frozenset(), gap)
        if line_width(line) <= width:
            return line
    bare: set[int] = set()
    for at in going:
        bare.add(at)
        line = _tabs(names, here, bare, 2)
        if line_width(line) <= width:
            break
    return clip_line(line, width)


def _tabs(names: Sequence[TabName], here: int, bare: Collection[int], gap: int) -> Line:
    """``bare`` tabs have their digit alone."""
    spans: list[Span] = []
    for at, tab in enumerate(names):
        after = " " if at in bare and at + 1 in bare else " " * gap
        spans.append(Span(f"{' ' if not at else ''}{(at + 1) % 10}", Role.MUTED))
        if at not in bare:
            role = Role.TITLE_FOCUSED if at == here else Role.TEXT
            spans += [Span(" "), Span(tab.name, role)]
            spans.append(Span(f" {tab.badge}" if tab.badge else "", Role.ACCENT))
        if at + 1 < len(names):
            spans.append(Span(after))
    return tuple(span for span in spans if span.text)
