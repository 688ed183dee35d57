"""The plan dialog: what a person decides by, the typed confirmation, and the operation's progress.

Invariant: its choices are visible at every size. It opens as soon as the plan is requested, and
takes the keys; input from before the plan could be read does not count. Enter never starts a
change; the start choice is enabled only when the words that policy requires are typed. The targets
are the plan's own, whatever the table behind shows. Closing the dialog never stops an operation.
"""

from dataclasses import replace
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.widgets import Input

from opsconsole.model.asked.questions import Perform, PlanFor
from opsconsole.model.operation import (
    ActionRequest,
    Confirmation,
    ConfirmLevel,
    Operation,
    Plan,
    Refusal,
)
from opsconsole.render.forms import decision
from opsconsole.render.forms import plan as render
from opsconsole.render.forms.decision import Setting
from opsconsole.render.forms.request import OVERRIDABLE, values_of
from opsconsole.render.ink.cells import (
    BLANK,
    Line,
    Role,
    Span,
    badge_role,
    clip_line,
    spread,
    titled,
)
from opsconsole.ui.routes import RequestDialog
from opsconsole.ui.screens.dialog import Dialog
from opsconsole.ui.widgets.choice import Choice
from opsconsole.ui.widgets.copy_list import CopyList
from opsconsole.ui.widgets.line_widget import LineWidget
from opsconsole.ui.widgets.lines_view import LinesView

REASON_LIMIT = 200
WIDEST = 100
"""Cells of the dialog with its frame, on a screen that is wide enough."""
PLANNING_ROWS = 8
"""Lines that are kept while the plan is made, so that little jumps when it comes."""
FRAME = 6
"""Rows around plan and form: the keys, the frame, the title, the choices with a blank above."""
LEAST_ROWS = 11
"""Lines of the plan that the list of copies leaves."""
ORDER = ("typed", "reason", "start", "override", "copies", "cancel")
"""In which order tab leads through the parts."""
COPY_ROWS = 6
"""How many copies are listed; more are chosen by ``--instance``."""


class PlanScreen(Dialog, inherit_bindings=False):
    """Shows a plan, asks for confirmation, follows the operation."""

    CAREFUL = True
    TITLE_OF_HELP = "plan"
    BINDINGS: ClassVar[list[Binding | tuple[str, str] | tuple[str, str, str]]] = [
        Binding("escape", "close", "close", show=False, id="plan-close"),
        Binding("tab,right", "turn(1)", "next", show=False, id="plan-next"),
        Binding("shift+tab,left", "turn(-1)", "back", show=False, id="plan-previous"),
        Binding("down", "scroll(1)", "down", show=False, id="plan-down"),
        Binding("up", "scroll(-1)", "up", show=False, id="plan-up"),
        Binding("ctrl+d,pagedown", "scroll(8)", "page down", show=False, id="plan-page-down"),
        Binding("ctrl+u,pageup", "scroll(-8)", "page up", show=False, id="plan-page-up"),
        Binding("v,f2", "calls", "calls", show=False, id="plan-calls"),
    ]

    def __init__(self, request: ActionRequest, place: str = "") -> None:
        super().__init__()
        self._request = request
        self._place = place
        self._plan: Plan | None = None
        self._refusal: Refusal | None = None
        self._operation: Operation | None = None
        self._sent = False
        self._hint = ""
        self._calls = False
        self._copies: tuple[str, ...] = ()

    def compose(self) -> ComposeResult:
        """Space for the plan, and the cancel choice; the rest comes with the plan."""
        with Vertical(id="box"):
            view = LinesView(id="plan-lines")
            view.can_focus = False
            yield view
            yield CopyList(id="copies")
            yield _row("name", Input(id="typed", placeholder="the service's name", max_length=80))
            yield _row("reason", Input(id="reason", placeholder="why", max_length=REASON_LIMIT))
            with Horizontal(id="choices"):
                yield Choice("Cancel", id="cancel", harmless=True)
        yield LineWidget(id="plan-keys")

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
        if isinstance(answer, Plan):
            self._plan, self._copies = answer, decision.touched(answer)
            self._offer(answer)
        else:
            self._refusal = answer
            if answer.code in OVERRIDABLE:
                choice = Choice("With an override …", id="override", harmless=True)
                self.query_one("#choices").mount(choice, before="#cancel")
        self.show()

    def _offer(self, plan: Plan) -> None:
        """What has to be filled in, and the choice that starts it, once; what is typed stays."""
        if not self.query("#start"):
            start = Choice(decision.choice(plan), id="start")
            self.query_one("#choices").mount(start, before="#cancel")
            self._ask_for(plan)
        for start in self.query("#start").results(Choice):
            start.rename(decision.choice(plan))
        self._judge()

    def _ask_for(self, plan: Plan) -> None:
        """Show the fields that policy requires, and go to the first of them."""
        wanted = {
            ConfirmLevel.CHOICE: (),
            ConfirmLevel.TYPED_NAME: ("typed",),
            ConfirmLevel.TYPED_NAME_AND_REASON: ("typed", "reason"),
        }[plan.confirm]
        for name in wanted:
            self.query_one(f"#row-{name}").display = True
        self.query_one("#reason", Input).value = plan.reason
        if wanted:
            self.query_one("#typed", Input).focus()

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
        not_begun = self._not_begun
        if self.is_current and not_begun:
            self.console_app.changes.refused(self._request, not_begun)
        super().action_close()

    @property
    def _not_begun(self) -> str:
        """Why what was asked for was not begun; '' where it was, or was not asked for."""
        run = self.operation
        if run is not None:
            return run.summary if run.begun_nothing else ""
        return "" if self._refusal is None else str(self._refusal)

    # ---- showing ----

    @property
    def operation(self) -> Operation | None:
        """The operation as the latest snapshot has it."""
        started, latest = self._operation, self.console_app.bridge.latest
        if started is None or latest is None:
            return started
        return next((run for run in latest.operations if run.id == started.id), started)

    @property
    def _width(self) -> int:
        """Cells of a line within the frame."""
        return max(20, min(WIDEST, self.size.width) - 4)

    def show(self) -> None:
        """Fit the lines to the terminal and update them."""
        if not self.query("#plan-lines") or not self.query("#cancel"):
            return
        if self.operation is not None or self._refusal is not None:
            self._only_close()
        width = self._width
        room = max(3, self.size.height - FRAME - self._show_form(width))
        lines = self._lines(width, room)
        view = self.query_one("#plan-lines", LinesView)
        kept = PLANNING_ROWS if self._plan is None and self._refusal is None else 0
        view.styles.height = min(room, max(kept, len(lines))) + 1
        view.show(lines, (self._title(width),))
        keys = self.query_one("#plan-keys", LineWidget)
        keys.paint_lines([self._keys(keys.size.width)])

    def _show_form(self, width: int) -> int:
        """The copies and what is typed. Returns the rows that they take."""
        rows = 0
        for copies in self.query(CopyList):
            rows += self._show_copies(copies, width)
        for label in self.query(".plan-label").results(LineWidget):
            label.paint_lines([(Span(f" {(label.id or '').removeprefix('label-')}", Role.MUTED),)])
        rows += sum(1 for row in self.query(".plan-field") if row.display)
        for said in self.query("#typed-says").results(LineWidget):
            said.paint_lines([(self._name_answer(),)])
        return rows

    def _show_copies(self, copies: CopyList, width: int) -> int:
        plan, setting = self._plan, self._setting
        copies.display = (
            plan is not None and not self._sent and not self._calls
            and decision.may_choose(plan, setting) and len(setting.instances) <= COPY_ROWS
            and self.size.height - FRAME - 2 - len(setting.instances) >= LEAST_ROWS
        )  # fmt: skip
        if plan is None or not copies.display:
            return 0
        names = tuple(each.name for each in setting.instances)
        chosen = self._copies
        copies.show(names, lambda at: render.copies(setting, chosen, width, at))
        return len(names)

    def _name_answer(self) -> Span:
        latest, plan = self.console_app.bridge.latest, self._plan
        others = [service.name for service in latest.services] if latest else []
        return decision.name_answer(self._typed("typed"), plan.service if plan else "", others)

    @property
    def _setting(self) -> Setting:
        return Setting.of(self.console_app.bridge.latest, self._request.service)

    def _title(self, width: int) -> Line:
        plan = self._plan
        what = render.title(plan) if plan else _asked(self._request)
        if self._place:
            what = f"{what} · {self._place}"
        if plan is None:
            return titled(what, width, focused=True)
        badge = Span(f" {plan.environment.upper()} ", badge_role(plan.danger))
        return titled(what, width, focused=True, note=(badge,))

    def _lines(self, width: int, height: int) -> list[Line]:
        now, run, plan = self.console_app.clock.now(), self.operation, self._plan
        if self._refusal is not None:
            return render.refusal(self._refusal, width)
        if plan is None:
            return [BLANK, (Span(f" {self._hint or 'planning …'}", Role.ACCENT),)]
        if run is not None:
            return render.running(plan, run, width, now)
        if self._calls:
            return render.calls(plan, width)
        return render.lines(plan, self._setting, width, height, now)

    def _keys(self, width: int) -> Line:
        """What the keys do, and what was pressed without effect."""
        run = self.operation
        if run is not None and not run.state.final:
            return (Span(" esc closes this; the operation goes on", Role.KEY),)
        if self._plan is None or run is not None:
            return (Span(" esc closes this", Role.KEY_LABEL),)
        said = self._hint or ("starting …" if self._sent else "enter never starts it")
        keys = (("tab", "next"), ("space", "start"), ("v", "calls"), ("esc", "go away"))
        left = tuple(
            part for key, word in keys
            for part in (Span(f" {key}", Role.KEY), Span(f" {word} ", Role.KEY_LABEL))
        )  # fmt: skip
        return clip_line(spread(left, (Span(f"{said} ", Role.KEY),), width, Role.KEY_LABEL), width)

    def _only_close(self) -> None:
        """Once it runs or was refused there is nothing left to choose or cancel."""
        for widget in self.query("#start, #copies, .plan-field"):
            widget.display = False
        self.query_one("#cancel", Choice).rename("Close")

    # ---- confirming ----

    def _confirmation(self) -> Confirmation | None:
        """The confirmation, if the typed text is what policy requires."""
        plan = self._plan
        if plan is None or self._sent or render.missing(plan, *self._said):
            return None
        if {*self._copies} != {*decision.touched(plan)}:
            return None
        if plan.confirm is ConfirmLevel.CHOICE:
            return Confirmation()
        return Confirmation(*self._said)

    @property
    def _said(self) -> tuple[str, str]:
        """The name and the reason as typed."""
        return self._typed("typed"), self._typed("reason")

    def _typed(self, field: str) -> str:
        return next(
            (each.value.strip() for each in self.query(f"Input#{field}").results(Input)), ""
        )

    def _judge(self) -> None:
        missing = render.missing(self._plan, *self._said) if self._plan else ""
        for start in self.query("#start").results(Choice):
            start.allow(self._confirmation() is not None, missing)

    @on(Input.Changed)
    def _changed(self) -> None:
        self._hint = ""
        self._judge()
        self.show()

    @on(CopyList.Toggled)
    def _toggled(self, message: CopyList.Toggled) -> None:
        """Ask for the plan of the copies that are chosen now."""
        plan, setting = self._plan, self._setting
        if plan is None or self._sent:
            return
        now = {*self._copies} ^ {message.name}
        self._copies = tuple(each.name for each in setting.instances if each.name in now)
        wanted = decision.with_copies(self._request, self._copies, len(setting.instances))
        missing = wanted if isinstance(wanted, str) else "planning"
        for start in self.query("#start").results(Choice):
            start.allow(False, missing)
        if not isinstance(wanted, str):
            self._request = replace(self._request, parameters=wanted)
            self.console_app.bridge.ask(PlanFor(self._request), self._planned, asker=self)
        self.show()

    def action_turn(self, step: int) -> None:
        """To the next part that takes keys; from the harmless choice on to what starts it."""
        there = {part.id: part for part in self.focus_chain}
        parts = [there[name] for name in ORDER if name in there]
        at = parts.index(self.focused) if self.focused in parts else -1
        if parts:
            parts[(at + step) % len(parts)].focus()

    def action_calls(self) -> None:
        """Show every call with its target, or what is decided by."""
        if self._plan is not None and self.operation is None:
            self._calls = not self._calls
            self.show()

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self._hint = "enter starts nothing: tab to the action and press space"
        self.action_turn(1)
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
        refusal, self._refusal = self._refusal, None
        self.action_close()
        for view in views:
            if service is not None and view.name == asked.name:
                about = replace(view, refusal=refusal)
                backup, typed = asked.parameters.get("backup", ""), values_of(asked)
                self.console_app.open(
                    RequestDialog((service,), about, override=True, backup=backup, typed=typed)
                )

    def action_scroll(self, rows: int) -> None:
        """Scroll the plan."""
        self.query_one("#plan-lines", LinesView).move(rows)


def _asked(request: ActionRequest) -> str:
    return f"{request.kind.value} {request.service}"


def _row(label: str, field: Input) -> Horizontal:
    """A field with its label before it and what is said of it behind; not shown yet."""
    field.cursor_blink = False
    field.select_on_focus = False
    before, said = LineWidget(id=f"label-{label}"), LineWidget(id=f"{field.id}-says")
    before.add_class("plan-label")
    row = Horizontal(before, field, said, id=f"row-{field.id}", classes="plan-field")
    row.display = False
    return row
