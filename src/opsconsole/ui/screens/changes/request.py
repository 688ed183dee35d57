"""The form before a plan: a reason, an end, a number or a backup, as the action requires."""

from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical

from opsconsole.model.asked.backups import BackupView
from opsconsole.model.asked.questions import BackupsOf
from opsconsole.model.operation import ActionKind, ActionRequest, Refusal
from opsconsole.render.forms import request as render
from opsconsole.render.ink.cells import Line, Role, Span, clip, wrap
from opsconsole.ui.changes import Form
from opsconsole.ui.routes import RequestDialog, Route
from opsconsole.ui.screens.form import FormScreen
from opsconsole.ui.widgets.backup_list import BackupList
from opsconsole.ui.widgets.line_widget import LineWidget

LIST_ROWS = 10


class RequestScreen(FormScreen, inherit_bindings=False):
    """Makes a request for each of ``targets``; a restore is for one service at a time."""

    TITLE_OF_HELP = "request"
    BINDINGS: ClassVar[list[Binding | tuple[str, str] | tuple[str, str, str]]] = [
        Binding("escape", "close", "close", show=False, id="request-close"),
        Binding("tab", "app.focus_next", "next", show=False, id="request-next"),
        Binding("shift+tab", "app.focus_previous", "back", show=False, id="request-previous"),
        Binding("down,j", "move(1)", "down", show=False, id="request-down"),
        Binding("up,k", "move(-1)", "up", show=False, id="request-up"),
        Binding("enter", "next", "next", show=False, id="request-enter"),
    ]

    def __init__(self, route: RequestDialog) -> None:
        super().__init__()
        view = route.view
        self._targets = route.targets[:1] if view.kind is ActionKind.RESTORE else route.targets
        self._view = view
        self._override = route.override
        self._backup = route.backup
        self._why = route.why
        self._fields = tuple(
            replace(field, value=route.typed.get(field.id, field.value))
            for field in render.fields(view, override=route.override)
        )

    def compose(self) -> ComposeResult:
        """The title, the fields, and two choices."""
        with Vertical(id="box"):
            yield LineWidget(id="asks")
            if self._view.kind is ActionKind.RESTORE:
                yield BackupList(self._targets[0].name, id="backup")
            for field in self._fields:
                yield LineWidget(id=f"label-{field.id}")
                yield self.input_of(field, render.REASON_LIMIT)
            yield from self.end_parts()

    def on_mount(self) -> None:
        """The first thing to fill in has the focus."""
        for backups in self.query(BackupList):
            backups.styles.height = LIST_ROWS
            question = BackupsOf(self._targets[0].name)
            self.console_app.bridge.ask(question, self._listed, asker=self)
        first = next(iter(self.query("BackupList, Input, Choice")), None)
        if first is not None:
            first.focus()
        super().on_mount()

    # ---- showing ----

    def show(self) -> None:
        """The action and its targets, and what is wrong with the input so far."""
        if not self.query("#says"):
            return
        asks = self._asks()
        self.put("asks", asks, len(asks))
        for field in self._fields:
            self.label(field)
        for backups in self.query(BackupList):
            backups.show((), self.console_app.clock.now())
            if not backups.touched:
                backups.move_to_key(self._backup)
        problem = self._problem
        said = problem.text if problem else self._says()
        role = Role.STRONG if problem else Role.MUTED
        self.put("says", [(Span(f" {clip(said, self.width - 2)}", role),)], 1)

    def _asks(self) -> list[Line]:
        view = self._view
        names = ", ".join(service.name for service in self._targets)
        lines = self.head(f"{view.kind.value} {names}", [view.summary])
        why = self._why
        if self._override and view.refusal is not None:
            why = why or view.refusal.message
        if why:
            rows = wrap(f"refused: {why}", self.width - 2)[:3]
            lines += [(Span(f" {row}", Role.TEXT),) for row in rows]
        return lines

    def _says(self) -> str:
        if self._view.kind is ActionKind.DEGRADE:
            return render.end_line(self.values, self._view, self.console_app.clock.now())
        if self._view.kind is ActionKind.RESTORE:
            return "j and k choose; the plan says what would be replaced"
        return "nothing starts from here: the plan is shown first"

    # ---- filling in ----

    def read(self) -> list[ActionRequest] | render.Problem:
        """A request for each target."""
        backup = ""
        for backups in self.query(BackupList):
            if self._backup and not backups.touched:
                gone = f"{self._backup} is not in the list: choose with j and k"
                return render.Problem("backup", gone)
            backup = backups.restorable.id if backups.restorable else ""
        requests: list[ActionRequest] = []
        for service in self._targets:
            request = render.read(
                service.name, self._view, self.values, backup=backup, override=self._override
            )
            if isinstance(request, render.Problem):
                return request
            requests.append(request)
        return requests

    def again(self, requests: list[ActionRequest]) -> Form:
        """The same form, for those that were refused."""
        values, chosen = self.values, requests[0].parameters.get("backup", "")

        def refused(services: frozenset[str], why: str) -> Route:
            left = tuple(each for each in self._targets if each.name in services)
            return RequestDialog(left, self._view, self._override, chosen, values, why)

        return refused

    def action_move(self, rows: int) -> None:
        """Move in the list of backups."""
        self._problem = None
        for backups in self.query(BackupList):
            backups.move(rows)

    def _listed(self, answer: tuple[BackupView, ...] | Refusal) -> None:
        for backups in self.query(BackupList):
            backups.take(answer)
        self.show()
