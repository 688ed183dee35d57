"""The runbooks tab: the runbooks of this service, and their open runs."""

from typing import ClassVar

from textual import on

from opsconsole.render.frame.keys import Scope
from opsconsole.render.ink.cells import Line
from opsconsole.ui.bindings import bindings
from opsconsole.ui.routes import RunbookPage
from opsconsole.ui.screens.service.tab import Bindings, ServiceTab, Shown
from opsconsole.ui.terminal import clipboard
from opsconsole.ui.widgets.grid_table import GridTable
from opsconsole.ui.widgets.runbook_list import RunbookList


class RunbooksTab(RunbookList, ServiceTab):
    """Opening one opens its checklist and runs nothing."""

    NAME: ClassVar[str] = "runbooks"
    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.OPEN,)
    BINDINGS: ClassVar[Bindings] = bindings(*SCOPES)

    def __init__(self, service: str) -> None:
        super().__init__(service, id="tab-runbooks")
        self.service_name = service

    def show_tab(self, top: tuple[Line, ...], shown: Shown | None) -> None:
        """Those of the service, even if it is not in the latest snapshot."""
        del shown
        console = self.host.console_app
        self.show_runbooks(top, console.bridge.latest, self.size.width, console.clock.now())

    @classmethod
    def badge(cls, shown: Shown) -> str:
        """How many runs are open."""
        name = shown.service.name
        count = sum(run.open and run.service == name for run in shown.snapshot.runbook_runs)
        return f"▶{count}" if count else ""

    @on(GridTable.Opened)
    def action_open(self) -> None:
        """Open the checklist."""
        item = self.under_cursor
        if item is not None:
            self.host.console_app.open(RunbookPage(item.runbook.name, item.service))

    def action_describe(self) -> None:
        """Open the checklist, which describes it."""
        self.action_open()

    @property
    def copied(self) -> str:
        """The row under the cursor."""
        return next((text for text in clipboard.rows(self) if text), "")
