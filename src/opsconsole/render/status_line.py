"""The line at the bottom: available keys, or the latest notice.

Invariant: a key that would do nothing is greyed with the reason, or hidden; a notice takes the line
while it lasts and never waits for a key.
"""

from collections.abc import Iterable
from typing import NamedTuple

from opsconsole.render.ink.cells import Line, Role, Span, clip_line, width_of


class Hint(NamedTuple):
    """One key and what it does; ``blocked`` says why it has no effect here."""

    key: str
    label: str
    blocked: str = ""


def hints(items: Iterable[Hint], width: int) -> Line:
    """As many hints as fit, in the given order; the last one, help, always fits."""
    listed = list(items)
    if not listed:
        return ()
    last = _hint(listed[-1])
    room = width - sum(width_of(span.text) for span in last) - 1
    spans: list[Span] = [Span(" ", Role.KEY_LABEL)]
    used = 1
    for item in listed[:-1]:
        part = _hint(item)
        size = sum(width_of(span.text) for span in part)
        if used + size > room:
            continue
        spans += part
        used += size
    line = (*spans, *last)
    fill = width - sum(width_of(span.text) for span in line)
    return clip_line((*line, Span(" " * max(0, fill), Role.KEY_LABEL)), width)


def _hint(item: Hint) -> list[Span]:
    if item.blocked:
        return [Span(f"{item.key} {item.label} ({item.blocked})  ", Role.KEY_OFF)]
    return [Span(item.key, Role.KEY), Span(f" {item.label}  ", Role.KEY_LABEL)]


def notice(text: str, width: int) -> Line:
    """A notice in the line."""
    line = clip_line((Span(" ", Role.KEY_LABEL), Span(text, Role.KEY)), width)
    fill = width - sum(width_of(span.text) for span in line)
    return (*line, Span(" " * max(0, fill), Role.KEY_LABEL))
