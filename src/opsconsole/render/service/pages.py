"""The declared pages of a service as readable JSON, with changes since the previous look.

Invariant: pure; keys of one object share one column; a page that could not be read again is shown
as stale with its age and the reason, never as if it were fresh.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from opsconsole.model.asked.pages import Change, EntryKind, PageBody, PageEntry, PageView
from opsconsole.model.operation import Refusal
from opsconsole.render.ink import figures
from opsconsole.render.ink.cells import BLANK, Line, Role, Span, clip, fit, width_of, wrap

KEY_MOST: Final = 32
VALUE_LINES: Final = 6
"""The most lines of one value."""

_DEEPEST: Final = 12
_ROLES: Final = {
    EntryKind.NUMBER: Role.STRONG,
    EntryKind.STRING: Role.TEXT,
    EntryKind.TEXT: Role.TEXT,
    EntryKind.BOOLEAN: Role.ACCENT,
    EntryKind.NULL: Role.FAINT,
    EntryKind.OBJECT: Role.FAINT,
    EntryKind.LIST: Role.FAINT,
}
_MARKS: Final = {
    Change.NONE: " ",
    Change.ADDED: "+",
    Change.REMOVED: "-",
    Change.CHANGED: "~",
}
_HOW_TO: Final = (
    "  no page is declared for this service. Pages that a person reads go under its name:",
    "",
    "    endpoints:",
    "      stats: /stats",
    "      scaling: /api/performance/scaling/recommendations",
    "",
    "  They are asked with GET alone, only while this tab is open.",
)


def pages(
    found: Sequence[PageView] | None, refusal: Refusal | None, width: int, now: float
) -> list[Line]:
    """All pages, one below the other; None before the first answer."""
    if refusal is not None:
        said = wrap(f"the pages cannot be read: {refusal}", max(10, width - 4))
        lines: list[Line] = [(Span(f"  {part}", Role.UNKNOWN),) for part in said]
        return lines if not found else [*lines, BLANK, *_all(found, width, now)]
    if found is None:
        return [(Span("  asking for the pages …", Role.MUTED),)]
    if not found:
        return [(Span(line, Role.MUTED),) for line in _HOW_TO]
    return _all(found, width, now)


def _all(found: Sequence[PageView], width: int, now: float) -> list[Line]:
    lines: list[Line] = []
    for view in found:
        lines += [*_head(view, width, now), *_fault(view, width), *_body(view, width), BLANK]
    return lines[:-1]


def _head(view: PageView, width: int, now: float) -> list[Line]:
    """Name and instance, then as many facts as fit, the age first."""
    name = f" {view.name}"
    where = f" · {view.instance}" if view.instance else ""
    stale = view.fault is not None
    facts = [_age(view, now)]
    if view.body is not None:
        code = view.body.status
        facts += [f"HTTP {code}", figures.duration(view.body.took), figures.size(view.body.size)]
        if view.before_at is not None:
            facts.append(f"compared with {figures.zoned(view.before_at)}")
    facts.append(view.url)
    while len(facts) > 1 and width_of(f"{name}{where}  {' · '.join(facts)}") > width:
        facts.pop()
    return [
        (
            Span(name, Role.STRONG),
            Span(where, Role.TEXT),
            Span(f"  {' · '.join(facts)}", Role.STALE if stale else Role.MUTED),
        )
    ]


def _age(view: PageView, now: float) -> str:
    return "never read" if view.taken_at is None else f"read {figures.age(now - view.taken_at)} ago"


def _fault(view: PageView, width: int) -> list[Line]:
    if view.fault is None:
        return []
    said = wrap(f"not read: {view.fault}", max(10, width - 5))
    lines: list[Line] = [(Span(f"   {part}", Role.UNKNOWN),) for part in said[:3]]
    if view.fault.hint:
        lines.append((Span(f"   {clip(view.fault.hint, width - 4)}", Role.MUTED),))
    return lines


def _body(view: PageView, width: int) -> Iterator[Line]:
    body = view.body
    if body is None:
        return
    if body.note:
        yield (Span(f"   {clip(body.note, width - 4)}", Role.UNKNOWN),)
    if not body.entries:
        yield (Span("   an empty page", Role.MUTED),)
    stale = view.fault is not None
    for entry, column in zip(body.entries, _columns(body), strict=True):
        yield from _entry(entry, column, width, stale=stale)
    if body.more:
        yield (Span(f"   and {body.more:,} more lines, which are not shown", Role.MUTED),)


def _columns(body: PageBody) -> list[int]:
    """For each entry, the width of the keys of its object."""
    widest: dict[str, int] = {}
    parents = [entry.path.rpartition("\0")[0] for entry in body.entries]
    for parent, entry in zip(parents, body.entries, strict=True):
        widest[parent] = max(widest.get(parent, 0), min(KEY_MOST, width_of(entry.key)))
    return [widest[parent] for parent in parents]


def _entry(entry: PageEntry, column: int, width: int, *, stale: bool) -> Iterator[Line]:
    gone = entry.change is Change.REMOVED
    mark = Span(f" {_MARKS[entry.change]} ", Role.STALE if stale else Role.ACCENT)
    indent = "  " * min(entry.depth, _DEEPEST)
    key = fit(entry.key, column) + "  " if entry.key else ""
    role = Role.STALE if stale else Role.FAINT if gone else _ROLES[entry.kind]
    if entry.change in (Change.ADDED, Change.CHANGED) and not stale:
        role = Role.ACCENT
    used = 3 + width_of(indent) + width_of(key)
    was = f"  was {clip(entry.before, 40)}" if entry.change is Change.CHANGED else ""
    pieces = wrap(entry.value, max(8, width - used - width_of(was)))
    if len(pieces) > VALUE_LINES:
        pieces = [*pieces[: VALUE_LINES - 1], f"{pieces[VALUE_LINES - 1][:-1]}…"]
    yield (
        mark,
        Span(f"{indent}{key}", Role.STALE if stale else Role.FAINT if gone else Role.MUTED),
        Span(pieces[0], role),
        Span(was, Role.STALE if stale else Role.MUTED),
    )
    for piece in pieces[1:]:
        yield (Span(" " * used), Span(piece, role))
