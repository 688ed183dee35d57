"""The logs tab: the pane of the logs screen in place; ``l`` opens it on the whole screen.

Invariant: the logs are followed only while the tab is visible.
"""

from typing import ClassVar

from opsconsole.render.frame.keys import Scope
from opsconsole.render.ink.cells import Line
from opsconsole.ui.bindings import bindings
from opsconsole.ui.screens.service.log_pane import ServiceLogs
from opsconsole.ui.screens.service.tab import Bindings, ServiceTab, Shown
from opsconsole.ui.widgets.prompt import Prompt


class LogsTab(ServiceLogs, ServiceTab):
    """The last lines, followed."""

    NAME: ClassVar[str] = "logs"
    LIVE: ClassVar[bool] = True
    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.LOGS,)
    BINDINGS: ClassVar[Bindings] = bindings(*SCOPES)

    def __init__(self, service: str) -> None:
        super().__init__(service, id="tab-logs")

    def show_tab(self, top: tuple[Line, ...], shown: Shown | None) -> None:
        """Update the fixed lines; the logs are shown even if the service is gone."""
        del shown
        self.show_logs(top)

    def opened(self) -> None:
        """Follow."""
        self.open_logs()

    def closed(self) -> None:
        """Let go."""
        self.close_logs()

    def next_match(self, step: int) -> None:
        """To the next line that the filter selects."""
        self.action_match(step)

    def prompt(self) -> Prompt | None:
        """A filter."""
        return self.filter_prompt()

    def typed(self, text: str) -> None:
        """Filter."""
        self.filter(text)

    def back(self) -> bool:
        """Undo the filter."""
        return self.clear_filter()

    def pause(self) -> bool:
        """Hold the rows; while another moment is shown, the key returns to now instead."""
        if not self.host.console_app.time.is_live:
            return False
        self.hold()
        return True

    @property
    def copied(self) -> str:
        """The line under the cursor."""
        return self.line.text if self.line is not None else ""
