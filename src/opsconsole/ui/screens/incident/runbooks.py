"""Every runbook, with its service and the result of its last run.

Invariant: opening one runs nothing.
"""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult

from opsconsole.render.frame.keys import Key, Scope
from opsconsole.render.ink.cells import BLANK, Role, Span, titled
from opsconsole.ui.bindings import bindings
from opsconsole.ui.routes import RunbookPage
from opsconsole.ui.screens.base import ConsoleScreen
from opsconsole.ui.terminal import clipboard
from opsconsole.ui.widgets.footer_bar import FooterBar
from opsconsole.ui.widgets.grid_table import GridTable
from opsconsole.ui.widgets.header_bar import HeaderBar
from opsconsole.ui.widgets.runbook_list import RunbookList


class RunbooksScreen(ConsoleScreen, inherit_bindings=False):
    """A list on the whole screen; of one service, or of all."""

    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.OPEN, Scope.LIST, Scope.EVERYWHERE)
    TITLE_OF_HELP = "runbooks"
    BINDINGS = bindings(*SCOPES)

    def __init__(self, service: str = "") -> None:
        super().__init__()
        self._service = service

    def compose(self) -> ComposeResult:
        """The list between header and footer."""
        yield HeaderBar(id="header")
        yield RunbookList(self._service, id="runbooks")
        yield FooterBar(id="footer")

    def on_mount(self) -> None:
        """Keys go to the list."""
        self.list.focus()
        super().on_mount()

    @property
    def list(self) -> RunbookList:
        """The list."""
        return self.query_one("#runbooks", RunbookList)

    def show_body(self) -> None:
        """Fill the list; runbooks are shown as they are now, whatever moment is looked at."""
        width, latest = self.list.size.width, self.console_app.bridge.latest
        going = sum(run.open for run in latest.runbook_runs) if latest else 0
        note = (Span(f"{going} under way" if going else "none under way", Role.MUTED),)
        title = f"Runbooks of {self._service}" if self._service else "Runbooks"
        top = (titled(title, width, focused=True, note=note), BLANK)
        self.list.show_runbooks(top, latest, width, self.console_app.clock.now())

    def offers(self, key: Key) -> bool:
        """There is nothing to open if there are no runbooks."""
        if key.id == "open":
            return self.list.under_cursor is not None
        return super().offers(key)

    @on(GridTable.Opened)
    def action_open(self) -> None:
        """Open the checklist."""
        item = self.list.under_cursor
        if item is not None:
            self.console_app.open(RunbookPage(item.runbook.name, item.service))

    def action_describe(self) -> None:
        """Open the checklist, which describes it."""
        self.action_open()

    def action_move(self, rows: int) -> None:
        """Move the cursor."""
        self.list.move(rows)

    def action_edge(self, end: int) -> None:
        """To the first or the last row."""
        self.list.move_to(10**9 if end else 0)

    def action_page(self, pages: float) -> None:
        """Scroll; never acts."""
        self.list.page(pages)

    def action_copy(self) -> None:
        """Copy the row under the cursor."""
        text = next((text for text in clipboard.rows(self.list) if text), "")
        clipboard.copy(self.console_app, text)

    def action_back(self) -> None:
        """Go back to the previous screen."""
        self.dismiss()
