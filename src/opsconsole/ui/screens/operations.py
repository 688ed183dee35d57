"""The operations of every console: what runs, step by step, and what came of the last ones.

Invariant: what is selected is an operation's id; looking stops and starts nothing. What one
wants done next opens a plan, as everywhere.
"""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult

from opsconsole.model.operation import ActionView, Operation
from opsconsole.model.snapshot import ServiceView
from opsconsole.render import operations as render
from opsconsole.render.cells import BLANK, Line, Role, Span, plain, titled
from opsconsole.render.keys import Key, Scope
from opsconsole.ui import clipboard
from opsconsole.ui.bindings import bindings
from opsconsole.ui.screens.base import ConsoleScreen
from opsconsole.ui.widgets.footer_bar import FooterBar
from opsconsole.ui.widgets.grid_table import GridTable, Listing
from opsconsole.ui.widgets.header_bar import HeaderBar
from opsconsole.ui.widgets.lines_view import LinesView


class OperationBase(ConsoleScreen, inherit_bindings=False):
    """What the list and the details share: the operation at hand and what can follow it."""

    @property
    def run(self) -> Operation | None:
        """The operation that keys are about."""
        return None

    @property
    def target(self) -> ServiceView | None:
        """The service of the operation."""
        run, snapshot = self.run, self.snapshot
        return snapshot.service(run.service) if run and snapshot else None

    @property
    def view(self) -> ActionView | None:
        """The action of the operation, where it is still declared."""
        run, service = self.run, self.target
        if run is None or service is None:
            return None
        found = [view for view in service.actions if view.kind is run.kind]
        return next((view for view in found if view.name == run.name), None)

    def offers(self, key: Key) -> bool:
        """What can follow a verdict is shown where there is one that asks for it."""
        run = self.run
        if key.id == "again":
            return run is not None and run.state in render.UNHAPPY
        if key.id == "stop-rollback":
            return run is not None and run.rollback_at is not None
        return super().offers(key)

    def action_describe(self) -> None:
        """Open the service."""
        if self.target is None:
            self.say("this operation is of no service that is shown here")
            return
        from opsconsole.ui.screens.service import ServiceScreen

        self.app.push_screen(ServiceScreen(self.target.name))

    def action_stop_rollback(self) -> None:
        """Keep the rollback that the operation armed from being begun."""
        run = self.run
        if run is None or run.rollback_at is None:
            self.say("no rollback waits to follow this operation")
        elif self.console_app.read_only:
            self.say("read-only: a console that may change things can stop it")
        else:
            self.console_app.bridge.stop_rollback(run.id)

    def action_again(self) -> None:
        """Ask for the same once more, with an override and a reason."""
        if self.target is None or self.view is None:
            self.say("this action is not declared any more")
            return
        from opsconsole.ui.screens.request import RequestScreen

        self.app.push_screen(RequestScreen((self.target,), self.view, override=True))


class OperationsScreen(OperationBase, inherit_bindings=False):
    """A table of operations, and below it the one under the cursor, live."""

    SCOPES: ClassVar[tuple[Scope, ...]] = (
        Scope.OPERATIONS, Scope.OPEN, Scope.CHANGE, Scope.LIST, Scope.EVERYWHERE,
    )  # fmt: skip
    TITLE_OF_HELP = "operations"
    BINDINGS = bindings(*SCOPES)

    def compose(self) -> ComposeResult:
        """The table over the details."""
        yield HeaderBar(id="header")
        yield GridTable(id="operations", selects=True)
        yield LinesView(id="details")
        yield FooterBar(id="footer")

    def on_mount(self) -> None:
        """Keys go to the table."""
        self.table.focus()
        super().on_mount()

    @property
    def table(self) -> GridTable:
        """The table."""
        return self.query_one("#operations", GridTable)

    @property
    def run(self) -> Operation | None:
        """The operation under the cursor."""
        runs = self.snapshot.operations if self.snapshot else ()
        key = self.table.cursor_key if self.is_mounted else None
        return next((run for run in runs if run.id == key), None)

    def show_body(self) -> None:
        """Fill the table, then the details of the row under the cursor."""
        width, now, snapshot = self.table.size.width, self.now, self.snapshot
        runs = {run.id: run for run in render.order(snapshot.operations if snapshot else ())}
        going = len(render.under_way(snapshot))
        self.table.styles.height = max(5, min(len(runs) + 3, (self.size.height - 3) * 2 // 5))
        note = (Span(f"{going} under way" if going else "nothing under way", Role.MUTED),)
        self.table.list(
            Listing(
                (titled("Operations", width, focused=True, note=note), BLANK),
                tuple(runs),
                lambda key: render.row(runs[key], width, now),
                tuple(render.none_yet()),
            )
        )
        self._show_details()

    @on(GridTable.CursorMoved)
    def _show_details(self) -> None:
        view, run = self.query_one("#details", LinesView), self.run
        width = view.size.width
        if run is None:
            view.show([])
            return
        note: Line = (Span("enter opens it", Role.MUTED),)
        top = titled(f"{render.what(run)} {run.service}", width, note=note)
        view.show(render.details(run, self.target, width, self.now), (top, BLANK))

    @on(GridTable.Opened)
    def action_open(self) -> None:
        """Open the operation on the whole screen; never acts."""
        if self.run is not None:
            self.app.push_screen(OperationScreen(self.run.id))

    def action_move(self, rows: int) -> None:
        """Move the cursor."""
        self.table.move(rows)

    def action_edge(self, end: int) -> None:
        """To the first or the last row."""
        self.table.move_to(10**9 if end else 0)

    def action_page(self, pages: float) -> None:
        """Scroll; never acts."""
        self.table.page(pages)

    def action_match(self, step: int) -> None:
        """To the next operation whose verdict is not good."""
        runs = self.snapshot.operations if self.snapshot else ()
        bad = {run.id for run in runs if run.state in render.UNHAPPY}
        self.table.seek(bad.__contains__, step)

    def action_copy(self) -> None:
        """Copy the row under the cursor."""
        text = next((text for text in clipboard.rows(self.table) if text), "")
        clipboard.copy(self.console_app, text)

    def action_back(self) -> None:
        """Back to where one came from."""
        self.dismiss()


class OperationScreen(OperationBase, inherit_bindings=False):
    """One operation in full: steps, verdict, evidence, and what can be done next."""

    SCOPES: ClassVar[tuple[Scope, ...]] = (
        Scope.OPERATIONS, Scope.CHANGE, Scope.LIST, Scope.EVERYWHERE,
    )  # fmt: skip
    TITLE_OF_HELP = "operation"
    BINDINGS = bindings(*SCOPES)

    def __init__(self, operation: str) -> None:
        super().__init__()
        self._operation = operation

    def compose(self) -> ComposeResult:
        """One page."""
        yield HeaderBar(id="header")
        yield LinesView(id="page")
        yield FooterBar(id="footer")

    def on_mount(self) -> None:
        """Keys go to the page."""
        self.page.focus()
        super().on_mount()

    @property
    def page(self) -> LinesView:
        """The page that is read."""
        return self.query_one("#page", LinesView)

    @property
    def run(self) -> Operation | None:
        """The operation, as long as it is among those that are read."""
        runs = self.snapshot.operations if self.snapshot else ()
        return next((run for run in runs if run.id == self._operation), None)

    def show_body(self) -> None:
        """Everything that the journal has of it."""
        width, run = self.page.size.width, self.run
        if run is None:
            gone: Line = (Span("  this operation is not among the latest any more", Role.UNKNOWN),)
            self.page.show([gone], (titled("Operation", width, focused=True), BLANK))
            return
        title = f"{render.what(run)} {run.service}"
        top = (titled(title, width, focused=True), BLANK)
        self.page.show(render.details(run, self.target, width, self.now), top)

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
        """To the next line that holds what was searched for."""
        self.page.next_match(step)

    def action_copy(self) -> None:
        """Copy the page."""
        clipboard.copy(self.console_app, plain(self.page.whole))

    def action_back(self) -> None:
        """Back to the list."""
        self.dismiss()
