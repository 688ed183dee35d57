"""Lines to read and scroll, without a cursor.

Invariant: new lines keep the scroll position, as far as there are still lines.
"""

from collections.abc import Sequence

from opsconsole.render.ink.cells import Line, Role, Span
from opsconsole.render.ink.matching import compiled
from opsconsole.ui.widgets.line_widget import LineWidget, Painted


class LinesView(LineWidget, can_focus=True):
    """A scrollable page with fixed lines on top."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002  # Textual's own word
        super().__init__(id=id)
        self._top: tuple[Line, ...] = ()
        self._page: Sequence[Line] = ()
        self._first = 0
        self._search = ""

    def show(self, page: Sequence[Line], top: tuple[Line, ...] = ()) -> None:
        """Show ``page`` below the fixed lines ``top``."""
        self._page, self._top = page, top
        self.repaint()

    @property
    def whole(self) -> Sequence[Line]:
        """All lines, for copying."""
        return self._page

    @property
    def place(self) -> str:
        """Which lines are visible; '' if all are."""
        rows = self._rows
        if len(self._page) <= rows:
            return ""
        return f"{self._first + 1}–{min(len(self._page), self._first + rows)} of {len(self._page)}"

    @property
    def _rows(self) -> int:
        return max(0, self.size.height - len(self._top))

    def repaint(self) -> None:
        """Paint the visible lines."""
        rows = self._rows
        self._first = max(0, min(self._first, len(self._page) - rows))
        seen = self._page[self._first : self._first + rows]
        lines = [Painted(line) for line in self._top]
        self.paint([*lines, *(Painted(self._marked(line)) for line in seen)])

    def _marked(self, line: Line) -> Line:
        if not self._search:
            return line
        text = "".join(span.text for span in line)
        if not compiled(self._search).search(text[:400]):
            return line
        return tuple(Span(span.text, Role.MATCH) for span in line)

    def move(self, rows: int) -> None:
        """Scroll by ``rows``."""
        self._first += rows
        self.repaint()

    def move_to(self, position: int) -> None:
        """Scroll so that a line is the first visible one."""
        self._first = position
        self.repaint()

    def page(self, pages: float) -> None:
        """Scroll by that many screens."""
        self.move(int(self._rows * pages) or (1 if pages > 0 else -1))

    def search(self, text: str) -> None:
        """Mark the lines that contain ``text`` and go to the first at or below this position."""
        self._search = text
        self.next_match(1, here=True)
        self.repaint()

    def next_match(self, step: int, *, here: bool = False) -> None:
        """Go to the next marked line in the direction of ``step``, wrapping around."""
        count = len(self._page)
        if not self._search or not self._page:
            return
        pattern = compiled(self._search)
        for distance in range(0 if here else 1, count + 1):
            position = (self._first + distance * step) % max(1, count)
            text = "".join(span.text for span in self._page[position])
            if pattern.search(text[:400]):
                self.move_to(position)
                return

    def on_mouse_scroll_down(self) -> None:
        """The wheel scrolls."""
        self.move(3)

    def on_mouse_scroll_up(self) -> None:
        """The wheel scrolls."""
        self.move(-3)
