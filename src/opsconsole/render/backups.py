"""Backups of a service as rows.

Invariant: a damaged backup says why and never looks intact; only a compared backup is called
verified.
"""

from opsconsole.model.asked.backups import BackupState, BackupView
from opsconsole.model.operation import Refusal
from opsconsole.render.ink import figures
from opsconsole.render.ink.cells import BLANK, Align, Line, Role, Span, clip_line, fit, wrap
from opsconsole.render.ink.own_keys import key_of

_LOOKS = {
    BackupState.VERIFIED: ("●", Role.OK),
    BackupState.WHOLE: ("○", Role.TEXT),
    BackupState.DAMAGED: ("✖", Role.DOWN),
}
_CELLS = ((11, Align.LEFT), (19, Align.LEFT), (7, Align.RIGHT), (6, Align.RIGHT), (6, Align.RIGHT))


def header(width: int) -> Line:
    """The headings."""
    titles = ("state", "made", "age", "size", "files")
    cells = [
        Span(f" {fit(title, size, align)}", Role.HEADER)
        for title, (size, align) in zip(titles, _CELLS, strict=True)
    ]
    return clip_line((*cells, Span("  id", Role.HEADER)), width)


def row(backup: BackupView, width: int, now: float, *, checking: bool = False) -> Line:
    """State, when, age, size, files, id, and what is wrong with it or worth knowing."""
    glyph, role = _LOOKS[backup.state]
    state = "comparing …" if checking else f"{glyph} {backup.state.value}"
    head = Span(f" {fit(state, _CELLS[0][0])}", Role.ACCENT if checking else role)
    if backup.fault:
        said = (Span(f" {backup.id}  ", Role.MUTED), Span(backup.fault, Role.TEXT))
        return clip_line((head, *said), width)
    made, age = "when is not known", figures.UNKNOWN
    if backup.made_at is not None:
        made = f"{figures.date(backup.made_at)} {figures.clock(backup.made_at)}"
        age = figures.age(now - backup.made_at)
    texts = (made, age, figures.size(backup.size), str(min(backup.files, 999_999)))
    cells = [
        Span(f" {fit(text, size, align)}", Role.TEXT)
        for text, (size, align) in zip(texts, _CELLS[1:], strict=True)
    ]
    tail = (Span(f"  {backup.id}", Role.MUTED), Span(f"  {_note(backup)}", Role.MUTED))
    return clip_line((head, *cells, *tail), width)


def _note(backup: BackupView) -> str:
    said = [f"{backup.left_out} left out"] if backup.left_out else []
    if backup.unsteady:
        said.append("changed or ran while it was copied")
    return ", ".join(said)


def nothing(service: str, refusal: Refusal | None, width: int, *, loading: bool) -> list[Line]:
    """What an empty list says."""
    if loading:
        return [BLANK, (Span("  looking …", Role.MUTED),)]
    if refusal is not None:
        said = [refusal.message, refusal.lifted_by]
        lines = [part for text in said if text for part in wrap(text, max(10, width - 4))]
        roles = [Role.TEXT, *[Role.MUTED] * len(lines)]
        return [BLANK, *((Span(f"  {text}", roles[n]),) for n, text in enumerate(lines))]
    return [
        BLANK,
        (Span(f"  no backup of {service} yet", Role.TEXT),),
        (Span(f"  {key_of('backup', 'B')} opens the plan of one", Role.MUTED),),
    ]
