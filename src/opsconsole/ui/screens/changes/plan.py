"""The plan dialog: what exactly would be done, the typed confirmation, and the operation's
progress.

Invariant: it opens as soon as the plan is requested, and takes the keys; input from before the plan
could be read does not count. Enter never starts a change; the start choice is enabled only when the
words that policy requires are typed. The targets are the plan's own, whatever the table behind
shows. Closing the dialog never stops an operation.
"""

from dataclasses import replace
from typing import ClassVar

from textual import events, on
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
from opsconsole.model.questions import Perform, PlanFor
from opsconsole.render.forms import plan as render
from opsconsole.render.forms.request import OVERRIDABLE
from opsconsole.render.ink.cells import BLANK, Line, Role, Span, titled
from opsconsole.ui.routes import RequestDialog
from opsconsole.ui.screens.dialog import Dialog
from opsconsole.ui.widgets.choice import Choice
from opsconsole.ui.widgets.lines_view import LinesView

REASON_LIMIT = 200


class PlanScreen(Dialog, inherit_bindings=False):
    """Shows a plan, asks for confirmation, follows the operation."""

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

    def __init__(self, request: ActionRequest) -> None:
        super().__init__()
        self._request = request
        self._plan: Plan | None = None
        self._refusal: Refusal | None = None
        self._operation: Operation | None = None
        self._sent = False
        self._hint = ""

    def compose(self) -> ComposeResult:
        """Space for the plan, and the cancel choice; the rest comes with the plan."""
        with Vertical(id="box"):
            yield LinesView(id="plan-lines")
            with Horizontal(id="choices"):
                yield Choice("Cancel", id="cancel", harmless=True)

    def on_mount(self) -> None:
        """Request the plan."""
        self.query_one("#cancel", Choice).focus()
        console, request = self.console_app, self._request
        if not console.time.is_live:
            # Policy refuses a request made while a past moment was shown.
            request = replace(request, seen_at=console.time.now)
        console.bridge.ask(PlanFor(request), self._planned, asker=self)
        super().on_mount()

    def _planned(self, answer: Plan | Refusal) -> None:
        """The plan, or why there is none, has arrived: from here on it can be read."""
        self.readable_from_now()
        choices = self.query_one("#choices")
        if isinstance(answer, Plan):
            self._plan = answer
            fields = _fields(answer)
            self.query_one("#box").mount(*fields, before=choices)
            choices.mount(Choice(render.title(answer), id="start"))
            for field in fields[:1]:
                field.focus()
            self._judge()
        else:
            self._refusal = answer
            if answer.code in OVERRIDABLE:
                choices.mount(Choice("With an override …", id="override", harmless=True))
        self.show()

    def too_early(self, event: events.Event) -> bool:
        """Until the plan has arrived, the only key is the one that drops it."""
        if super().too_early(event):
            return True
        awaited = self._plan is None and self._refusal is None
        early = awaited and isinstance(event, events.Key) and event.key not in {"escape", "ctrl+c"}
        if early:
            self.console_app.say("the plan is being made: esc drops it")
        return early

    def action_close(self) -> None:
        """Close, with a notice if nothing was started."""
        if self.is_current and not self._sent:
            self.console_app.say("nothing was started")
        super().action_close()

    # ---- showing ----

    @property
    def operation(self) -> Operation | None:
        """The operation as the latest snapshot has it."""
        started, latest = self._operation, self.console_app.bridge.latest
        if started is None or latest is None:
            return started
        return next((run for run in latest.operations if run.id == started.id), started)

    def show(self) -> None:
        """Fit the lines to the terminal and update them."""
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
        what = render.title(self._plan) if self._plan else _asked(self._request)
        where = self._plan.environment if self._plan else ""
        return titled(what, width, focused=True, note=(Span(where, Role.STRONG),) if where else ())

    def _lines(self, width: int) -> list[Line]:
        now = self.console_app.clock.now()
        run = self.operation
        if self._refusal is not None:
            return render.refusal(self._refusal, width)
        if run is not None:
            tail: Line = (Span(" esc closes this; the operation goes on", Role.MUTED),)
            return [*render.operation(run, width, now), *([] if run.state.final else [BLANK, tail])]
        if self._plan is None:
            return [(Span(f" {self._hint or 'planning …'}", Role.ACCENT),)]
        said = self._hint or ("starting …" if self._sent else render.question(self._plan))
        hint: Line = (Span(f" {said}", Role.ACCENT),)
        return [*render.lines(self._plan, width, now), BLANK, hint]

    def _only_close(self) -> None:
        """Once it runs or was refused there is nothing left to choose or cancel."""
        for widget in self.query("#start, #typed, #reason"):
            widget.display = False
        self.query_one("#cancel", Choice).rename("Close")

    # ---- confirming ----

    def _confirmation(self) -> Confirmation | None:
        """The confirmation, if the typed text is what policy requires."""
        plan = self._plan
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
        elif confirmation is not None and self._plan is not None:
            self._start(self._plan, confirmation)

    def _start(self, plan: Plan, confirmation: Confirmation) -> None:
        self._sent = True
        self._judge()
        self.query_one("#cancel", Choice).focus()
        self.console_app.bridge.ask(Perform(plan, confirmation), self._started)
        self.show()

    def _started(self, answer: Operation | Refusal) -> None:
        """Follow the operation, or show a refusal, as a notice if the dialog is already closed."""
        if isinstance(answer, Operation):
            self._operation = answer
        else:
            self._refusal = answer
            if not self.is_current:
                self.console_app.say(f"not started: {answer}")
        self.show()

    def _override(self) -> None:
        """Open the form of the same request with an override, which needs a reason."""
        asked, latest = self._request, self.console_app.bridge.latest
        service = latest.service(asked.service) if latest else None
        views = [view for view in service.actions if view.kind is asked.kind] if service else []
        self.action_close()
        for view in views:
            if service is not None and view.name == asked.name:
                about = replace(view, refusal=self._refusal)
                self.console_app.open(RequestDialog((service,), about, override=True))

    def action_scroll(self, rows: int) -> None:
        """Scroll the plan."""
        self.query_one("#plan-lines", LinesView).move(rows)


def _asked(request: ActionRequest) -> str:
    return f"{request.kind.value} {request.service}"


def _fields(plan: Plan) -> list[Input]:
    """The text that policy requires before ``plan`` is started."""
    fields = []
    if plan.confirm is not ConfirmLevel.CHOICE:
        fields.append(Input(id="typed", placeholder="the service's name", max_length=80))
    if plan.confirm is ConfirmLevel.TYPED_NAME_AND_REASON:
        fields.append(
            Input(plan.reason, id="reason", placeholder="the reason", max_length=REASON_LIMIT)
        )
    for field in fields:
        field.cursor_blink = False
    return fields
