"""Rows of a log with a cursor, painted from the bottom up.

Invariant: only visible rows are made into lines, whatever the page holds. While it follows, the
last row is visible; otherwise new rows leave the cursor on its line.
"""

from opsconsole.model.logs import LogLine, LogPage, LogQuery
from opsconsole.render import logs as render
from opsconsole.render.ink.cells import Line, Role
from opsconsole.render.logs import Rows
from opsconsole.ui.widgets.line_widget import LineWidget, Painted


class LogPane(LineWidget, can_focus=True):
    """Shows a page below the fixed lines on top."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002  # Textual's own word
        super().__init__(id=id)
        self.rows = Rows(LogPage(LogQuery()))
        self.follows = True
        self.wraps = False
        self.folds = True
        self._top: tuple[Line, ...] = ()
        self._cursor = 0
        self._bottom = 0

    def show_top(self, top: tuple[Line, ...]) -> None:
        """Show the fixed lines."""
        self._top = top
        self.repaint()

    def show_page(self, page: LogPage) -> None:
        """Show another page; the cursor stays on its line if that is still there."""
        here = self.line
        self.rows = Rows(page, folded=self.folds)
        if self.follows or here is None:
            self._cursor = self._bottom = max(0, len(self.rows) - 1)
        else:
            below = self._bottom - self._cursor
            self._cursor = self.rows.find(here.source, here.number, here.at)
            self._bottom = self._cursor + below
        self.repaint()

    @property
    def line(self) -> LogLine | None:
        """The line under the cursor."""
        return self.rows.line_at(min(self._cursor, len(self.rows) - 1)) if len(self.rows) else None

    @property
    def cursor(self) -> int:
        """The row of the cursor."""
        return self._cursor

    @property
    def place(self) -> str:
        """Where the cursor is."""
        return f"{self._cursor + 1} of {len(self.rows)}" if len(self.rows) else ""

    def move(self, rows: int) -> None:
        """Move the cursor; up ends following."""
        self.move_to(self._cursor + rows)

    def move_to(self, row: int) -> None:
        """Put the cursor on a row; the last one is followed from then on."""
        last = max(0, len(self.rows) - 1)
        self._cursor = max(0, min(row, last))
        self.follows = self._cursor == last
        self.repaint()

    def page(self, pages: float) -> None:
        """Move by that many screens."""
        self.move(int(self._height * pages) or (1 if pages > 0 else -1))

    def jump(self, row: int) -> None:
        """Put the cursor on a row, and the row into the middle unless it is visible."""
        in_sight = self._first_above(self._bottom)[0] <= row <= self._bottom
        if not in_sight:
            self._bottom = min(len(self.rows) - 1, row + self._height // 2)
        self.move_to(row)

    @property
    def _height(self) -> int:
        return max(1, self.size.height - len(self._top))

    def repaint(self) -> None:
        """Paint the visible rows."""
        painted = [Painted(line) for line in self._top]
        if len(self.rows) and self.size.width:
            self._bring_into_sight()
            first, skipped = self._first_above(self._bottom)
            seen: list[Painted] = []
            for row in range(first, self._bottom + 1):
                over = Role.CURSOR if row == self._cursor and not self.follows else None
                seen += [Painted(line, over) for line in self._lines_of(row)]
            painted += seen[skipped : skipped + self._height]
        self.paint(painted)

    def _bring_into_sight(self) -> None:
        last = len(self.rows) - 1
        self._cursor = max(0, min(self._cursor, last))
        self._bottom = max(self._cursor, min(self._bottom, last))
        first, skipped = self._first_above(self._bottom)
        if self._cursor < first or (self._cursor == first and skipped):
            self._bottom = self._last_below(self._cursor)
        elif first == 0 and not skipped:
            # A page that does not fill the pane begins at its top.
            self._bottom = max(self._bottom, self._last_below(0))

    def _first_above(self, bottom: int) -> tuple[int, int]:
        """The first visible row if ``bottom`` is the last, and how many of its lines are hidden."""
        left = self._height
        row = min(bottom, len(self.rows) - 1)
        while row >= 0:
            left -= len(self._lines_of(row))
            if left <= 0 or row == 0:
                return row, max(0, -left)
            row -= 1
        return 0, 0

    def _last_below(self, first: int) -> int:
        left = self._height
        row = first
        while row < len(self.rows):
            left -= len(self._lines_of(row))
            if left < 0:
                return max(first, row - 1)
            row += 1
        return len(self.rows) - 1

    def _lines_of(self, row: int) -> list[Line]:
        return render.row(
            self.rows, row, self.size.width,
            several=self.rows.several, wrapped=self.wraps, most=max(1, self._height - 1),
        )  # fmt: skip

    def on_mouse_scroll_down(self) -> None:
        """The wheel moves."""
        self.move(3)

    def on_mouse_scroll_up(self) -> None:
        """The wheel moves."""
        self.move(-3)
