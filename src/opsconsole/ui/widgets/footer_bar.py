"""The line at the bottom: keys that do something now, or what was just said."""

from collections.abc import Iterable

from opsconsole.render import status_line
from opsconsole.render.ink.cells import Role
from opsconsole.render.status_line import Hint
from opsconsole.ui.widgets.line_widget import LineWidget


class FooterBar(LineWidget):
    """Invariant: a notice gives way to the keys by itself."""

    FILL = Role.KEY_LABEL

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002  # Textual's own word
        super().__init__(id=id)
        self._hints: tuple[Hint, ...] = ()
        self._notice = ""

    def show_hints(self, hints: Iterable[Hint]) -> None:
        """The keys to show while nothing is being said."""
        self._hints = tuple(hints)
        self.repaint()

    def say(self, text: str) -> None:
        """Say ``text`` until it is replaced; '' goes back to the keys."""
        self._notice = text
        self.repaint()

    def repaint(self) -> None:
        """Paint the notice or the keys."""
        width = self.size.width
        line = (
            status_line.notice(self._notice, width)
            if self._notice
            else status_line.hints(self._hints, width)
        )
        self.paint_lines([line])
