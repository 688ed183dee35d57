"""The line at the bottom: keys that work now, and the latest notice beside them."""

from collections.abc import Iterable

from opsconsole.render.frame import status_line
from opsconsole.render.frame.status_line import Hint
from opsconsole.render.ink.cells import Role
from opsconsole.ui.widgets.line_widget import LineWidget


class FooterBar(LineWidget):
    """Invariant: a notice goes after a while."""

    FILL = Role.KEY_LABEL

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002  # Textual's own word
        super().__init__(id=id)
        self._hints: tuple[Hint, ...] = ()
        self._notice = ""

    def show_hints(self, hints: Iterable[Hint]) -> None:
        """The keys to show while there is no notice."""
        self._hints = tuple(hints)
        self.repaint()

    def say(self, text: str) -> None:
        """Show ``text`` until it is replaced; '' returns to the keys."""
        self._notice = text
        self.repaint()

    def repaint(self) -> None:
        """Paint the notice or the keys."""
        width = self.size.width
        line = (
            status_line.notice(self._notice, self._hints, width)
            if self._notice
            else status_line.hints(self._hints, width)
        )
        self.paint_lines([line])
