"""The whole wall as lines.

Invariant: environment, clock, age of the data and the counts are at the top of every view; the
present and the next view are named at the bottom; no line is wider than the wall and there are no
more lines than it is high. Widths and heights are cells.
"""

from collections.abc import Callable, Mapping
from typing import Final

from opsconsole.model.snapshot import Snapshot
from opsconsole.model.state import State
from opsconsole.render import overview as places
from opsconsole.render.automation.words import urgent
from opsconsole.render.ink.cells import BLANK, Line, Role, Span, clip_line, line_width, spread
from opsconsole.render.team.incidents import banner
from opsconsole.render.wall import red as wall_red
from opsconsole.render.wall import resources as wall_resources
from opsconsole.render.wall import views as wall_views
from opsconsole.render.wall.failing import named
from opsconsole.render.wall.head import counts, head, sources
from opsconsole.render.wall.scene import Scene, View, padded, shown_state

_Body = Callable[[Scene, Snapshot, int, int], list[Line]]

_BODIES: Final[Mapping[View, _Body]] = {
    View.OVERVIEW: wall_views.overview,
    View.SERVICES: wall_views.service_table,
    View.RESOURCES: wall_resources.resource_rows,
    View.TIMELINE: wall_views.timeline,
    View.RED: wall_red.body,
}
_TITLES: Final[Mapping[View, str]] = {
    View.RED: "what is red · the rotation waits",
    View.BLIND: "nothing is seen",
}
_TALL: Final = 22
_HIGH: Final = 32


def lines(scene: Scene, width: int, height: int) -> list[Line]:
    """The picture of ``scene``: at most ``height`` lines of at most ``width`` cells."""
    if places.too_small(width, height):
        return _smallest(scene, width, height)
    top = head(scene, width, height)
    if scene.trouble is None:
        tiles = counts(scene, width, _rows_of_counts(scene, height))
        top += [*([BLANK] if height >= 20 else []), *tiles] if tiles else []
    said = _incident(scene, width)
    top += [BLANK, said] if said else []
    top.append(BLANK)
    foot = _foot(scene, width)
    room = height - len(top) - len(foot)
    body = _body(scene, width, room)[:room]
    body += [BLANK] * (room - len(body))
    return [clip_line(line, width) for line in (*top, *body, *foot)]


def _incident(scene: Scene, width: int) -> Line:
    """The open incident, where there is one."""
    return banner(scene.snapshot.incidents, width, scene.now) if scene.snapshot else ()


def _rows_of_counts(scene: Scene, height: int) -> int:
    """About a quarter, less where something fails on a high wall: its name needs the room.

    In ASCII, which is taller, as much as the smallest figures need.
    """
    least = 8 if scene.ascii_only and height >= _TALL else 2
    services = scene.snapshot.services if scene.snapshot else ()
    ill = height >= _HIGH and any(shown_state(each) is not State.OK for each in services)
    return max(least, height * (16 if ill else 27) // 100)


def _body(scene: Scene, width: int, height: int) -> list[Line]:
    if scene.trouble is not None:
        return wall_views.blind(scene, scene.trouble, width, height)
    if scene.snapshot is None:
        return [(Span(" looking for the first time …", Role.MUTED),)]
    return _BODIES[scene.view](scene, scene.snapshot, width, height)


def _foot(scene: Scene, width: int) -> list[Line]:
    """Notices of the console itself, then the state of the rotation."""
    snapshot = scene.snapshot
    soon = urgent(snapshot.automation, scene.now) if snapshot else ()
    notices = (*soon, *snapshot.notices) if snapshot else ()
    out: list[Line] = [BLANK]
    if notices:
        notice = notices[int(scene.shown_for // max(1.0, scene.page_time)) % len(notices)]
        out.append((Span(f" ! {notice}", Role.UNKNOWN),))
    if scene.said:
        return [*out, padded((Span(f" {scene.said}", Role.ACCENT),), width)]
    left = _rotation(scene)
    right = sources(scene, width - line_width(left) - 4) if _sources_below(scene, width) else ()
    return [*out, spread(left, right, width)]


def _sources_below(scene: Scene, width: int) -> bool:
    return len(head(scene, width, 24)) == 1 and width < 110


def _rotation(scene: Scene) -> Line:
    if scene.view in _TITLES:
        return (Span(f" {_TITLES[scene.view]}", Role.STRONG),)
    spans: list[Span] = [Span(" ")]
    for view in scene.views:
        here = view is scene.view
        spans += [Span(view.value, Role.STRONG if here else Role.FAINT), Span("  ")]
    return tuple(spans)


def _smallest(scene: Scene, width: int, height: int) -> list[Line]:
    """The counts, the clock and names, for a very small terminal."""
    top = head(scene, max(width, 30), 1)
    snapshot = scene.snapshot
    if scene.trouble is None and snapshot is not None:
        said = _incident(scene, width)
        top += [said] if said else []
        top += counts(scene, width, min(4, height - 1))
        top += named(scene, snapshot, height - len(top))
    return [clip_line(line, width) for line in top][:height]


def shifted(picture: list[Line], across: int, down: int) -> list[Line]:
    """``picture`` shifted by that many cells, to avoid burn-in."""
    return [*[BLANK] * down, *((Span(" " * across), *line) if across else line for line in picture)]
