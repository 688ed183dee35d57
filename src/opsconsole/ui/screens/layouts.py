"""The two layouts of most screens: a page to read, and a list above the details of one row.

Invariant: keys that move never act, and ``esc`` closes. Subclasses say what is shown.
"""

from typing import ClassVar

from textual.app import ComposeResult

from opsconsole.render.ink.cells import plain
from opsconsole.ui.screens.base import ConsoleScreen
from opsconsole.ui.terminal import clipboard
from opsconsole.ui.widgets.footer_bar import FooterBar
from opsconsole.ui.widgets.grid_table import GridTable
from opsconsole.ui.widgets.header_bar import HeaderBar
from opsconsole.ui.widgets.lines_view import LinesView


class PageScreen(ConsoleScreen, inherit_bindings=False):
    """One page between header and footer."""

    def compose(self) -> ComposeResult:
        """The page."""
        yield HeaderBar(id="header")
        yield LinesView(id="page")
        yield FooterBar(id="footer")

    def on_mount(self) -> None:
        """Keys go to the page."""
        self.page.focus()
        super().on_mount()

    @property
    def page(self) -> LinesView:
        """The page to read."""
        return self.query_one("#page", LinesView)

    def action_move(self, rows: int) -> None:
        """Scroll."""
        self.page.move(rows)

    def action_edge(self, end: int) -> None:
        """To the beginning or the end."""
        self.page.move_to(10**9 if end else 0)

    def action_page(self, pages: float) -> None:
        """Scroll by screens; never acts."""
        self.page.page(pages)

    def action_match(self, step: int) -> None:
        """Go to the next line that contains the searched text."""
        self.page.next_match(step)

    def action_copy(self) -> None:
        """Copy the page."""
        clipboard.copy(self.console_app, plain(self.page.whole))


class ListScreen(ConsoleScreen, inherit_bindings=False):
    """A table, and below it the details of the row under the cursor."""

    TABLE: ClassVar[str]
    """The table's name in the style sheet."""

    def compose(self) -> ComposeResult:
        """The table over the details."""
        yield HeaderBar(id="header")
        yield GridTable(id=self.TABLE, selects=True)
        yield LinesView(id="details")
        yield FooterBar(id="footer")

    def on_mount(self) -> None:
        """Keys go to the table."""
        self.table.focus()
        super().on_mount()

    @property
    def table(self) -> GridTable:
        """The table."""
        return self.query_one(f"#{self.TABLE}", GridTable)

    @property
    def details(self) -> LinesView:
        """The details of the row under the cursor."""
        return self.query_one("#details", LinesView)

    def action_move(self, rows: int) -> None:
        """Move the cursor."""
        self.table.move(rows)

    def action_edge(self, end: int) -> None:
        """To the first or the last row."""
        self.table.move_to(10**9 if end else 0)

    def action_page(self, pages: float) -> None:
        """Scroll; never acts."""
        self.table.page(pages)

    def action_copy(self) -> None:
        """Copy the row under the cursor."""
        text = next((text for text in clipboard.rows(self.table) if text), "")
        clipboard.copy(self.console_app, text)
