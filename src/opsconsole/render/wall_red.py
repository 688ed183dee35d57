"""What the wall shows while something is red: failing services, alerts, and what is not seen.

Invariant: a failing service is shown with its state, its reason and since when, the cause before
its symptoms; those that do not fit are counted, and come in turn.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from opsconsole.model.alerts import Alert, AlertState, Severity
from opsconsole.model.snapshot import ServiceView, Snapshot
from opsconsole.model.state import State
from opsconsole.render import alerts, figures, operations, services
from opsconsole.render.alert_folding import fold_rows
from opsconsole.render.big_digits import columns_of, drawable, rows_of
from opsconsole.render.cells import BLANK, Line, Role, Span, clip, fit, line_width
from opsconsole.render.matching import Filter
from opsconsole.render.wall_before import came_before
from opsconsole.render.wall_head import BIG_ROLES, WORD_ROLES
from opsconsole.render.wall_scene import (
    Scene,
    beside,
    enlarged,
    indented,
    loud,
    padded,
    page_of,
    shown_state,
    unseen,
)

_WIDE: Final = 170
_LARGEST_NAME: Final = 5
_NEVER_ALONE: Final = 3
"""The scale of a name from which its reason is in big letters too."""
_VERY_WIDE: Final = 300
_TITLE_AND_GAP: Final = 2
_CHIP: Final = 12


def body(scene: Scene, snapshot: Snapshot, width: int, height: int) -> list[Line]:
    """Failing services with the rest beside them, or below where that leaves larger letters."""
    listed = services.order(snapshot, services.Sort.STATE, Filter(), failing_only=True)
    spots = blind_spots(scene, snapshot, width, max(3, height // 4))
    rung = ringing(scene, snapshot, width, max(3, height // 3))
    room = height - sum(len(part) + 1 for part in (spots, rung) if part)
    left = width * 3 // 5
    first = listed[0].name if listed else ""
    below, aside = (name_sizes(scene, listed, *each) for each in ((width, room), (left, height)))
    if width < _WIDE or below > aside:
        lines = failing(scene, snapshot, width, room)
        before = came_before(scene, snapshot, first, width, room - len(lines) - 1)
        return joined((lines, before, rung, spots))
    right = width - left - 4
    rung = ringing(scene, snapshot, right, height - 6)
    spots = blind_spots(scene, snapshot, right, height - len(rung) - 1)
    used = len(rung) + len(spots) + 2
    before = came_before(scene, snapshot, first, right, height - used)
    return beside(failing(scene, snapshot, left, height), joined((before, rung, spots)), left + 4)


def joined(parts: Iterable[list[Line]]) -> list[Line]:
    """The parts that there are, with a blank line between them."""
    lines: list[Line] = []
    for part in parts:
        if part:
            lines += [*([BLANK] if lines else []), *part]
    return lines


# ---- services ----


def failing(scene: Scene, snapshot: Snapshot, width: int, height: int) -> list[Line]:
    """All that are not ok, as large as lets all of them be seen."""
    listed = services.order(snapshot, services.Sort.STATE, Filter(), failing_only=True)
    if not listed:
        return []
    sizes = name_sizes(scene, listed, width, height)
    if sizes[0]:
        return _cards(scene, listed, width, height, sizes)
    for rows in (3, 2):
        if len(listed) * rows - (rows == 3) <= height:
            entries = (_entry(each, scene, width - 1, rows) for each in listed)
            return indented(line for entry in entries for line in entry)
    shown, more = page_of(listed, height if len(listed) <= height else height - 1, scene)
    lines = indented(_row(each, scene, width - 1) for each in shown)
    return [*lines, (Span(f"   {more}", Role.STRONG),)] if more else lines


def name_sizes(
    scene: Scene, listed: Sequence[ServiceView], width: int, height: int
) -> tuple[int, int]:
    """The largest scales of name and reason at which all fit; 0 where they are written plainly."""
    if listed and all(drawable(each.name) for each in listed):
        for scale in range(_LARGEST_NAME, 0, -1):
            widest = max(columns_of(each.name, scale) for each in listed)
            least = 1 if scale >= _NEVER_ALONE else 0
            for small in range(scale // 2, least - 1, -1):
                rows = len(listed) * _card_rows(scene, scale, small)
                if rows <= height and widest <= width - _beside(scale):
                    return scale, small
    return 0, 0


def _card_rows(scene: Scene, scale: int, small: int) -> int:
    """Rows of a card without the gap below it."""
    ascii_only = scene.ascii_only
    apart = 1 if small else 0
    return rows_of(scale, ascii_only=ascii_only) + apart + rows_of(small, ascii_only=ascii_only)


def _beside(scale: int) -> int:
    """Cells from the edge to a card's name."""
    return columns_of("?", scale) + 4 + 3 + 1


def _cards(
    scene: Scene, listed: Sequence[ServiceView], width: int, height: int, sizes: tuple[int, int]
) -> list[Line]:
    """Each with its name in big letters, apart from each other as far as there is room."""
    scale, small = sizes
    rows = _card_rows(scene, scale, small)
    gap = min(2, (height - rows * len(listed)) // max(1, len(listed) - 1))
    at = _beside(scale) - 1
    lines: list[Line] = []
    for each in listed:
        name = enlarged(each.name, Role.STRONG, scale, ascii_only=scene.ascii_only)
        said = _said(each, scene, width - _beside(scale), small)
        below = [BLANK, *said] if small else said
        lines += beside(_slab(each, scene, at - 3, scale), [*name, *below], at)
        lines += [BLANK] * gap
    return indented(lines[: len(lines) - gap])


def _slab(service: ServiceView, scene: Scene, wide: int, scale: int) -> list[Line]:
    """The state's mark on a ground of its own, and under it the word."""
    state = shown_state(service)
    role = WORD_ROLES[state] if state is State.DOWN else Role.TEXT
    mark = enlarged(state.glyph, BIG_ROLES[state], scale, ascii_only=scene.ascii_only)
    side = Span("  ", role)
    lines = [(side, *padded(line, wide - 4, role), side) for line in mark]
    word = services.shown_word(service).upper()
    before = (wide - len(word)) // 2
    middle = (Span(" " * before, role), Span(word, WORD_ROLES[state]))
    return [*lines, padded(middle, wide, role)]


def _chip(service: ServiceView) -> Line:
    """Glyph and word, on a ground where it is down."""
    state = shown_state(service)
    role = WORD_ROLES[state]
    ground = role if state is State.DOWN else Role.TEXT
    word = f"{state.glyph} {services.shown_word(service).upper()}"
    return padded((Span(" ", ground), Span(word, role)), _CHIP, ground)


def _said(service: ServiceView, scene: Scene, width: int, scale: int) -> list[Line]:
    """For how long, and why; in big letters where all of it can be."""
    reason = services.reason_of(service)
    text = f"{figures.age(scene.now - service.since)}  {reason}".rstrip()
    why = _why(service, scene)
    if scale and len(why) == 1 and drawable(text) and columns_of(text, scale) <= width:
        return enlarged(text, Role.TEXT, scale, ascii_only=scene.ascii_only)
    return [padded((Span(f"{_since(service, scene)}  ", Role.MUTED), *why), width)]


def _why(service: ServiceView, scene: Scene) -> Line:
    """What is being done about it, where something is, and its reason."""
    reason = Span(services.reason_of(service), Role.TEXT)
    doing = operations.activities(scene.snapshot, scene.now).get(service.name)
    return (reason,) if doing is None else (Span(f"{doing}  ", Role.ACCENT), reason)


def _since(service: ServiceView, scene: Scene) -> str:
    at = figures.when(service.since, scene.now).strip()
    zone = "Z" if ":" in at else ""
    return f"{figures.age(scene.now - service.since)} since {at}{zone}"


def _entry(service: ServiceView, scene: Scene, width: int, rows: int) -> list[Line]:
    """Two lines, and a blank one where there are three."""
    first = (
        *_chip(service),
        Span("  "),
        Span(service.name, Role.STRONG),
        Span(f"   {_since(service, scene)}", Role.MUTED),
        Span(_copies(service), Role.MUTED),
    )
    second = padded((Span(" " * (_CHIP + 2)), *_why(service, scene)), width)
    return [first, second, BLANK][:rows]


def _copies(service: ServiceView) -> str:
    total = len(service.instances)
    return f"   {service.ok_instances} of {total} ok" if total > 1 else ""


def _row(service: ServiceView, scene: Scene, width: int) -> Line:
    """All in one line."""
    age = figures.age(scene.now - service.since)
    name = min(28, max(12, width // 4))
    line = (
        *_chip(service),
        Span("  "),
        Span(fit(service.name, name), Role.STRONG),
        Span(f" {age:>6}  ", Role.MUTED),
        *_why(service, scene),
    )
    return padded(line, width)


# ---- alerts ----


def ringing(scene: Scene, snapshot: Snapshot, width: int, height: int) -> list[Line]:
    """Loud alerts with their ages, symptoms folded under their cause, and how many are quiet."""
    folded = fold_rows(loud(snapshot))
    quiet = sum(each.quiet and each.state is AlertState.FIRING for each in snapshot.alerts)
    hushed = f"{quiet} silenced or acknowledged" if quiet else ""
    if not folded:
        return [_title("NO LOUD ALERT", hushed, width)] if quiet else []
    if height < _TITLE_AND_GAP:
        return []
    count = len(loud(snapshot))
    title = f"{count} ALERTS" if count > 1 else "1 ALERT"
    large = [_large_alert(each.alert, scene, width) for each in folded] if _huge(width) else []
    if large and all(large) and len(large) * len(large[0]) <= height - 1:
        return [_title(title, hushed, width), *(line for part in large for line in part)]
    shown, more = page_of(folded, height - 1, scene)
    rows = [alerts.row(each.alert, width, scene.now, folded=each.folded) for each in shown]
    note = " · ".join(part for part in (more, hushed) if part)
    return [_title(title, note, width), *(padded(row.line, width) for row in rows)]


def _huge(width: int) -> bool:
    return width >= _VERY_WIDE


def _large_alert(alert: Alert, scene: Scene, width: int) -> list[Line]:
    """Age, name and service in big letters; nothing where they do not fit."""
    critical = alert.severity is Severity.CRITICAL
    state = State.DOWN if critical else State.DEGRADED
    text = f"{figures.age(scene.now - alert.since)} {alert.name} {alert.service}".rstrip()
    whole = f"{state.glyph} {text}"
    if not drawable(text) or columns_of(whole, 1) > width - 2:
        return []
    mark = enlarged(state.glyph, BIG_ROLES[state], 1, ascii_only=scene.ascii_only)
    said = enlarged(text, Role.TEXT, 1, ascii_only=scene.ascii_only)
    return indented(beside(mark, said, columns_of(state.glyph, 1) + 3))


def _title(text: str, note: str, width: int) -> Line:
    tail = (Span(f"   {note}", Role.MUTED),) if note else ()
    return padded((Span(f" {text}", Role.TITLE), *tail), width)


# ---- what is not seen ----


def blind_spots(scene: Scene, snapshot: Snapshot, width: int, height: int) -> list[Line]:
    """Sources that cannot be seen, since when and why."""
    hidden = unseen(snapshot, scene.now)
    if not hidden or height < _TITLE_AND_GAP:
        return []
    shown, more = page_of(hidden, height - 1, scene)
    lines = [_title("CANNOT SEE", more, width)]
    for source in shown:
        from_when = source.since if source.fault is not None else source.taken_at
        age = f"for {figures.age(scene.now - (from_when or source.since))}"
        why = str(source.fault) if source.fault is not None else "its next reading is overdue"
        mark = Span(f"▲ {clip(source.name, 16)}", Role.DEGRADED)
        head = (*padded((Span(" "), mark), 20), Span(f"{age:<11} ", Role.STRONG))
        room = width - line_width(head)
        lines.append((*head, Span(clip(why, max(0, room)), Role.TEXT)))
    return lines
