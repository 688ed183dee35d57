"""The plan dialog: what exactly would be done, the word that allows it, and how it went.

Invariant: enter never starts a change; nothing typed before the dialog could be read counts;
the start opens only when the words that policy asks for are typed. The targets are the plan's
own, whatever the table behind shows. Closing the dialog never stops an operation.
"""

from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.widgets import Input

from opsconsole.model.operation import (
    ActionRequest,
    Confirmation,
    ConfirmLevel,
    Operation,
    Plan,
    Refusal,
)
from opsconsole.render.forms import plan as render
from opsconsole.render.forms.request import OVERRIDABLE
from opsconsole.render.ink.cells import BLANK, Line, Role, Span, titled
from opsconsole.ui.messages import OperationStarted
from opsconsole.ui.screens.dialog import Dialog
from opsconsole.ui.widgets.choice import Choice
from opsconsole.ui.widgets.lines_view import LinesView

REASON_LIMIT = 200


class PlanScreen(Dialog, inherit_bindings=False):
    """Reads a plan, asks for the word, follows the run."""

    CAREFUL = True
    TITLE_OF_HELP = "plan"
    BINDINGS: ClassVar[list[Binding | tuple[str, str] | tuple[str, str, str]]] = [
        Binding("escape", "close", "close", show=False, id="plan-close"),
        Binding("tab,right", "app.focus_next", "next", show=False, id="plan-next"),
        Binding("shift+tab,left", "app.focus_previous", "back", show=False, id="plan-previous"),
        Binding("down", "scroll(1)", "down", show=False, id="plan-down"),
        Binding("up", "scroll(-1)", "up", show=False, id="plan-up"),
        Binding("ctrl+d,pagedown", "scroll(8)", "page down", show=False, id="plan-page-down"),
        Binding("ctrl+u,pageup", "scroll(-8)", "page up", show=False, id="plan-page-up"),
    ]

    def __init__(self, request: ActionRequest, plan: Plan | None, refusal: Refusal | None) -> None:
        super().__init__()
        self._request = request
        self.plan = plan
        self._refusal = refusal
        self._operation: Operation | None = None
        self._sent = False
        self._hint = ""

    def compose(self) -> ComposeResult:
        """The plan, the fields that policy asks for, and two choices: Cancel first."""
        with Vertical(id="box"):
            yield LinesView(id="plan-lines")
            if self.plan is not None and self._refusal is None:
                yield from self._fields(self.plan)
            with Horizontal(id="choices"):
                yield Choice("Cancel", id="cancel", harmless=True)
                if self.plan is not None and self._refusal is None:
                    yield Choice(render.title(self.plan), id="start")
                elif self._refusal is not None and self._refusal.code in OVERRIDABLE:
                    yield Choice("With an override …", id="override", harmless=True)

    def _fields(self, plan: Plan) -> ComposeResult:
        if plan.confirm is not ConfirmLevel.CHOICE:
            yield Input(id="typed", placeholder="the service's name", max_length=80)
        if plan.confirm is ConfirmLevel.TYPED_NAME_AND_REASON:
            yield Input(plan.reason, id="reason", placeholder="the reason", max_length=REASON_LIMIT)

    def on_mount(self) -> None:
        """Cancel has the focus; the start waits for the words."""
        for field in self.query(Input):
            field.cursor_blink = False
        self.query_one("#cancel", Choice).focus()
        self._judge()
        super().on_mount()

    # ---- showing ----

    @property
    def operation(self) -> Operation | None:
        """The run as the latest snapshot has it."""
        started, latest = self._operation, self.console_app.bridge.latest
        if started is None or latest is None:
            return started
        return next((run for run in latest.operations if run.id == started.id), started)

    def show(self) -> None:
        """Fit the lines to the terminal and bring them up to date."""
        if not self.query("#plan-lines") or not self.query("#cancel"):
            return
        view = self.query_one("#plan-lines", LinesView)
        width = max(20, min(84, int(self.size.width * 0.96)) - 4)
        lines = self._lines(width)
        extra = 4 + len(self.query(Input))
        rows = max(3, min(len(lines) + 2, int(self.size.height * 0.92) - extra))
        view.styles.height = rows
        view.show(lines, (self._title(width), BLANK))
        if self.operation is not None or self._refusal is not None:
            self._only_close()

    def _title(self, width: int) -> Line:
        what = render.title(self.plan) if self.plan else _asked(self._request)
        where = self.plan.environment if self.plan else ""
        return titled(what, width, focused=True, note=(Span(where, Role.STRONG),) if where else ())

    def _lines(self, width: int) -> list[Line]:
        now = self.console_app.clock.now()
        run = self.operation
        if self._refusal is not None:
            return render.refusal(self._refusal, width)
        if run is not None:
            tail: Line = (Span(" esc closes this; the operation goes on", Role.MUTED),)
            return [*render.operation(run, width, now), *([] if run.state.final else [BLANK, tail])]
        if self.plan is None:
            return [(Span(" nothing came back", Role.UNKNOWN),)]
        said = self._hint or ("starting …" if self._sent else render.question(self.plan))
        hint: Line = (Span(f" {said}", Role.ACCENT),)
        return [*render.lines(self.plan, width, now), BLANK, hint]

    def _only_close(self) -> None:
        """Once it runs or was refused there is nothing left to choose, or to cancel."""
        for widget in self.query("#start, #typed, #reason"):
            widget.display = False
        self.query_one("#cancel", Choice).rename("Close")

    # ---- confirming ----

    def _confirmation(self) -> Confirmation | None:
        """What was typed, when it is what policy asks for."""
        plan = self.plan
        if plan is None or self._sent:
            return None
        if plan.confirm is ConfirmLevel.CHOICE:
            return Confirmation()
        typed = self.query_one("#typed", Input).value.strip()
        if typed != plan.service:
            return None
        if plan.confirm is ConfirmLevel.TYPED_NAME:
            return Confirmation(typed)
        reason = self.query_one("#reason", Input).value.strip()
        return Confirmation(typed, reason) if reason else None

    def _judge(self) -> None:
        for start in self.query("#start"):
            if isinstance(start, Choice):
                start.allow(self._confirmation() is not None)

    @on(Input.Changed)
    def _changed(self) -> None:
        self._judge()

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self._hint = "enter starts nothing: tab to the action and press space"
        self.app.action_focus_next()
        self.show()

    @on(Choice.EnterRefused)
    def _enter_refused(self) -> None:
        self._hint = "enter starts nothing: press space"
        self.show()

    @on(Choice.Chosen)
    def _chosen(self, message: Choice.Chosen) -> None:
        confirmation = self._confirmation()
        if message.choice.id == "cancel":
            self.action_close()
        elif message.choice.id == "override":
            self._override()
        elif confirmation is not None and self.plan is not None:
            self._sent = True
            self._judge()
            self.query_one("#cancel", Choice).focus()
            self.console_app.changes.confirm(self.plan, confirmation)
            self.show()

    def _override(self) -> None:
        """Open the form of the same request with an override; it asks for a reason."""
        from opsconsole.ui.screens.request import RequestScreen

        asked, latest = self._request, self.console_app.bridge.latest
        service = latest.service(asked.service) if latest else None
        views = [view for view in service.actions if view.kind is asked.kind] if service else []
        self.action_close()
        for view in views:
            if service is not None and view.name == asked.name:
                about = replace(view, refusal=self._refusal)
                self.app.push_screen(RequestScreen((service,), about, override=True))

    def started(self, message: OperationStarted) -> None:
        """The executor's answer: a run to follow, or a refusal."""
        if self.plan is None or message.plan.id != self.plan.id:
            return
        self._operation, self._refusal = message.operation, message.refusal
        self.show()

    def action_scroll(self, rows: int) -> None:
        """Scroll the plan."""
        self.query_one("#plan-lines", LinesView).move(rows)


def _asked(request: ActionRequest) -> str:
    return f"{request.kind.value} {request.service}"
