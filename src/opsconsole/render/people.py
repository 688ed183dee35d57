"""Who is here, in the header, on rows and as a list.

Invariant: people are counted, not their consoles; a row names others, never the one who looks.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from opsconsole.model.people import Person, Present, PresentKind, at_service, people
from opsconsole.render.ink import figures
from opsconsole.render.ink.cells import BLANK, Line, Role, Span, clip_line, fit

LOOKS: Final = "◇"
"""Stands before who looks at something."""

_NAMED: Final = 2
"""So many are named; of more, the others are counted."""


def counted(present: Iterable[Present]) -> str:
    """``3 people``; '' where nobody else is here."""
    count = len(people(present))
    return f"{count} people" if count > 1 else ""


def names(persons: Sequence[Person]) -> str:
    """``kim@bastion-1 and ana@bastion-2``; of more than two, how many more."""
    shown = [str(each) for each in persons[:_NAMED]]
    more = len(persons) - len(shown)
    return f"{', '.join(shown)} and {more} more" if more else " and ".join(shown)


def mark(present: Iterable[Present], service: str) -> str:
    """``◇ ana`` for a row, which has room for little; '' where nobody else looks."""
    who = list(dict.fromkeys(each.who for each in at_service(present, service)))
    more = f" +{len(who) - _NAMED}" if len(who) > _NAMED else ""
    return f"{LOOKS} {', '.join(who[:_NAMED])}{more}" if who else ""


def looking(present: Iterable[Present], service: str) -> str:
    """``kim@bastion-1 is looking at this``; '' where nobody else is."""
    persons = at_service(present, service)
    if not persons:
        return ""
    return f"{names(persons)} {'is' if len(persons) == 1 else 'are'} looking at this"


def row(present: Present, width: int, now: float) -> Line:
    """``kim@bastion-1  pts/3  console  12m00s  looks at shop``."""
    room = max(12, width // 4)
    where = f"looks at {present.service}" if present.service else "looks at all"
    if present.kind is not PresentKind.CONSOLE:
        where = "looks by itself"
    own = " (this one)" if present.own else ""
    return clip_line(
        (
            Span(f" {fit(str(present.person), room)} ", Role.STRONG),
            Span(f"{fit(present.tty or '–', 8)} ", Role.MUTED),
            Span(f"{present.kind.value:<8} {figures.age(now - present.since):>7}  ", Role.MUTED),
            Span(f"{where}{own}"),
        ),
        width,
    )


def listed(present: Sequence[Present], width: int, now: float) -> list[Line]:
    """Every console that is open, people first."""
    kinds = list(PresentKind)
    ordered = sorted(present, key=lambda each: (kinds.index(each.kind), each.who, each.since))
    if not ordered:
        return [BLANK, (Span("  it is not known who is here: the state is not read", Role.MUTED),)]
    return [row(each, width, now) for each in ordered]
