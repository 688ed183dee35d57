"""The operations of all consoles: running ones step by step, and the verdicts of the last ones.

Invariant: the selection is an operation's id; looking stops and starts nothing. A follow-up opens a
plan, as everywhere.
"""

from typing import ClassVar

from textual import on

from opsconsole.model.asked.questions import GiveUp, StopRollback
from opsconsole.model.operation import ActionView, Operation, OperationState, Refusal
from opsconsole.model.snapshot import ServiceView
from opsconsole.render import operations as render
from opsconsole.render.frame.keys import Key, Scope
from opsconsole.render.ink.cells import BLANK, Line, Role, Span, titled
from opsconsole.render.ink.own_keys import enter
from opsconsole.ui.bindings import bindings
from opsconsole.ui.routes import OperationPage, RequestDialog, ServicePage
from opsconsole.ui.screens.base import ConsoleScreen
from opsconsole.ui.screens.layouts import ListScreen, PageScreen
from opsconsole.ui.widgets.grid_table import GridTable, Listing


class OperationBase(ConsoleScreen, inherit_bindings=False):
    """What the list and the details share: the selected operation and its follow-ups."""

    @property
    def run(self) -> Operation | None:
        """The operation that keys act on."""
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
        """Follow-up keys are shown if the verdict asks for one; what is about the whole service
        is offered on its own screen."""
        run = self.run
        if key.scope is Scope.CHANGE:
            return False
        if key.id == "open":
            return run is not None
        if key.id == "again":
            return run is not None and run.state in render.UNHAPPY
        if key.id == "stop-rollback":
            return run is not None and run.rollback_at is not None
        if key.id == "give-up":
            return run is not None and run.state is OperationState.VERIFYING
        return super().offers(key)

    def action_describe(self) -> None:
        """Open the service."""
        if self.target is None:
            self.say("this operation is of no service that is shown here")
            return
        self.console_app.open(ServicePage(self.target.name))

    def action_stop_rollback(self) -> None:
        """Stop the rollback that the operation armed."""
        run = self.run
        if run is None or run.rollback_at is None:
            self.say("no rollback waits to follow this operation")
        elif self.console_app.read_only:
            self.say("read-only: a console that may change things can stop it")
        elif not self.refuses():
            self.console_app.bridge.ask(StopRollback(run.id), self._rollback_stopped)

    def _rollback_stopped(self, answer: Operation | Refusal) -> None:
        refused = isinstance(answer, Refusal)
        self.console_app.say(f"not stopped: {answer}" if refused else "the rollback is stopped")

    def action_give_up(self) -> None:
        """End verifying the operation."""
        if self.refuses():
            return
        run = self.run
        if run is None or run.state is not OperationState.VERIFYING:
            self.say("this operation is not being verified")
        elif self.console_app.read_only:
            self.say("read-only: a console that may change things can give it up")
        else:
            self.console_app.bridge.ask(GiveUp(run.id), self._was_given_up)

    def _was_given_up(self, answer: Operation | Refusal) -> None:
        refused = isinstance(answer, Refusal)
        self.console_app.say(f"not given up: {answer}" if refused else "verifying ends")

    def action_say_when(self) -> None:
        """Ask to hear of the verdict; once more, no longer."""
        from opsconsole.model.awaited import of_operation

        run = self.run
        if run is None or run.state.final:
            self.say("this operation has its verdict" if run else "no operation is selected")
        else:
            self.say(self.console_app.awaiting.ask(of_operation(run)))

    def action_again(self) -> None:
        """Ask for the same once more, with an override and a reason."""
        if self.refuses():
            return
        if self.target is None or self.view is None:
            self.say("this action is not declared any more")
            return
        self.console_app.open(RequestDialog((self.target,), self.view, override=True))


class OperationsScreen(ListScreen, OperationBase, inherit_bindings=False):
    """A table of operations, and below it the one under the cursor, live."""

    SCOPES: ClassVar[tuple[Scope, ...]] = (
        Scope.OPERATIONS, Scope.OPEN, Scope.CHANGE, Scope.LIST, Scope.EVERYWHERE,
    )  # fmt: skip
    TITLE_OF_HELP = "operations"
    TABLE = "operations"
    BINDINGS = bindings(*SCOPES)

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
        view, run = self.details, self.run
        width = view.size.width
        if run is None:
            view.show([])
            return
        note: Line = (Span(f"{enter()} opens it", Role.MUTED),)
        top = titled(f"{render.what(run)} {run.service}", width, note=note)
        view.show(render.details(run, self.target, width, self.now), (top, BLANK))

    @on(GridTable.Opened)
    def action_open(self) -> None:
        """Open the operation on the whole screen; never acts."""
        if self.run is not None:
            self.console_app.open(OperationPage(self.run.id))

    def action_match(self, step: int) -> None:
        """Go to the next operation with a bad verdict."""
        runs = self.snapshot.operations if self.snapshot else ()
        bad = {run.id for run in runs if run.state in render.UNHAPPY}
        self.table.seek(bad.__contains__, step)


class OperationScreen(PageScreen, OperationBase, inherit_bindings=False):
    """One operation in full: steps, verdict, evidence, and what can be done next."""

    SCOPES: ClassVar[tuple[Scope, ...]] = (
        Scope.OPERATIONS, Scope.CHANGE, Scope.LIST, Scope.EVERYWHERE,
    )  # fmt: skip
    TITLE_OF_HELP = "operation"
    ABOUT_ONE = True
    BINDINGS = bindings(*SCOPES)

    def __init__(self, operation: str) -> None:
        super().__init__()
        self._operation = operation

    @property
    def run(self) -> Operation | None:
        """The operation, as long as it is among the latest ones."""
        runs = self.snapshot.operations if self.snapshot else ()
        return next((run for run in runs if run.id == self._operation), None)

    def show_body(self) -> None:
        """Everything that the journal has about it."""
        width, run = self.page.size.width, self.run
        if run is None:
            gone: Line = (Span("  this operation is not among the latest any more", Role.UNKNOWN),)
            self.page.show([gone], (titled("Operation", width, focused=True), BLANK))
            return
        title = f"{render.what(run)} {run.service}"
        top = (titled(title, width, focused=True), BLANK)
        self.page.show(render.details(run, self.target, width, self.now), top)
