"""What is in a group, or in a row of services that are alike, for the panel of what is selected.

Invariant: at most as many lines as there is room for; what is not well comes first, and what does
not fit is counted.
"""

from collections.abc import Sequence

from opsconsole.model.snapshot import ServiceView
from opsconsole.render.fleet.rows import Alike, Heading
from opsconsole.render.ink.cells import Line, Role, Span, fit, titled, wrap
from opsconsole.render.ink.cuts import cut_name
from opsconsole.render.service.standing import Standing, seen_standing
from opsconsole.render.service.why import why

_NAME = 20


def members_lines(row: Heading | Alike, width: int, height: int) -> list[Line]:
    """The title, then who is in it."""
    match row:
        case Heading():
            title, trouble, well = row.group.name, row.group.trouble, row.group.well
        case Alike():
            title, trouble, well = f"{len(row.services)} services", row.services, ()
    lines: list[Line] = [titled(title, width)]
    room = max(0, height - 1)
    worst = sorted(trouble, key=lambda each: -seen_standing(each).urgency)
    shown = worst if len(worst) <= room else worst[: max(0, room - 1)]
    lines += [_member(each, width) for each in shown]
    if len(shown) < len(worst):
        lines.append((Span(f" and {len(worst) - len(shown)} more", Role.MUTED),))
        return lines[:height]
    return [*lines, *_names(well, width)][:height]


def _member(service: ServiceView, width: int) -> Line:
    stands = seen_standing(service)
    said = why(service, max(12, width - _NAME - 4))
    return (
        Span(f" {stands.glyph} ", stands.role),
        Span(fit(cut_name(service.name, _NAME), _NAME), Role.STRONG),
        Span(f" {said}"),
    )


def _names(well: Sequence[ServiceView], width: int) -> list[Line]:
    """The names of those that are ok, beside one another."""
    if not well:
        return []
    names = wrap(", ".join(sorted(each.name for each in well)), max(8, width - 4))
    return [
        (Span(f" {Standing.OK.glyph if number == 0 else ' '} ", Role.OK), Span(text, Role.MUTED))
        for number, text in enumerate(names)
    ]
