"""Partial updates that send only the changed cells, and each style once.

Invariant: the output covers every dirty span and nothing else. Textual 8.2.8 crops a partial update
at its right end only, so that each widget's line is written from its left edge, and repeats the
colours for every segment; over a slow link that is most of the traffic. Here the pieces of an
update are written style by style: order on the screen does not matter within one update.
"""

from functools import lru_cache
from typing import NamedTuple

from rich.cells import cell_len
from rich.color import ColorSystem
from rich.console import Console
from rich.style import Style
from textual._compositor import ChopsUpdate, Compositor
from textual.strip import Strip

_MARK = "x"
_RESET = "\x1b[0m"


class Piece(NamedTuple):
    """Text at a place, cells counted from 0."""

    y: int
    x: int
    text: str


class PreciseUpdate(ChopsUpdate):
    """A ``ChopsUpdate`` cropped at both ends and sorted by style."""

    def render_segments(self, console: Console) -> str:
        """The bytes that repaint the spans."""
        looks: dict[str, list[Piece]] = {}
        for y, start, end in self.spans:
            for right, (x, strip) in zip(self.chop_ends[y], self.chops[y].items(), strict=False):
                if strip is None or x >= end or right <= start:
                    continue
                left = max(x, start)
                part: Strip = strip.crop(left - x, min(right, end) - x)
                for segment in part:
                    if segment.text:
                        look = _look(segment.style, console._color_system)
                        looks.setdefault(look, []).append(Piece(y, left, segment.text))
                    left += cell_len(segment.text)
        return "".join(_written(look, pieces) for look, pieces in looks.items())


@lru_cache(maxsize=1024)
def _look(style: Style | None, colours: ColorSystem | None) -> str:
    """The sequence that turns a style on."""
    if style is None:
        return ""
    return style.render(_MARK, color_system=colours).partition(_MARK)[0]


def _written(look: str, pieces: list[Piece]) -> str:
    """All pieces of one style; a piece that starts where the last one ended needs no move."""
    out = [look]
    at = (-1, -1)
    for piece in pieces:
        if at != (piece.y, piece.x):
            out.append(f"\x1b[{piece.y + 1};{piece.x + 1}H")
        out.append(piece.text)
        at = (piece.y, piece.x + cell_len(piece.text))
    out.append(_RESET)
    return "".join(out)


class PreciseCompositor(Compositor):
    """A compositor whose partial updates are precise."""

    def render_partial_update(self) -> ChopsUpdate | None:
        """What is dirty, as an update; None when nothing is."""
        update = super().render_partial_update()
        if update is None:
            return None
        return PreciseUpdate(update.chops, update.spans, update.chop_ends)
