"""Partial updates that send the changed cells alone.

Invariant: what is written covers every span that is dirty. Textual 8.2.8 crops a partial
update at its right end only and writes each widget's line from its left edge; over a slow link
that is most of the traffic.
"""

from rich.console import Console
from textual._compositor import ChopsUpdate, Compositor
from textual.strip import Strip


class PreciseUpdate(ChopsUpdate):
    """A ``ChopsUpdate`` cropped at both ends."""

    def render_segments(self, console: Console) -> str:
        """The bytes that repaint the spans."""
        out: list[str] = []
        for y, start, end in self.spans:
            for right, (x, strip) in zip(self.chop_ends[y], self.chops[y].items(), strict=False):
                if strip is None or x >= end or right <= start:
                    continue
                left = max(x, start)
                part: Strip = strip.crop(left - x, min(right, end) - x)
                out.append(f"\x1b[{y + 1};{left + 1}H{part.render(console)}")
        return "".join(out)


class PreciseCompositor(Compositor):
    """A compositor whose partial updates are precise."""

    def render_partial_update(self) -> ChopsUpdate | None:
        """What is dirty, as an update; None when nothing is."""
        update = super().render_partial_update()
        if update is None:
            return None
        return PreciseUpdate(update.chops, update.spans, update.chop_ends)
