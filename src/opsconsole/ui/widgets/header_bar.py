"""The two lines at the top of every screen, and notices below them while there are any."""

from opsconsole.model.snapshot import EnvironmentView, Snapshot
from opsconsole.render import header
from opsconsole.render.cells import Role
from opsconsole.render.replay import Shown, banner
from opsconsole.ui.widgets.line_widget import LineWidget


class HeaderBar(LineWidget):
    """Invariant: shows the latest snapshot's sources and ages, or says that it does not."""

    DEFAULT_CSS = "HeaderBar { height: 2; }"
    FILL = Role.BAR
    notice_rows = 0
    """Lines that notices take below the two."""

    def show(
        self, snapshot: Snapshot | None, place: EnvironmentView, now: float, wall: float, *,
        read_only: bool, note: str = "", replay: Shown | None = None,
    ) -> None:  # fmt: skip
        """Show ``snapshot`` as seen at ``now``; ``wall`` is the clock's time.

        With ``replay``, the moment that it tells of, and of ``snapshot`` its states alone.
        """
        width = self.size.width
        said = snapshot if replay is None else None
        told = header.notices(said, width, self.screen.size.height)
        self._grow(len(told))
        if replay is not None:
            self._show_replay(snapshot, place, now, replay, read_only=read_only, note=note)
            return
        self.paint_lines(
            [
                header.top(snapshot, place, width, wall, read_only=read_only, note=note),
                header.sources(snapshot, width, now),
                *told,
            ]
        )

    def _grow(self, rows: int) -> None:
        if rows != self.notice_rows:
            self.notice_rows = rows
            self.styles.height = 2 + rows

    def _show_replay(
        self, latest: Snapshot | None, place: EnvironmentView, now: float, replay: Shown, *,
        read_only: bool, note: str,
    ) -> None:  # fmt: skip
        width, moment = self.size.width, replay.moment
        past, at = (latest, now) if moment is None else (moment.snapshot, moment.at)
        self.paint_lines(
            [
                header.top(
                    past, place, width, at, read_only=read_only, note=note, clock=Role.REPLAY
                ),
                banner(replay, latest, lambda room: header.sources(past, room, at), width, now),
            ]
        )
