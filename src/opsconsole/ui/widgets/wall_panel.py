"""The picture of the wall, which fills the screen and is shifted within its margin."""

from collections.abc import Callable

from opsconsole.render.ink.cells import Line
from opsconsole.render.wall.panels import shifted
from opsconsole.ui.screens.wall.turning import Drift
from opsconsole.ui.widgets.line_widget import LineWidget


class WallPanel(LineWidget):
    """Invariant: the picture is made for the size without the margin, so that no shift cuts it."""

    DEFAULT_CSS = "WallPanel { width: 100%; height: 100%; }"

    def show(self, picture: Callable[[int, int], list[Line]], now: float) -> None:
        """Paint what ``picture`` makes for a width and a height, at its position at ``now``."""
        width, height = self.size.width, self.size.height
        if width <= 0 or height <= 0:
            return
        margin = Drift.of(width, height)
        lines = picture(width - margin.across, height - margin.down)
        self.paint_lines(shifted(lines, *margin.at(now)))
