"""The wall's views while nothing is red, and its view when nothing is read.

Invariant: every view is made of the same rows as the panels of the console, so that both agree;
rows that do not fit take turns. ALL OK is shown only when every service was seen to be ok, no
active alert is left and every source answers.
"""

from collections.abc import Sequence
from typing import Final

from opsconsole.model.snapshot import ServiceView, Snapshot
from opsconsole.model.state import State
from opsconsole.render import operations
from opsconsole.render.ink import figures
from opsconsole.render.ink.cells import (
    BLANK,
    Align,
    Line,
    Role,
    Span,
    clip_line,
    fit,
    line_width,
    wrap,
)
from opsconsole.render.ink.matching import Filter
from opsconsole.render.service import columns as grid
from opsconsole.render.service.standing import Standing, standing
from opsconsole.render.service.table import Sort, alert_counts, order
from opsconsole.render.timeline import rows as events
from opsconsole.render.timeline.trouble import last_trouble
from opsconsole.render.timeline.words import words
from opsconsole.render.wall.alerts import blind_spots, ringing
from opsconsole.render.wall.before import latest
from opsconsole.render.wall.big_digits import columns_of, drawable, largest, rows_of
from opsconsole.render.wall.failing import failing
from opsconsole.render.wall.head import BIG_ROLES, WORD_ROLES
from opsconsole.render.wall.resources import resource_rows
from opsconsole.render.wall.scene import (
    STATES,
    Scene,
    Trouble,
    beside,
    enlarged,
    indented,
    joined,
    loud,
    named,
    padded,
    page_of,
    shown_state,
    spaced,
    tally,
    unseen,
)

_WINDOW: Final = 900.0
_LARGEST_TILE: Final = 4
_LEAST_TILE: Final = 14
"""Cells from one tile to the next, whatever it is called."""
_ROOMY: Final = 10
"""Height from which on a headline leaves enough room for what it is about."""
_MOST_DOINGS: Final = 4


# ---- overview ----


def overview(scene: Scene, snapshot: Snapshot, width: int, height: int) -> list[Line]:
    """The headline in large letters, what is not ok or every service, and the latest events."""
    rung = ringing(scene, snapshot, width, max(3, height // 4))
    spots = blind_spots(scene, snapshot, width, max(3, height // 4))
    acted = _under_way(scene, snapshot, width)
    room = height - sum(len(part) + 1 for part in (acted, rung, spots) if part)
    said, main = _verdict_and_services(scene, snapshot, width, room)
    left = room - len(main) - 1 - (len(said) + 1 if said else 0)
    return joined((said, main, acted, rung, spots, latest(scene, snapshot, width, left)))


def _verdict_and_services(
    scene: Scene, snapshot: Snapshot, width: int, height: int
) -> tuple[list[Line], list[Line]]:
    """The headline when all is ok; it is left out if the services' names need the room."""
    if not snapshot.services:
        hint = Span(" no services are configured: this host and its containers", Role.MUTED)
        return [(hint,)], resource_rows(scene, snapshot, width, height - 2)
    if any(shown_state(each) is not State.OK for each in snapshot.services):
        return [], failing(scene, snapshot, width, height)
    listed = order(snapshot, Sort.NAME, Filter())
    said = _headline(scene, snapshot, width, height // 3) if height >= _ROOMY else []
    if said and not _grid_scale(scene, listed, width, height - len(said) - 1):
        smaller = _headline(scene, snapshot, width, height // 5)
        if _grid_scale(scene, listed, width, height - len(smaller) - 1):
            said = smaller
    said = [*said, *_last_trouble(scene, snapshot, width)] if said else said
    return said, _grid(scene, listed, width, height - (len(said) + 1 if said else 0))


def _last_trouble(scene: Scene, snapshot: Snapshot, width: int) -> list[Line]:
    """When it last was not so; nothing where no trouble was seen."""
    last = last_trouble(snapshot.events)
    if last is None:
        return []
    said = f" last trouble {figures.age(scene.now - last.at)} ago: {last.service}, {words(last)}"
    return [BLANK, clip_line((Span(said, Role.MUTED),), width)]


def _under_way(scene: Scene, snapshot: Snapshot, width: int) -> list[Line]:
    """Operations and degradations of services, and by whom."""
    doing = operations.activities(snapshot, scene.now)
    return [
        clip_line((Span(f" {name}  ", Role.STRONG), Span(text, Role.ACCENT)), width)
        for name, text in sorted(doing.items())[:_MOST_DOINGS]
    ]


def _headline(scene: Scene, snapshot: Snapshot, width: int, height: int) -> list[Line]:
    text, state = headline(snapshot, scene.now)
    scale = largest(text, width, height, ascii_only=scene.ascii_only)
    role = BIG_ROLES[state] if scale else WORD_ROLES[state]
    return indented(enlarged(text, role, scale, ascii_only=scene.ascii_only))


def headline(snapshot: Snapshot, now: float) -> tuple[str, State]:
    """One headline for everything: the worst that applies."""
    counts, words = tally(snapshot.services), named(snapshot.services)
    for state in STATES[:-1]:
        if counts[state]:
            return f"{counts[state]} {words[state]}", state
    rung = len(loud(snapshot))
    if rung:
        return f"{rung} alert{'s' if rung > 1 else ''}", State.DEGRADED
    if unseen(snapshot, now):
        return "not all seen", State.UNKNOWN
    if not snapshot.services:
        return "no services", State.UNKNOWN
    return "all ok", State.OK


def _grid(scene: Scene, listed: Sequence[ServiceView], width: int, height: int) -> list[Line]:
    """Every service, in columns, as large as possible with all of them visible."""
    if not listed or height < 1:
        return []
    scale = _grid_scale(scene, listed, width, height)
    lines = _columns(scene, listed, width, height, scale)
    if lines:
        return lines
    across = max(1, width // _tile_width(listed, 0))
    shown, more = page_of(listed, across * max(1, height - 1), scene)
    return [*_columns(scene, shown, width, height, 0), (Span(f"   {more}", Role.MUTED),)]


def _grid_scale(scene: Scene, listed: Sequence[ServiceView], width: int, height: int) -> int:
    """The largest scale at which every service is visible; 0 also if none fits all."""
    if len(listed) > width // _LEAST_TILE * height:
        return 0
    for scale in range(_LARGEST_TILE, 0, -1):
        if _columns(scene, listed, width, height, scale):
            return scale
    return 0


def _tile_width(listed: Sequence[ServiceView], scale: int) -> int:
    """Minimum cells from one column of the grid to the next."""
    names = max(columns_of(each.name, scale) for each in listed)
    return names + (10 * scale + 4 if scale else 13)


def _columns(
    scene: Scene, listed: Sequence[ServiceView], width: int, height: int, scale: int
) -> list[Line]:
    """The grid at one scale; [] if it does not fit."""
    if not listed or (scale and not all(drawable(each.name) for each in listed)):
        return []
    wide = _tile_width(listed, scale)
    down = -(-len(listed) // max(1, width // wide))
    rows = rows_of(scale, ascii_only=scene.ascii_only)
    gap = 1 if down * (rows + 1) - 1 <= height else 0
    touching = gap == 0 and scale > 0 and scale % 2 == 0  # an odd scale leaves half a row
    if wide > width or touching or down * (rows + gap) - gap > height:
        return []
    across = -(-len(listed) // down)
    lines: list[Line] = []
    for column in range(across):
        tiles: list[Line] = []
        for each in listed[column * down : (column + 1) * down]:
            tiles += [*_tile(each, scene, wide, scale), *[BLANK] * gap]
        lines = beside(lines, tiles, column * (width // across)) if lines else tiles
    return lines[: down * (rows + gap) - gap]


def _tile(service: ServiceView, scene: Scene, wide: int, scale: int) -> list[Line]:
    """Glyph and name, with the latency at the right if written as plain text."""
    state = shown_state(service)
    if scale == 0:
        p95 = fit(figures.duration(service.latency.p95), 7, Align.RIGHT)
        mark = Span(f" {standing(service).glyph} ", WORD_ROLES[state])
        return [(mark, Span(fit(service.name, wide - 13), Role.TEXT), Span(p95, Role.MUTED))]
    marks = enlarged(standing(service).glyph, BIG_ROLES[state], scale, ascii_only=scene.ascii_only)
    name = enlarged(service.name, Role.TEXT, scale, ascii_only=scene.ascii_only)
    return beside(indented(marks), name, 1 + 10 * scale)


# ---- services, timeline ----


def service_table(scene: Scene, snapshot: Snapshot, width: int, height: int) -> list[Line]:
    """The services table of the console, failing first."""
    listed = order(snapshot, Sort.STATE, Filter())
    longest = max((len(each.name) for each in listed), default=20)
    columns = grid.columns_for(width, longest, _WINDOW)
    counts = alert_counts(snapshot.alerts)
    doing = operations.activities(snapshot, scene.now)
    context = grid.Context(scene.now, _WINDOW, counts, doing)
    head = grid.header(columns, Sort.STATE)
    roomy = len(listed) * 2 + 1 <= height

    def row(service: ServiceView) -> Line:
        return grid.row(service, columns, context)

    return [head, *([BLANK] if roomy else []), *spaced(listed, row, height - 1 - roomy, scene)]


def timeline(scene: Scene, snapshot: Snapshot, width: int, height: int) -> list[Line]:
    """Events, the latest first."""
    rows = [
        events.row(each, width, scene.now).line
        for each in events.latest(snapshot.events)[: 4 * height]
    ]
    if not rows:
        return [(Span(" nothing has happened since the wall was started", Role.MUTED),)]
    roomy = len(rows) * 2 - 1 <= height
    return spaced(rows, lambda row: row, height, scene) if roomy else rows[:height]


# ---- nothing is seen ----


def blind(scene: Scene, trouble: Trouble, width: int, height: int) -> list[Line]:
    """The engine has stopped: shown as large as possible, with what is done about it."""
    age = figures.age(scene.now - trouble.since)
    text = f"no data {age}".upper()
    scale = largest(text, width - 4, height // 2, ascii_only=scene.ascii_only)
    big = enlarged(text, Role.BAR_DOWN, scale, ascii_only=scene.ascii_only)
    side = Span("  ", Role.BAR_DOWN)
    wide = max(line_width(line) for line in big)
    lines = indented((side, *padded(line, wide, Role.BAR_DOWN), side) for line in big)
    at = f"{figures.zoned_when(trouble.since, scene.now)}"
    lines += [BLANK, (Span(f" nothing is read since {at}", Role.STRONG),)]
    lines += [(Span(f" {part}", Role.TEXT),) for part in wrap(trouble.reason, width - 2)[:3]]
    tries = f" (attempt {trouble.attempts + 1})" if trouble.attempts else ""
    again = f"in {figures.age(trouble.again_in)}" if trouble.again_in >= 1 else "at this moment"
    lines.append((Span(f" reading is started again {again}{tries}", Role.MUTED),))
    if scene.snapshot is not None and len(lines) + 3 <= height:
        counts, words = tally(scene.snapshot.services), named(scene.snapshot.services)
        called = {each: words.get(each, Standing(each.value)) for each in STATES}
        seen = "  ".join(f"{called[each].glyph} {counts[each]} {called[each]}" for each in STATES)
        lines += [BLANK, (Span(f" last seen: {seen}", Role.STALE),)]
    return lines
