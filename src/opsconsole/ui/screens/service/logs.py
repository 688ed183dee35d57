"""The logs of one service on the whole screen, with windows of time on the digits.

Invariant: the logs are followed while the screen is open. They are always those of the present.
"""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.widget import Widget

from opsconsole.model.snapshot import ServiceView
from opsconsole.render.frame.keys import Key, Scope
from opsconsole.render.frame.replay import live_lines
from opsconsole.ui.bindings import bindings
from opsconsole.ui.screens.base import ConsoleScreen
from opsconsole.ui.screens.service.log_pane import ServiceLogs
from opsconsole.ui.terminal import clipboard
from opsconsole.ui.widgets.footer_bar import FooterBar
from opsconsole.ui.widgets.header_bar import HeaderBar
from opsconsole.ui.widgets.prompt import Prompt


class LogsScreen(ConsoleScreen, inherit_bindings=False):
    """The pane between header and footer."""

    SCOPES: ClassVar[tuple[Scope, ...]] = (
        Scope.LOGS, Scope.LOG_WINDOWS, Scope.CHANGE, Scope.LIST, Scope.EVERYWHERE,
    )  # fmt: skip
    TITLE_OF_HELP = "logs"
    ABOUT_ONE = True
    BINDINGS = bindings(*SCOPES)

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def compose(self) -> ComposeResult:
        """One pane between header and footer."""
        yield HeaderBar(id="header")
        yield ServiceLogs(self._service, id="page")
        yield FooterBar(id="footer")

    def on_mount(self) -> None:
        """Open the logs; keys go to the pane."""
        self.pane.focus()
        self.pane.open_logs()
        super().on_mount()

    @property
    def pane(self) -> ServiceLogs:
        """The pane with the rows."""
        return self.query_one("#page", ServiceLogs)

    @property
    def actors(self) -> tuple[Widget, ...]:
        """The pane's actions take precedence over the screen's."""
        return (self.pane, self)

    @property
    def target(self) -> ServiceView | None:
        """The service whose logs these are."""
        return self.snapshot.service(self._service) if self.snapshot else None

    def show_body(self) -> None:
        """Update the title and the sources."""
        self.pane.show_logs(live_lines(self.console_app.time.is_live))

    # ---- keys ----

    def offers(self, key: Key) -> bool:
        """All keys except the one that opens this screen."""
        return key.id != "logs" and super().offers(key)

    def action_move(self, rows: int) -> None:
        """Move the cursor; up ends following."""
        self.pane.move(rows)

    def action_edge(self, end: int) -> None:
        """To the beginning, or to the end and follow."""
        self.pane.move_to(10**9 if end else 0)

    def action_page(self, pages: float) -> None:
        """Scroll by screens; never acts."""
        self.pane.page(pages)

    def action_match(self, step: int) -> None:
        """To the next line that the filter selects."""
        self.pane.action_match(step)

    def action_panel(self, number: int) -> None:
        """A window of time."""
        self.pane.window(number)

    def action_pause(self) -> None:
        """Hold the rows, or continue; while another moment is shown, return to now."""
        if self.console_app.time.is_live:
            self.pane.hold()
        else:
            self.console_app.time.pause()

    def action_filter(self) -> None:
        """Type a filter at the bottom."""
        self.ask(self.pane.filter_prompt())

    @on(Prompt.Typed)
    def _typed(self, message: Prompt.Typed) -> None:
        self.pane.filter(message.text)

    def action_copy(self) -> None:
        """Copy the line under the cursor."""
        line = self.pane.line
        clipboard.copy(self.console_app, line.text if line is not None else "")

    def action_back(self) -> None:
        """Undo the filter, then go back to the previous screen."""
        if not self.pane.clear_filter():
            self.dismiss()
