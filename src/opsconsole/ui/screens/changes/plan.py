"""The plan dialog of one service: what a person decides by, and the operation's progress.

Invariant: as of ``Confirming``. The targets are the plan's own, whatever the table behind shows.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Final

from textual import on
from textual.widget import Widget
from textual.widgets import Input

from opsconsole.model.asked.questions import Perform, PlanFor
from opsconsole.model.operation import ActionRequest, Confirmation, Operation, Plan, Refusal
from opsconsole.render.forms import decision
from opsconsole.render.forms import plan as render
from opsconsole.render.forms.decision import Setting
from opsconsole.render.forms.request import OVERRIDABLE, values_of
from opsconsole.render.ink.cells import BLANK, Line, Role, Span, badge_role, titled
from opsconsole.ui.routes import RequestDialog
from opsconsole.ui.screens.changes.confirming import FRAME, Confirming
from opsconsole.ui.widgets.choice import Choice
from opsconsole.ui.widgets.copy_list import CopyList

LEAST_ROWS: Final = 11
"""Lines of the plan that the list of copies leaves."""
COPY_ROWS: Final = 6
"""How many copies are listed; more are chosen by ``--instance``."""


class PlanScreen(Confirming):
    """Shows a plan, asks for confirmation, follows the operation."""

    def __init__(self, request: ActionRequest) -> None:
        super().__init__()
        self._request = request
        self._plan: Plan | None = None
        self._refusal: Refusal | None = None
        self._operation: Operation | None = None
        self._copies: tuple[str, ...] = ()

    def parts(self) -> Iterator[Widget]:
        """The copies that can be chosen."""
        yield CopyList(id="copies")

    def on_mount(self) -> None:
        """Request the plan."""
        self.query_one("#cancel", Choice).focus()
        self.query_one("#typed", Input).placeholder = "the service's name"
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
            self.offer(decision.choice(answer), answer.confirm, answer.reason)
        else:
            self._refusal = answer
            if answer.code in OVERRIDABLE:
                choice = Choice("With an override …", id="override", harmless=True)
                self.query_one("#choices").mount(choice, before="#cancel")
        self.show()

    def action_close(self) -> None:
        """Close, with a notice if nothing was started."""
        not_begun = self._not_begun
        if self.is_current and not_begun:
            self.console_app.changes.refused(self._request.service, not_begun)
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
    def awaited(self) -> bool:
        """Whether the plan is still being made."""
        return self._plan is None and self._refusal is None

    @property
    def is_to_confirm(self) -> bool:
        """Whether there is a plan that was neither begun nor refused."""
        return self._plan is not None and self._refusal is None and self._operation is None

    @property
    def is_under_way(self) -> bool:
        """Whether the operation has no verdict yet."""
        run = self.operation
        return run is not None and not run.state.final

    def show_parts(self, width: int) -> int:
        """The copies, where they can be chosen and there is room for them."""
        plan, setting = self._plan, self._setting
        for copies in self.query(CopyList):
            copies.display = (
                plan is not None and not self._sent and not self._calls
                and decision.may_choose(plan, setting) and len(setting.instances) <= COPY_ROWS
                and self.size.height - FRAME - 2 - len(setting.instances) >= LEAST_ROWS
            )  # fmt: skip
            if plan is not None and copies.display:
                names = tuple(each.name for each in setting.instances)
                copies.show(names, partial(self._copy_lines, width))
                return len(names)
        return 0

    def _copy_lines(self, width: int, at: str) -> list[Line]:
        return render.copies(self._setting, self._copies, width, at)

    def answer_to_word(self) -> Span:
        """What is said of the name that is typed."""
        latest, plan = self.console_app.bridge.latest, self._plan
        others = [service.name for service in latest.services] if latest else []
        return decision.name_answer(self.said[0], plan.service if plan else "", others)

    @property
    def looks_at(self) -> str:
        """The service that would be changed."""
        return self._request.service

    @property
    def _setting(self) -> Setting:
        return Setting.of(self.console_app.bridge.latest, self._request.service)

    def headline(self, width: int) -> Line:
        """What would be done, and where."""
        plan = self._plan
        if plan is None:
            asked = f"{self._request.kind.value} {self._request.service}"
            return titled(asked, width, focused=True)
        badge = Span(f" {plan.environment.upper()} ", badge_role(plan.danger))
        return titled(render.title(plan), width, focused=True, note=(badge,))

    def lines(self, width: int, height: int) -> list[Line]:
        """What is to be read now."""
        now, run, plan = self.console_app.clock.now(), self.operation, self._plan
        if self._refusal is not None:
            return render.refusal(self._refusal, width)
        if plan is None:
            return [BLANK, (Span(f" {self._hint or 'planning …'}", Role.ACCENT),)]
        if run is not None:
            return render.running(plan, run, self._setting, width, now)
        if self._calls:
            return render.calls(plan, width)
        return render.lines(plan, self._setting, width, height, now)

    # ---- confirming ----

    def missing(self) -> str:
        """What has to be done before it can start."""
        plan = self._plan
        if plan is None:
            return ""
        if {*self._copies} != {*decision.touched(plan)}:
            wanted = self._wanted()
            return wanted if isinstance(wanted, str) else "planning"
        return render.missing(plan, *self.said)

    def _wanted(self) -> dict[str, str] | str:
        total = len(self._setting.instances)
        return decision.with_copies(self._request, self._copies, total)

    @on(CopyList.Toggled)
    def _toggled(self, message: CopyList.Toggled) -> None:
        """Ask for the plan of the copies that are chosen now."""
        if self._plan is None or self._sent:
            return
        now = {*self._copies} ^ {message.name}
        self._copies = tuple(each.name for each in self._setting.instances if each.name in now)
        wanted = self._wanted()
        self.judge()
        if not isinstance(wanted, str):
            self._request = replace(self._request, parameters=wanted)
            self.console_app.bridge.ask(PlanFor(self._request), self._planned, asker=self)
        self.show()

    def start(self, confirmation: Confirmation) -> None:
        """Have it begun."""
        if self._plan is not None:
            self.console_app.bridge.ask(Perform(self._plan, confirmation), self._started)

    def _started(self, answer: Operation | Refusal) -> None:
        """Follow the operation, or show a refusal, as a notice if the dialog is already closed."""
        if isinstance(answer, Operation):
            self._operation = answer
        else:
            self._refusal = answer
            if not self.is_current:
                self.console_app.say(f"not started: {answer}")
        self.show()

    def chosen(self, choice: str) -> None:
        """Open the form of the same request with an override, which needs a reason."""
        if choice != "override":
            return
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
