"""What the wall shows while something is red.

Invariant: failing services come first, then what changed before, alerts, and sources that do not
answer.
"""

from typing import Final

from opsconsole.model.snapshot import Snapshot
from opsconsole.render.ink.cells import Line
from opsconsole.render.ink.matching import Filter
from opsconsole.render.service import table as services
from opsconsole.render.wall.alerts import blind_spots, ringing
from opsconsole.render.wall.before import came_before
from opsconsole.render.wall.failing import failing, name_sizes
from opsconsole.render.wall.scene import Scene, beside, joined

_WIDE: Final = 170


def body(scene: Scene, snapshot: Snapshot, width: int, height: int) -> list[Line]:
    """Failing services with the rest beside them, or below if that allows larger letters."""
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
