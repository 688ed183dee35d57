"""The form before a plan: a reason, an end, a number or a backup, as the action requires.

Invariant: nothing starts from a form. Enter in a field moves to the next; only the last choice
opens the plan, and the user confirms the plan.
"""

from dataclasses import replace
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.widgets import Input

from opsconsole.model.asked.backups import BackupView
from opsconsole.model.asked.questions import BackupsOf
from opsconsole.model.operation import ActionKind, ActionRequest, Refusal
from opsconsole.render.forms import request as render
from opsconsole.render.ink.cells import Line, Role, Span, clip, titled, wrap
from opsconsole.ui.routes import RequestDialog, Route
from opsconsole.ui.screens.dialog import Dialog
from opsconsole.ui.widgets.backup_list import BackupList
from opsconsole.ui.widgets.choice import Choice
from opsconsole.ui.widgets.line_widget import LineWidget

LIST_ROWS = 10


class RequestScreen(Dialog, inherit_bindings=False):
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
        self._problem: render.Problem | None = None
        self._fields = tuple(
            replace(field, value=route.typed.get(field.id, field.value))
            for field in render.fields(view, override=route.override)
        )

    def compose(self) -> ComposeResult:
        """The title, the fields, and two choices."""
        with Vertical(id="box"):
            yield LineWidget(id="asks")
            if self._view.kind is ActionKind.RESTORE:
                yield BackupList(self._targets[0].name, id="backup-list")
            for field in self._fields:
                yield LineWidget(id=f"label-{field.id}")
                yield Input(
                    field.value,
                    id=field.id,
                    placeholder=field.hint,
                    max_length=render.REASON_LIMIT,
                    select_on_focus=False,
                )
            yield LineWidget(id="says")
            with Horizontal(id="choices"):
                yield Choice("Show the plan", id="plan", harmless=True)
                yield Choice("Cancel", id="cancel", harmless=True)

    def on_mount(self) -> None:
        """The first thing to fill in has the focus."""
        for field in self.query(Input):
            field.cursor_blink = False
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
        width = max(20, min(84, int(self.size.width * 0.96)) - 4)
        asks = self.query_one("#asks", LineWidget)
        lines = self._asks(width)
        asks.styles.height = len(lines)
        asks.paint_lines(lines)
        for field in self._fields:
            label = self.query_one(f"#label-{field.id}", LineWidget)
            label.paint_lines([(Span(f" {field.label}", Role.MUTED),)])
        for backups in self.query(BackupList):
            backups.show((), self.console_app.clock.now())
            if not backups.touched:
                backups.move_to_key(self._backup)
        problem = self._problem
        said = problem.text if problem else self._says()
        role = Role.STRONG if problem else Role.MUTED
        says = self.query_one("#says", LineWidget)
        says.paint_lines([(Span(f" {clip(said, width - 2)}", role),)])

    def _asks(self, width: int) -> list[Line]:
        view = self._view
        names = ", ".join(service.name for service in self._targets)
        title = f"{view.kind.value} {names}"
        note = (Span("esc cancels", Role.MUTED),)
        lines: list[Line] = [titled(title, width, focused=True, note=note)]
        lines += [(Span(f" {part}", Role.MUTED),) for part in wrap(view.summary, width - 2)[:2]]
        why = self._why
        if self._override and view.refusal is not None:
            why = why or view.refusal.message
        if why:
            lines += [
                (Span(f" {part}", Role.TEXT),) for part in wrap(f"refused: {why}", width - 2)[:3]
            ]
        return lines

    def _says(self) -> str:
        if self._view.kind is ActionKind.DEGRADE:
            return render.end_line(self._values(), self._view, self.console_app.clock.now())
        if self._view.kind is ActionKind.RESTORE:
            return "j and k choose; the plan says what would be replaced"
        return "nothing starts from here: the plan is shown first"

    def _values(self) -> dict[str, str]:
        return {field.id or "": field.value for field in self.query(Input)}

    # ---- filling in ----

    @on(Input.Changed)
    def _changed(self) -> None:
        self._problem = None
        self.show()

    def taken(self, event: events.Event) -> bool:
        """Enter moves to the next field at once."""
        return self.edited(event, self.focus_next)

    @on(Input.Submitted)
    def action_next(self) -> None:
        """Enter moves to the next field."""
        self.focus_next()

    @on(Choice.Chosen)
    def _chosen(self, message: Choice.Chosen) -> None:
        if message.choice.id == "cancel":
            self.action_close()
            return
        with self.console_app.pressed(message.at):
            self._ask()

    def _ask(self) -> None:
        """Request the plans, or show beside the field what is missing."""
        refusal = self.console_app.changes.refusal
        if refusal:
            self._refuse(render.Problem("", refusal))
            return
        backup = None
        for backups in self.query(BackupList):
            if self._backup and not backups.touched:
                gone = f"{self._backup} is not in the list: choose with j and k"
                self._refuse(render.Problem("backup", gone))
                return
            backup = backups.restorable
        requests: list[ActionRequest] = []
        for service in self._targets:
            request = render.read(
                service.name,
                self._view,
                self._values(),
                backup=backup.id if backup else "",
                override=self._override,
            )
            if isinstance(request, render.Problem):
                self._refuse(request)
                return
            requests.append(request)
        values, chosen = self._values(), backup.id if backup else ""

        def again(services: frozenset[str], why: str) -> Route:
            refused = tuple(each for each in self._targets if each.name in services)
            return RequestDialog(refused, self._view, self._override, chosen, values, why)

        self.dismiss()
        self.console_app.changes.request_all(requests, again)

    def _refuse(self, problem: render.Problem) -> None:
        self._problem = problem
        if problem.field:
            for field in self.query(f"Input#{problem.field}, BackupList"):
                field.focus()
        self.show()

    def action_move(self, rows: int) -> None:
        """Move in the list of backups."""
        self._problem = None
        for backups in self.query(BackupList):
            backups.move(rows)

    def _listed(self, answer: tuple[BackupView, ...] | Refusal) -> None:
        for backups in self.query(BackupList):
            backups.take(answer)
        self.show()
