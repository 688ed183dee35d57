"""What came before: changes that may have caused what is red, or the latest events.

Invariant: shown only if rows are left over; a cause is named only if one is likely.
"""

from functools import lru_cache
from typing import Final

from opsconsole.engine.past.what_changed import before_service
from opsconsole.model.causes import Changes
from opsconsole.model.snapshot import Snapshot
from opsconsole.render.incident import causes_page
from opsconsole.render.ink.cells import Line, Role, Span, clip_line
from opsconsole.render.timeline import rows as events
from opsconsole.render.wall.scene import Scene

_LEAST_ROWS: Final = 2
_MOST_CAUSES: Final = 4
_LEAST_EVENTS: Final = 4
_MOST_EVENTS: Final = 6


def came_before(scene: Scene, snapshot: Snapshot, name: str, width: int, height: int) -> list[Line]:
    """The likeliest causes of ``name``'s trouble; without any, the latest events."""
    if height < _LEAST_ROWS:
        return []
    changes = _changes(snapshot, name) if name else None
    if changes is None or not changes.likely:
        return latest(scene, snapshot, width, height)
    reason = causes_page.reason_width(changes, width)
    rows = [
        causes_page.row(str(place), cause, place, width, scene.now, reason)
        for place, cause in enumerate(changes.likely[: min(_MOST_CAUSES, height - 1)], 1)
    ]
    title = Span(f" WHAT CHANGED BEFORE {name}", Role.TITLE)
    return [(title,), *(clip_line(row, width) for row in rows)]


@lru_cache(maxsize=2)
def _changes(snapshot: Snapshot, name: str) -> Changes:
    return before_service(snapshot, name)


def latest(scene: Scene, snapshot: Snapshot, width: int, height: int) -> list[Line]:
    """The latest events if there is room; none if there is little."""
    happened = events.latest(snapshot.events)[: min(_MOST_EVENTS, height - 1)]
    if height < _LEAST_EVENTS or not happened:
        return []
    rows = [events.row(each, width, scene.now).line for each in happened]
    return [(Span(" RECENT", Role.TITLE),), *rows]
