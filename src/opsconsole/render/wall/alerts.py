"""Alerts on the wall, and the sources that do not answer.

Invariant: active alerts are shown with their age, silenced ones are counted; a source that does not
answer is named with the reason and since when.
"""

from typing import Final

from opsconsole.model.alerting.alerts import Alert, AlertState, Severity
from opsconsole.model.snapshot import Snapshot, SourceView
from opsconsole.model.state import State
from opsconsole.render.alerts import rows as alerts
from opsconsole.render.alerts.folding import fold_rows
from opsconsole.render.ink import figures
from opsconsole.render.ink.cells import Line, Role, Span, clip, line_width, width_of
from opsconsole.render.wall.big_digits import columns_of, drawable
from opsconsole.render.wall.head import BIG_ROLES
from opsconsole.render.wall.scene import (
    Scene,
    beside,
    enlarged,
    indented,
    loud,
    padded,
    page_of,
    unseen,
)

_LARGE_FROM: Final = 300
"""Width in cells from which alerts are in large letters."""
_LEAST_ROWS: Final = 2


def ringing(scene: Scene, snapshot: Snapshot, width: int, height: int) -> list[Line]:
    """Active alerts with their ages, symptoms folded under their cause, and how many are
    silenced."""
    folded = fold_rows(loud(snapshot))
    quiet = sum(each.quiet and each.state is AlertState.FIRING for each in snapshot.alerts)
    hushed = f"{quiet} silenced or acknowledged" if quiet else ""
    if not folded:
        return [_title("NO ACTIVE ALERT", hushed, width)] if quiet else []
    if height < _LEAST_ROWS:
        return []
    count = len(loud(snapshot))
    title = f"{count} ALERTS" if count > 1 else "1 ALERT"
    large = [_large_alert(each.alert, scene, width) for each in folded]
    if all(large) and len(large) * len(large[0]) <= height - 1:
        return [_title(title, hushed, width), *(line for part in large for line in part)]
    shown, more = page_of(folded, height - 1, scene)
    rows = [alerts.row(each.alert, width, scene.now, folded=each.folded) for each in shown]
    note = " · ".join(part for part in (more, hushed) if part)
    return [_title(title, note, width), *(padded(row.line, width) for row in rows)]


def _large_alert(alert: Alert, scene: Scene, width: int) -> list[Line]:
    """Age, name and service in big letters; [] if the wall is too small for that."""
    critical = alert.severity is Severity.CRITICAL
    state = State.DOWN if critical else State.DEGRADED
    lasts = figures.lasting(scene.now - alert.since, at_least=alert.at_least)
    text = f"{lasts} {alert.name} {alert.service}".rstrip()
    whole = f"{state.glyph} {text}"
    if width < _LARGE_FROM or not drawable(text) or columns_of(whole, 1) > width - 2:
        return []
    mark = enlarged(state.glyph, BIG_ROLES[state], 1, ascii_only=scene.ascii_only)
    said = enlarged(text, Role.TEXT, 1, ascii_only=scene.ascii_only)
    return indented(beside(mark, said, columns_of(state.glyph, 1) + 3))


def blind_spots(scene: Scene, snapshot: Snapshot, width: int, height: int) -> list[Line]:
    """Sources that do not answer, since when and why."""
    hidden = unseen(snapshot, scene.now)
    if not hidden or height < _LEAST_ROWS:
        return []
    shown, more = page_of(hidden, height - 1, scene)
    lines = [_title("CANNOT SEE", more, width)]
    for source in shown:
        from_when = source.since if source.fault is not None else source.taken_at
        age = f"for {figures.age(scene.now - (from_when or source.since))}"
        mark = Span(f"▲ {clip(source.name, 16)}", Role.DEGRADED)
        head = (*padded((Span(" "), mark), 20), Span(f"{age:<11} ", Role.STRONG))
        room = width - line_width(head)
        lines.append((*head, Span(clip(_reason(source, room), max(0, room)), Role.TEXT)))
    return lines


def _reason(source: SourceView, room: int) -> str:
    """Why nothing is read; with its address whole where the sentence does not fit."""
    fault = source.fault
    if fault is None:
        return "its next reading is overdue"
    said, where = str(fault), source.endpoint.partition("://")[2] or source.endpoint
    return said if width_of(said) <= room or not where else f"{fault.kind.value}, {where}"


def _title(text: str, note: str, width: int) -> Line:
    tail = (Span(f"   {note}", Role.MUTED),) if note else ()
    return padded((Span(f" {text}", Role.TITLE), *tail), width)
