"""The line at the bottom: available keys, and beside them the latest notice.

Invariant: a key that would do nothing is greyed with the reason, or hidden. Keys that look stand
before keys that change, with a stroke between; the first that change and help are the last to give
way. A notice has the right end while it lasts and never waits for a key; it takes the place of the
least important keys, never of those that stay.
"""

from collections.abc import Iterable, Sequence
from enum import IntEnum
from itertools import groupby
from typing import Final, NamedTuple

from opsconsole.render.ink.cells import Line, Role, Span, clip, clip_line, line_width, width_of

_KEPT: Final = 2
"""How many keys that change something stay as long as any key does."""
_STROKE: Final = Span("│ ", Role.KEY_OFF)


class Part(IntEnum):
    """Where a key stands in the line, from the left."""

    LOOK = 0
    CHANGE = 1
    CONSOLE = 2


class Hint(NamedTuple):
    """One key and what it does; ``blocked`` says why it has no effect here, and with ``stays`` no
    notice takes its place."""

    key: str
    label: str
    blocked: str = ""
    part: Part = Part.LOOK
    stays: bool = False


def hints(items: Iterable[Hint], width: int) -> Line:
    """As many hints as fit, each part in the given order; the last one, help, always fits."""
    listed = list(items)
    if not listed:
        return ()
    kept = _fitting(listed, width)
    spans: list[Span] = [Span(" ", Role.KEY_LABEL)]
    ordered = sorted(kept, key=lambda each: each.part)
    for number, (_, part) in enumerate(groupby(ordered, key=lambda each: each.part)):
        if number:
            spans.append(_STROKE)
        items = list(part)
        for item, after in zip(items, [*items[1:], None], strict=True):
            # One reason for several keys is said once, behind the last of them.
            same = after is not None and after.blocked == item.blocked
            spans += _hint(item, said=not same)
    return _filled(tuple(spans), width)


def _fitting(listed: Sequence[Hint], width: int) -> list[Hint]:
    """Those that fit, in their order: what stays and help first, then what changes something, then
    the rest."""
    staying = [item for item in listed[:-1] if item.stays]
    changing = sorted((item for item in listed[:-1] if item.part is Part.CHANGE), key=_is_blocked)[
        :_KEPT
    ]
    wanted = [*staying, listed[-1], *(item for item in changing if not item.stays)]
    wanted += sorted((item for item in listed[:-1] if item not in wanted), key=_is_blocked)
    room = width - 1 - 2 * width_of(_STROKE.text)
    kept: list[Hint] = []
    for item in wanted:
        said = all(each.blocked != item.blocked or each.part != item.part for each in kept)
        size = line_width(tuple(_hint(item, said=said)))
        if size <= room or not kept:
            kept.append(item)
            room -= size
    return [item for item in listed if item in kept]


def _is_blocked(item: Hint) -> bool:
    """What cannot be done now gives way to what can."""
    return bool(item.blocked)


def _hint(item: Hint, *, said: bool = True) -> list[Span]:
    """``said``: with the reason that blocks it."""
    if item.blocked:
        why = f" ({item.blocked})" if said else ""
        return [Span(f"{item.key} {item.label}{why}  ", Role.KEY_OFF)]
    return [Span(item.key, Role.KEY), Span(f" {item.label}  ", Role.KEY_LABEL)]


def notice(text: str, items: Iterable[Hint], width: int) -> Line:
    """A notice at the right end, and before it the keys that fit; those that stay are there."""
    listed = list(items)
    staying = [item for item in listed if item.stays]
    least = sum(line_width(tuple(_hint(item))) for item in staying)
    least += 1 + 2 * width_of(_STROKE.text) if staying else 0
    said = f"· {clip(text, max(0, width - least - 3))} "
    room = width - width_of(said)
    fewest = least or line_width(tuple(_hint(listed[-1]))) + 1 if listed else width
    if room < fewest:
        alone = (Span(" ", Role.KEY_LABEL), Span(clip(text, width - 2), Role.KEY_NOTICE))
        return _filled(alone, width)
    return (*hints(listed, room), Span(said, Role.KEY_NOTICE))


def _filled(line: Line, width: int) -> Line:
    cut = clip_line(line, width)
    return (*cut, Span(" " * max(0, width - line_width(cut)), Role.KEY_LABEL))
