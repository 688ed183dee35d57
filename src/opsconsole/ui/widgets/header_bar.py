"""The two lines at the top of every screen, and notices below them if there are any."""

from opsconsole.model.snapshot import EnvironmentView, Snapshot
from opsconsole.render.automation.words import urgent
from opsconsole.render.frame import header
from opsconsole.render.frame.replay import Shown, banner
from opsconsole.render.ink.cells import Role
from opsconsole.ui.widgets.line_widget import LineWidget


class HeaderBar(LineWidget):
    """Invariant: shows the latest snapshot's sources and ages, or says that they are not the
    latest."""

    DEFAULT_CSS = "HeaderBar { height: 2; }"
    FILL = Role.BAR
    notice_rows = 0
    """Number of lines for notices below the two."""

    def show(
        self, snapshot: Snapshot | None, place: EnvironmentView, now: float, wall: float, *,
        read_only: bool, note: str = "", replay: Shown | None = None, found: int = 0,
    ) -> None:  # fmt: skip
        """Show ``snapshot`` as seen at ``now``; ``wall`` is the wall-clock time, ``found`` how much
        is in the tray.

        With ``replay``, show its moment, and only the states of ``snapshot``.
        """
        width, clock = self.size.width, Role.BAR_STRONG
        latest, below = snapshot, header.sources(snapshot, width, now, found)
        if replay is not None:
            at, clock = now, Role.REPLAY
            if replay.moment is not None:
                snapshot, at = replay.moment.snapshot, replay.moment.at
            past, wall = snapshot, at
            below = banner(replay, latest, lambda room: header.sources(past, room, at), width, now)
        # What begins soon begins whatever moment is shown.
        soon = urgent(latest.automation, now) if latest is not None else ()
        notices = header.notices(snapshot, width, self.screen.size.height, soon)
        self._grow(len(notices))
        top = header.top(snapshot, place, width, wall, read_only=read_only, note=note, clock=clock)
        self.paint_lines([top, below, *notices])

    def _grow(self, rows: int) -> None:
        if rows != self.notice_rows:
            self.notice_rows = rows
            self.styles.height = 2 + rows
