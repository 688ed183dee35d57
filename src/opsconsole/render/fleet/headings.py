"""Headings of groups, and the rows of services that are alike, as lines.

Invariant: a heading counts all that is in its group, in the words of their states; what is folded
is named with how many stand how.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from opsconsole.model.snapshot import Snapshot
from opsconsole.render.fleet.grouping import Group
from opsconsole.render.fleet.rows import Alike, Heading, Rows
from opsconsole.render.ink import figures
from opsconsole.render.ink.cells import Line, Role, Span, clip, clip_line, fit, line_width, width_of
from opsconsole.render.ink.cuts import cut_name, cut_sentence
from opsconsole.render.service.columns import Column, Context
from opsconsole.render.service.standing import Standing, seen_standing
from opsconsole.render.service.why import LONGEST, why

_OPEN: Final = "▾"
_FOLDED: Final = "▸"
_NAMES: Final = (8, 20)
"""The least and the most cells of a name beside others."""
BETWEEN: Final = 2
"""Cells between two headings on one line."""
ROOMY: Final = 100
"""Cells of a line from which on there are headings, and names beside one another in columns."""


def heading_line(heading: Heading, columns: Sequence[Column], width: int) -> Line:
    """``▾ ai    1 down  11 ok``; the counts begin where the services have their reason."""
    mark = _OPEN if heading.is_open else _FOLDED
    before = _before(columns, "why")
    name = fit(cut_name(heading.group.name, max(1, before - 4)), max(1, before - 3))
    return clip_line(
        (Span(f" {mark} ", Role.MUTED), Span(name, Role.HEADER), *_counts(heading.group)), width
    )


def _counts(group: Group) -> Line:
    spans: list[Span] = []
    for each, count in _worst_first(group.tally):
        role = Role.MUTED if each is Standing.OK else each.role
        spans += [Span(f"{count} {each}", role), Span("  ")]
    return tuple(spans[:-1])


def _worst_first(tally: Mapping[Standing, int]) -> list[tuple[Standing, int]]:
    return [(each, tally[each]) for each in Standing if tally.get(each)]


def folded_line(heading: Heading, name_width: int) -> Line:
    """``▸ edge 12 ok``, beside others: what is not well too where it has no row of its own."""
    group = heading.group
    name = cut_name(group.name, _NAMES[1])
    shown = group.tally if group.may_fold else {Standing.OK: len(group.well)}
    spans = [Span(f" {_FOLDED} ", Role.MUTED), Span(fit(name, max(name_width, width_of(name))))]
    for each, count in _worst_first(shown):
        if each is Standing.OK:
            spans.append(Span(f" {count:>2} ok" if name_width else f" {count} ok", Role.MUTED))
        else:
            spans.append(Span(f" {each.glyph} {count} {each}", each.role))
    return tuple(spans)


def name_width(headings: Iterable[Heading], width: int) -> int:
    """The cells that names get beside one another; 0 where each has as many as it needs."""
    if width < ROOMY:
        return 0
    longest = max((width_of(each.group.name) for each in headings), default=0)
    return max(_NAMES[0], min(_NAMES[1], longest))


def folded(rows: Rows) -> list[Heading]:
    """The headings that stand beside one another."""
    return [each for key in rows.beside if isinstance(each := rows.rows[key], Heading)]


def beside(rows: Rows, width: int) -> tuple[tuple[str, ...], ...]:
    """Which folded headings stand on which line, by their keys."""
    headings = folded(rows)
    names = name_width(headings, width)
    lines: list[list[str]] = []
    left = 0
    for each in headings:
        needed = line_width(folded_line(each, names))
        if not lines or needed > left:
            lines.append([])
            left = width
        lines[-1].append(each.group.key)
        left -= needed + BETWEEN
    return tuple(map(tuple, lines))


def summary(rows: Rows, snapshot: Snapshot) -> str:
    """``120 in 8 groups · 7 need a look``."""
    count = len({*rows.order, *rows.beside})
    of = f"{len(snapshot.services)} in {count} {'group' if count == 1 else 'groups'}"
    need = "needs" if rows.urgent == 1 else "need"
    return f"{of} · {rows.urgent} {need} a look" if rows.urgent else of


def alike_line(alike: Alike, columns: Sequence[Column], context: Context) -> Line:
    """``✖ down   ▸ 12 alike   3m   12 × connection refused``."""
    first = alike.services[0]
    stands, count = seen_standing(first), len(alike.services)
    oldest = min(each.since for each in alike.services)
    mark = _OPEN if alike.is_open else _FOLDED
    cells = {
        "state": (f"{stands.glyph} {stands}", stands.role),
        "service": (f"{mark} {count} alike", Role.STRONG),
        "for": (figures.coarse_age(context.now - oldest), Role.TEXT),
    }
    spans: list[Span] = []
    for column in columns:
        text, role = cells.get(column.id, ("", Role.TEXT))
        if column.id == "why":
            said = why(first, LONGEST)
            text = cut_sentence(f"{count} × {said}", column.width)
        spans += [
            Span(" " * column.gap),
            Span(fit(clip(text, column.width), column.width, column.align), role),
        ]
    return tuple(spans)


def _before(columns: Iterable[Column], id_: str) -> int:
    """The cell at which a column begins."""
    at = 0
    for column in columns:
        at += column.gap
        if column.id == id_:
            return at
        at += column.width
    return at
