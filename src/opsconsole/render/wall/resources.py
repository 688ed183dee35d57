"""The hosts and the replicas, on the wall.

Invariant: an unknown figure is a dash, and an old one is faint.
"""

from typing import Final

from opsconsole.model.snapshot import Snapshot
from opsconsole.render import resources
from opsconsole.render.ink import figures
from opsconsole.render.ink.cells import Line, Role, Span, clip
from opsconsole.render.wall.big_digits import largest
from opsconsole.render.wall.scene import (
    Scene,
    beside,
    enlarged,
    indented,
    joined,
    padded,
    spaced,
)

_TWO_COLUMNS: Final = 150
_FOUR_FIGURES: Final = 110


def resource_rows(scene: Scene, snapshot: Snapshot, width: int, height: int) -> list[Line]:
    """A single host in large figures if there is room, and the replicas below it."""
    large = _host_figures(scene, snapshot, width, height // 2)
    rows = resources.rows(snapshot, (width - 4) // 2 if width >= _TWO_COLUMNS else width, scene.now)
    kept = [each.line for each in rows if not (large and each.key.startswith("host:"))]
    if not kept and not large:
        return [(Span(" neither this host nor an engine is read", Role.MUTED),)]
    room = height - len(large) - (1 if large else 0)
    if width < _TWO_COLUMNS or len(kept) <= room // 2:
        return joined((large, spaced(kept, _itself, room, scene)))
    half = -(-len(kept) // 2)
    parts = [spaced(part, _itself, room, scene) for part in (kept[:half], kept[half:])]
    return joined((large, beside(parts[0], parts[1], width // 2 + 2)))


def _host_figures(scene: Scene, snapshot: Snapshot, width: int, height: int) -> list[Line]:
    """Shares of processor, memory and the fullest disks, each above its label."""
    if len(snapshot.hosts) != 1:
        return []
    (seen,) = snapshot.hosts
    host = seen.host
    memory = host.memory_used / host.memory_total if host.memory_total else None
    parts = [
        ("cpu", host.cpu, f"load {host.load[0]:.2f}"),
        ("memory", memory, _of(host.memory_used, host.memory_total)),
    ]
    disks = sorted(host.disks, key=lambda each: -each.share)[: 2 if width >= _FOUR_FIGURES else 1]
    parts += [(each.mount, each.share, _of(each.used, each.total)) for each in disks]
    wide = (width - 1) // len(parts)
    scale = largest("100%", wide - 4, height - 2, ascii_only=scene.ascii_only)
    if scale == 0:
        return []
    stale = seen.stale(scene.now)
    lines: list[Line] = []
    for at, (name, share, note) in enumerate(parts):
        role = Role.FAINT if stale else Role.STRONG
        said = figures.percent(share).replace(figures.UNKNOWN, "-")
        figure = enlarged(said, role, scale, ascii_only=scene.ascii_only)
        under = (Span(f"{name}  ", Role.TEXT), Span(clip(note, wide - 4), Role.MUTED))
        lines = beside(lines, [*figure, padded(under, wide - 2)], at * wide)
    return indented(lines)


def _of(used: int, total: int) -> str:
    return f"{figures.size(used)} of {figures.size(total)}"


def _itself(line: Line) -> Line:
    return line
