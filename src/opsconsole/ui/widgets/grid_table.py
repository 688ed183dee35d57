"""A table whose cursor stays on a key, painted line by line.

Invariant: the cursor and the choices belong to keys, never to positions: sorting, filtering
and new rows never move them to another row. Before a person touches the table the cursor stays
on its first row. Only the rows in sight are rendered.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from textual import events
from textual.message import Message

from opsconsole.render.ink.cells import BLANK, Line, Role
from opsconsole.ui.widgets.line_widget import LineWidget, Painted


@dataclass(frozen=True, slots=True)
class Listing:
    """What a table shows: fixed lines on top, keys in order, and the line of a key.

    ``empty`` is shown when there is no key. ``line`` must be cheap: it is called for each row in
    sight whenever something may have changed.
    """

    top: tuple[Line, ...]
    keys: Sequence[str]
    line: Callable[[str], Line]
    empty: tuple[Line, ...] = ()


NOTHING = Listing((), (), lambda _key: BLANK)


class GridTable(LineWidget, can_focus=True):
    """Rows with a cursor. With ``selects`` it stays in sight and rows can be chosen."""

    class CursorMoved(Message):
        """The cursor stands on another key."""

        def __init__(self, table: "GridTable", key: str | None) -> None:
            super().__init__()
            self.table = table
            self.key = key

        @property
        def control(self) -> "GridTable":
            """The table, for ``@on`` selectors."""
            return self.table

    class Opened(Message):
        """A row was double-clicked."""

        def __init__(self, table: "GridTable", key: str) -> None:
            super().__init__()
            self.table = table
            self.key = key

    def __init__(self, *, id: str | None = None, selects: bool = False) -> None:  # noqa: A002
        super().__init__(id=id)
        self._listing = NOTHING
        self._cursor: str | None = None
        self._position = 0
        self._touched = False
        self._first = 0
        self._chosen: set[str] = set()
        self._selects = selects

    @property
    def cursor_key(self) -> str | None:
        """The key under the cursor."""
        return self._cursor

    @property
    def chosen(self) -> tuple[str, ...]:
        """The keys chosen with space, in the order of the rows."""
        return tuple(key for key in self._listing.keys if key in self._chosen)

    @property
    def touched(self) -> bool:
        """Whether a person has moved the cursor."""
        return self._touched

    @property
    def place(self) -> str:
        """Which rows are in sight, ``3–20 of 50``; '' when all are."""
        count, rows = len(self._listing.keys), self._rows
        if count <= rows or rows <= 0:
            return ""
        return f"{self._first + 1}–{min(count, self._first + rows)} of {count}"

    @property
    def _rows(self) -> int:
        return max(0, self.size.height - len(self._listing.top))

    def list(self, listing: Listing) -> None:
        """Show ``listing``; the cursor stays on its key where that is still there."""
        self._listing = listing
        before = self._cursor
        self._settle()
        self.repaint()
        if self._cursor != before:
            self.post_message(self.CursorMoved(self, self._cursor))

    def _settle(self) -> None:
        keys = self._listing.keys
        self._chosen &= set(keys) if self._chosen else set()
        if not keys:
            self._cursor, self._position, self._first = None, 0, 0
            return
        if not self._touched:
            self._position = 0
        elif self._cursor in keys:
            self._position = keys.index(self._cursor)
        else:
            self._position = min(self._position, len(keys) - 1)
        self._cursor = keys[self._position]

    def repaint(self) -> None:
        """Render the rows in sight."""
        listing, rows = self._listing, self._rows
        keys = listing.keys
        lines = [Painted(line) for line in listing.top]
        if not keys:
            self.paint([*lines, *(Painted(line) for line in listing.empty)])
            return
        self._first = max(0, min(self._first, len(keys) - rows))
        if self._position < self._first:
            self._first = self._position
        elif self._position >= self._first + rows:
            self._first = self._position - rows + 1
        for key in keys[self._first : self._first + rows]:
            lines.append(Painted(listing.line(key), self._over(key)))
        self.paint(lines)

    def _over(self, key: str) -> Role | None:
        if key == self._cursor and (self._selects or self.has_focus):
            return Role.CURSOR if self.has_focus else Role.CURSOR_IDLE
        return Role.CHOSEN if key in self._chosen else None

    def move(self, rows: int) -> None:
        """Move the cursor by ``rows``, stopping at the ends."""
        self.move_to(self._position + rows)

    def move_to(self, position: int) -> None:
        """Move the cursor to a position; beyond the end is the last row."""
        keys = self._listing.keys
        if not keys:
            return
        self._touched = True
        self._position = max(0, min(position, len(keys) - 1))
        self._moved(keys[self._position])

    def move_to_key(self, key: str) -> None:
        """Move the cursor to ``key`` where it is listed."""
        if key in self._listing.keys:
            self.move_to(self._listing.keys.index(key))

    def page(self, pages: float) -> None:
        """Move by so many screens."""
        self.move(int(self._rows * pages) or (1 if pages > 0 else -1))

    def seek(self, wanted: Callable[[str], bool], step: int) -> None:
        """Move to the next key in the direction of ``step`` that is wanted, round the ends."""
        keys = self._listing.keys
        for distance in range(1, len(keys) + 1):
            position = (self._position + distance * step) % len(keys)
            if wanted(keys[position]):
                self.move_to(position)
                return

    def toggle(self) -> None:
        """Choose or unchoose the row under the cursor, and go on to the next."""
        if self._cursor is None or not self._selects:
            return
        self._chosen ^= {self._cursor}
        self.move(1)

    def clear_chosen(self) -> None:
        """Unchoose all."""
        self._chosen.clear()
        self.repaint()

    def choose(self, keys: Iterable[str]) -> None:
        """Choose exactly ``keys``."""
        self._chosen = set(keys)
        self.repaint()

    def _moved(self, key: str) -> None:
        changed = key != self._cursor
        self._cursor = key
        self.repaint()
        if changed:
            self.post_message(self.CursorMoved(self, key))

    def on_focus(self) -> None:
        """The cursor shows where keys go."""
        self.repaint()

    def on_blur(self) -> None:
        """The cursor stays, quieter."""
        self.repaint()

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor, a second one on the same row opens it."""
        row = event.y - len(self._listing.top) + self._first
        if not event.y - len(self._listing.top) >= 0 or row >= len(self._listing.keys):
            return
        self.move_to(row)
        if event.chain > 1 and self._cursor is not None:
            self.post_message(self.Opened(self, self._cursor))

    def on_mouse_scroll_down(self) -> None:
        """The wheel moves the cursor."""
        self.move(3)

    def on_mouse_scroll_up(self) -> None:
        """The wheel moves the cursor."""
        self.move(-3)
