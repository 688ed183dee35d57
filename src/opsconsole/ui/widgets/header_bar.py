"""The two lines at the top of every screen."""

from opsconsole.model.snapshot import EnvironmentView, Snapshot
from opsconsole.render import header
from opsconsole.render.cells import Role
from opsconsole.ui.widgets.line_widget import LineWidget


class HeaderBar(LineWidget):
    """Invariant: shows the latest snapshot's sources and ages, whatever else is frozen."""

    DEFAULT_CSS = "HeaderBar { height: 2; }"
    FILL = Role.BAR

    def show(
        self, snapshot: Snapshot | None, place: EnvironmentView, now: float, wall: float, *,
        read_only: bool, note: str = "",
    ) -> None:  # fmt: skip
        """Show ``snapshot`` as seen at ``now``; ``wall`` is the clock's time."""
        width = self.size.width
        self.paint_lines(
            [
                header.top(snapshot, place, width, wall, read_only=read_only, note=note),
                header.sources(snapshot, width, now),
            ]
        )
