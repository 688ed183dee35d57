"""A table whose cursor stays on a row, painted line by line.

Invariant: while a key is handled, the table answers for the moment in which it was pressed: see
``row_cursor``. Messages of the table say that the cursor moved, not where to: read its position
from the table. Only visible rows are rendered.
"""

import time
from collections.abc import Callable, Sequence
from typing import Final

from textual import events
from textual.message import Message

from opsconsole.dataclass import dataclass
from opsconsole.render.ink.cells import BLANK, Line, Role, Span, line_width
from opsconsole.ui.widgets.line_widget import LineWidget, Painted
from opsconsole.ui.widgets.row_cursor import Picture, RowCursor


@dataclass(frozen=True, slots=True)
class Listing:
    """What a table shows: fixed lines on top, keys in order, and the line of a key.

    ``empty`` is shown when there is no key. ``line`` must be cheap: it is called for each visible
    row whenever something may have changed. The last keys may share lines: those of ``beside``.
    An untouched cursor is on the key at ``start``.
    """

    top: tuple[Line, ...]
    keys: Sequence[str]
    line: Callable[[str], Line]
    empty: tuple[Line, ...] = ()
    beside: tuple[tuple[str, ...], ...] = ()
    start: int = 0

    @property
    def alone(self) -> int:
        """How many keys have a line of their own."""
        return len(self.keys) - sum(map(len, self.beside))

    @property
    def height(self) -> int:
        """How many lines the keys have."""
        return self.alone + len(self.beside)

    def row_of(self, position: int) -> int:
        """The line on which the key at ``position`` stands."""
        left = position - self.alone
        for number, keys in enumerate(self.beside):
            if left < 0:
                break
            if left < len(keys):
                return self.alone + number
            left -= len(keys)
        return position

    def at_row(self, row: int) -> Sequence[str]:
        """The keys on a line."""
        alone = self.alone
        return self.keys[row : row + 1] if row < alone else self.beside[row - alone]


CHOSEN: Final = "✓"
NOTHING = Listing((), (), lambda _key: BLANK)


class GridTable(LineWidget, can_focus=True):
    """Rows with a cursor. With ``selects`` it stays visible and rows can be chosen."""

    class CursorMoved(Message):
        """The cursor moved to another row."""

        def __init__(self, table: "GridTable") -> None:
            super().__init__()
            self.table = table

        @property
        def control(self) -> "GridTable":
            """The table, for ``@on`` selectors."""
            return self.table

    class HeadingClicked(Message):
        """The headings, the last of the fixed lines, were clicked at the cell ``x``."""

        def __init__(self, table: "GridTable", x: int) -> None:
            super().__init__()
            self.table = table
            self.x = x

        @property
        def control(self) -> "GridTable":
            """The table, for ``@on`` selectors."""
            return self.table

    class Opened(Message):
        """The row under the cursor was double-clicked."""

    def __init__(self, *, id: str | None = None, selects: bool = False) -> None:  # noqa: A002
        super().__init__(id=id)
        self._listing = NOTHING
        self._cursor = RowCursor()
        self._selects = selects

    @property
    def keys(self) -> Sequence[str]:
        """The keys of all rows, in order."""
        return self._listing.keys

    @property
    def cursor_key(self) -> str | None:
        """The key under the cursor."""
        return self._cursor.at(self.pressed_at).key

    @property
    def chosen(self) -> tuple[str, ...]:
        """The keys chosen with space, in the order of the rows."""
        picture = self._cursor.at(self.pressed_at)
        return tuple(key for key in picture.keys if key in picture.chosen)

    @property
    def touched(self) -> bool:
        """Whether the user has moved the cursor."""
        return self._cursor.touched

    @property
    def place(self) -> str:
        """Which rows are visible, ``3–20 of 50``; '' if all are."""
        count, rows = self._listing.height, self._rows
        if count <= rows or rows <= 0:
            return ""
        first = self._cursor.now.first
        return f"{first + 1}–{min(count, first + rows)} of {count}"

    @property
    def _rows(self) -> int:
        return max(0, self.size.height - len(self._listing.top))

    def list(self, listing: Listing) -> None:
        """Show ``listing``; the cursor stays on its row if that is still listed."""
        self._listing = listing
        before, pressed = self._cursor.now.key, self.pressed_at
        when = time.monotonic() if pressed is None else pressed
        self._cursor.relist(listing.keys, len(listing.top), when, listing.start)
        self._moved(before)

    def repaint(self) -> None:
        """Render the visible rows."""
        listing, rows, seen = self._listing, self._rows, self._cursor.now
        keys = listing.keys
        lines = [Painted(line) for line in listing.top]
        if not keys:
            self.paint([*lines, *(Painted(line) for line in listing.empty)])
            return
        row, count = listing.row_of(seen.position), listing.height
        seen.first = max(0, min(seen.first, count - rows))
        if row < seen.first:
            seen.first = row
        elif row >= seen.first + rows:
            seen.first = row - rows + 1
        for shown in range(seen.first, min(count, seen.first + rows)):
            lines.append(self._painted(listing.at_row(shown)))
        self.paint(lines)

    def _painted(self, keys: Sequence[str]) -> Painted:
        """One line: of a key, or of several beside one another, of which the cursor marks one."""
        if len(keys) == 1:
            return Painted(self._marked(keys[0]), self._over(keys[0]))
        spans: list[Span] = []
        over: Role | None = None
        marked = (0, 0)
        for key in keys:
            line = self._marked(key)
            found = self._over(key)
            if found is not None:
                over, marked = found, (len(spans), len(spans) + len(line))
            spans += [*line, Span("  ")]
        return Painted(tuple(spans), over, *marked) if over else Painted(tuple(spans))

    def _marked(self, key: str) -> Line:
        """The row; one that is chosen has a mark before it, which needs no colours."""
        line = self._listing.line(key)
        if key not in self._cursor.now.chosen or not line or not line[0].text.startswith(" "):
            return line
        first = line[0]
        return (Span(CHOSEN, Role.ACCENT), Span(first.text[1:], first.role), *line[1:])

    def _over(self, key: str) -> Role | None:
        if key == self._cursor.now.key and (self._selects or self.has_focus):
            return Role.CURSOR if self.has_focus else Role.CURSOR_IDLE
        return Role.CHOSEN if key in self._cursor.now.chosen else None

    def move(self, rows: int) -> None:
        """Move the cursor by ``rows``, stopping at the ends."""
        self.move_to(self._cursor.at(self.pressed_at).position + rows)

    def move_to(self, position: int) -> None:
        """Move the cursor to a position; a position beyond the end means the last row."""
        keys = self._cursor.at(self.pressed_at).keys
        if keys:
            self._go(keys[max(0, min(position, len(keys) - 1))])

    def move_to_key(self, key: str) -> None:
        """Move the cursor to ``key`` if it is listed."""
        if key not in self._listing.keys:
            return
        if self.pressed_at is not None:
            self._go(key)
            return
        before = self._cursor.now.key
        self._cursor.place(key, time.monotonic())
        self._moved(before)

    def page(self, pages: float) -> None:
        """Move by that many screens."""
        self.move(int(self._rows * pages) or (1 if pages > 0 else -1))

    def seek(self, wanted: Callable[[str], bool], step: int) -> None:
        """Move to the next wanted key in the direction of ``step``, wrapping around."""
        seen = self._cursor.at(self.pressed_at)
        for distance in range(1, len(seen.keys) + 1):
            key = seen.keys[(seen.position + distance * step) % len(seen.keys)]
            if wanted(key):
                self._go(key)
                return

    def toggle(self) -> None:
        """Choose or unchoose the row under the cursor, and move to the next."""
        if self._selects:
            self._cursor.toggle(self.pressed_at)
            self.move(1)

    def clear_chosen(self) -> None:
        """Unchoose all."""
        self._cursor.clear_chosen()
        self.repaint()

    def _go(self, key: str) -> None:
        before = self._cursor.now.key
        self._cursor.go(key, self.pressed_at)
        self._moved(before)

    def _moved(self, before: str | None) -> None:
        self.repaint()
        if self._cursor.now.key != before:
            self.post_message(self.CursorMoved(self))

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor, a second one on the same row opens it."""
        seen = self._cursor.at(event.time)
        row = event.y - seen.top
        if row == -1:
            self.post_message(self.HeadingClicked(self, event.x))
        key = self._clicked(seen, seen.first + row, event.x) if row >= 0 else None
        if key is None:
            return
        before = self._cursor.now.key
        self._cursor.go(key, event.time)
        self._moved(before)
        if event.chain > 1:
            self.post_message(self.Opened())

    def _clicked(self, seen: Picture, row: int, x: int) -> str | None:
        """The key at the cell ``x`` of a line of what was listed."""
        listing = self._listing
        if seen.keys != listing.keys:
            return seen.keys[row] if row < len(seen.keys) else None
        if row >= listing.height:
            return None
        end = 0
        for key in listing.at_row(row):
            end += line_width(listing.line(key)) + 2
            if x < end:
                return key
        return listing.at_row(row)[-1]

    def on_mouse_scroll_down(self) -> None:
        """The wheel moves the cursor."""
        self.move(3)

    def on_mouse_scroll_up(self) -> None:
        """The wheel moves the cursor."""
        self.move(-3)
