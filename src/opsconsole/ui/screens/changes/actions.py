"""The menu of actions on a service, with blocked ones and the reasons.

Invariant: choosing an action opens a plan; nothing starts from here. What blocks an action is what
blocks it now; which actions are listed does not change under the cursor.
"""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical

from opsconsole.model.operation import ActionView
from opsconsole.model.snapshot import ServiceView
from opsconsole.render.forms.actions import about_lines, menu_line, nothing
from opsconsole.render.ink.cells import BLANK, Role, Span, titled
from opsconsole.render.ink.own_keys import enter
from opsconsole.ui.screens.dialog import Dialog
from opsconsole.ui.widgets.grid_table import GridTable, Listing
from opsconsole.ui.widgets.line_widget import LineWidget

ABOUT_ROWS = 5


class ActionsScreen(Dialog, inherit_bindings=False):
    """A list of actions; enter opens the plan of the one under the cursor."""

    CAREFUL = True
    TITLE_OF_HELP = "actions"
    BINDINGS: ClassVar[list[Binding | tuple[str, str] | tuple[str, str, str]]] = [
        Binding("escape,q,x", "close", "close", show=False, id="actions-close"),
        Binding("j,down", "move(1)", "down", show=False, id="actions-down"),
        Binding("k,up", "move(-1)", "up", show=False, id="actions-up"),
        Binding("enter", "plan", "open the plan", show=False, id="actions-plan"),
    ]

    def __init__(self, targets: tuple[ServiceView, ...], views: tuple[ActionView, ...]) -> None:
        super().__init__()
        self._targets = targets
        self._views = {f"{view.kind}:{view.name}": view for view in views}

    def compose(self) -> ComposeResult:
        """One table."""
        with Vertical(id="box"):
            yield GridTable(id="menu")
            yield LineWidget(id="about")

    def on_mount(self) -> None:
        """Keys go to the menu."""
        self.query_one(GridTable).focus()
        super().on_mount()

    def show(self) -> None:
        """The actions with their reasons."""
        if not self.query("#about"):
            return
        self._renew()
        table = self.query_one(GridTable)
        width = max(20, min(84, int(self.size.width * 0.96)) - 4)
        table.styles.height = min(len(self._views) + 3, max(6, self.size.height - 8))
        self.query_one("#about").styles.height = ABOUT_ROWS
        names = ", ".join(service.name for service in self._targets)
        note = (Span(f"{enter()} opens the plan", Role.MUTED),)
        table.list(
            Listing(
                (titled(f"actions on {names}", width, focused=True, note=note), BLANK),
                tuple(self._views),
                lambda key: menu_line(self._views[key], width),
                tuple(nothing()),
            )
        )
        self._show_about()

    def _renew(self) -> None:
        """Take the newest word on each action: the first service that has it says it."""
        latest = self.console_app.bridge.latest
        services = [latest.service(each.name) for each in self._targets] if latest else []
        for service in reversed(services):
            for view in service.actions if service else ():
                if (key := f"{view.kind}:{view.name}") in self._views:
                    self._views[key] = view

    @on(GridTable.CursorMoved)
    def _show_about(self) -> None:
        """What the action under the cursor does; if blocked, why and what would lift it."""
        about = self.query_one("#about", LineWidget)
        view = self._views.get(self.query_one(GridTable).cursor_key or "")
        lines = about_lines(view, about.size.width) if view else []
        about.paint_lines(lines[:ABOUT_ROWS])

    def action_move(self, rows: int) -> None:
        """Move the cursor."""
        self.query_one(GridTable).move(rows)

    @on(GridTable.Opened)
    def action_plan(self) -> None:
        """Request the plan of the action under the cursor; the executor may refuse."""
        key = self.query_one(GridTable).cursor_key
        if key is not None:
            self.dismiss()
            self.console_app.changes.request(self._targets, self._views[key])
