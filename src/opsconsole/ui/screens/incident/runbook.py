"""One runbook for one service: its steps as a checklist, run one at a time.

Invariant: enter shows a step and runs nothing; a step has its own key to run it, and the engine
decides whether it may run. A step that changes something opens the ordinary plan. Leaving the
screen stops nothing. Nothing is run from a past moment.
"""

from typing import ClassVar

from textual import on

from opsconsole.model.asked.questions import RunRunbook
from opsconsole.model.operation import ActionRequest, Refusal
from opsconsole.model.runbooks.runbook import RunbookView, StepKind, StepView, worded
from opsconsole.model.runbooks.runs import (
    RunbookAnswer,
    RunbookRequest,
    RunbookRun,
    RunbookVerb,
    StepRun,
)
from opsconsole.model.snapshot import ServiceView, Snapshot
from opsconsole.render import runbooks as render
from opsconsole.render.frame.keys import Key, Scope
from opsconsole.render.ink.cells import BLANK, Line, Role, Span, plain, titled
from opsconsole.render.ink.own_keys import enter, esc, key_of
from opsconsole.ui.bindings import bindings
from opsconsole.ui.routes import ServicePage
from opsconsole.ui.screens.layouts import ListScreen
from opsconsole.ui.terminal import clipboard
from opsconsole.ui.widgets.answer_prompt import AnswerPrompt
from opsconsole.ui.widgets.grid_table import GridTable, Listing

_ENDING = "end-run"


class RunbookScreen(ListScreen, inherit_bindings=False):
    """A checklist above the step under its cursor. Shows the open run, if there is one."""

    SCOPES: ClassVar[tuple[Scope, ...]] = (
        Scope.RUNBOOK, Scope.OPEN, Scope.LIST, Scope.EVERYWHERE,
    )  # fmt: skip
    TITLE_OF_HELP = "runbook"
    ABOUT_ONE = True
    TABLE = "steps"
    BINDINGS = bindings(*SCOPES)

    def __init__(self, runbook: str, service: str) -> None:
        super().__init__()
        self._runbook = runbook
        self._service = service
        self._followed = ""
        self._came = ""
        self._whole = False

    # ---- what is shown ----

    @property
    def latest(self) -> Snapshot | None:
        """Runbooks are shown as they are now, whatever moment is shown."""
        return self.console_app.bridge.latest

    @property
    def view(self) -> RunbookView | None:
        """The runbook, as the open run was begun, filled in for the service."""
        latest, run = self.latest, self.run
        found = latest.runbooks if latest else ()
        view = next((each for each in found if each.name == self._runbook), None)
        if run is not None and run.begun_as is not None:
            view = run.begun_as
        if view is None or latest is None:
            return None
        return worded(view, self._service, latest.environment.name)

    @property
    def run(self) -> RunbookRun | None:
        """The open run; one followed on this screen stays visible after its end."""
        run = render.run_of(self.latest, self._runbook, self._service)
        if run is not None and (run.open or run.id == self._followed):
            self._followed = run.id
            return run
        return None

    @property
    def target(self) -> ServiceView | None:
        """The service that the runbook is run for."""
        return self.snapshot.service(self._service) if self.snapshot else None

    @property
    def step(self) -> StepView | None:
        """The step under the cursor."""
        view, key = self.view, self.table.cursor_key
        return view.step(key) if view is not None and key is not None else None

    def show_body(self) -> None:
        """Fill the checklist, then the step under the cursor."""
        view, run = self.view, self.run
        width, now = self.table.size.width, self.console_app.clock.now()
        if view is None:
            gone: Line = (Span("  there is no such runbook any more", Role.UNKNOWN),)
            self.table.list(Listing((titled(self._runbook, width), BLANK), (), _nothing, (gone,)))
            return
        last = render.run_of(self.latest, self._runbook, self._service)
        top = render.top(view, self._service, run, width, now, last)
        steps = {step.id: (number, step) for number, step in enumerate(view.steps, 1)}
        comes = _next(view, run)

        def line(key: str) -> Line:
            number, step = steps[key]
            at = run.step(key) if run else None
            return render.step_row(number, step, at, width, now, comes=key == comes)

        self._fit(len(steps) + len(top) + 1)
        self.table.list(Listing(top, tuple(steps), line))
        if comes != self._came:
            # The cursor moves to the next step as soon as the previous one is settled.
            self._came = comes
            self.table.move_to_key(comes)
        self._show_details()

    def _fit(self, rows: int) -> None:
        """The checklist gets the room that it needs, up to three fifths; enter shows a step
        whole."""
        room = self.size.height - 2
        self.table.display = not self._whole
        self.table.styles.height = min(rows, max(6, room * 3 // 5))

    @on(GridTable.CursorMoved)
    def _show_details(self) -> None:
        page, step, view, run = self.details, self.step, self.view, self.run
        width = page.size.width
        if step is None or view is None:
            page.show([])
            return
        at = run.step(step.id) if run else None
        reads, leaves = f"{enter()} reads it", f"{esc()} the list"
        note: Line = (Span(leaves if self._whole else reads, Role.MUTED),)
        top = (titled(step.title, width, focused=self._whole, note=note), BLANK)
        comes = step.id == _next(view, run)
        now = self.console_app.clock.now()
        lines = render.details(step, at, width, now, comes=comes, why_not=self._why_not(step))
        page.show(lines, top)

    def _why_not(self, step: StepView) -> str:
        if not self.console_app.time.is_live:
            return f"this is the past: nothing is run from it; {esc()} returns to now"
        if step.changes and self.console_app.read_only:
            return "this console is read-only, and this step may change something"
        run, view = self.run, self.view
        if run is not None and view is not None and run.open and run.digest != view.digest:
            ends = f"{key_of('end-run', 'E')} ends it"
            return f"the steps were changed since this run began: put them back, or {ends}"
        return ""

    def offers(self, key: Key) -> bool:
        """The keys that end or renew a run are shown if there is one to end or renew."""
        run, step = self.run, self.step
        if key.id == "run-step":
            return run is None or run.open
        if key.id == "skip-step":
            return step is not None and step.optional and (run is None or run.open)
        if key.id == "end-run":
            return run is not None and run.open
        if key.id == "run-again":
            return run is not None and not run.open
        return super().offers(key)

    def label_of(self, key: Key) -> str:
        """Enter shows the step here."""
        return "read" if key.id == "open" else super().label_of(key)

    def blocked(self, key: Key) -> str:
        """Why ``key`` would do nothing, in a word."""
        step = self.step
        if key.id not in {"run-step", "skip-step"} or step is None:
            return super().blocked(key)
        if not self.console_app.time.is_live:
            return "replay"
        forbidden = key.id == "run-step" and step.changes and self.console_app.read_only
        return "read-only" if forbidden else ""

    # ---- running ----

    def action_run_step(self) -> None:
        """Run the step under the cursor; a question opens its prompt first."""
        step, run, view = self.step, self.run, self.view
        if step is None or view is None:
            self.say("there is no step to run")
        elif run is not None and not run.open:
            self.say(f"this run is over: {run.said}; {key_of('run-again', 'A')} begins a new one")
        elif step.kind is StepKind.QUESTION and step.id == _next(view, run):
            self.ask(AnswerPrompt(step.id, step.answers))
        else:
            self._request(RunbookVerb.RUN, step.id)

    def action_skip_step(self) -> None:
        """Skip an optional step."""
        if self.step is not None:
            self._request(RunbookVerb.SKIP, self.step.id)

    def action_end_run(self) -> None:
        """Ask whether to end the run."""
        run = self.run
        if run is None or not run.open:
            self.say("there is no run to end")
        else:
            self.ask(AnswerPrompt(_ENDING, ("end",), "type end, then enter: the run is over then"))

    def action_run_again(self) -> None:
        """Show the checklist as before a run; the first step begins one."""
        run = self.run
        if run is not None and run.open:
            self.say(f"this run is still open: {key_of('end-run', 'E')} ends it")
            return
        self._followed = self._came = ""
        self.show()

    @on(AnswerPrompt.Answered)
    def _answered(self, message: AnswerPrompt.Answered) -> None:
        if message.step != _ENDING:
            self._request(RunbookVerb.RUN, message.step, message.text)
        elif message.text == "end":
            self._request(RunbookVerb.END, "")
        else:
            self.say("the run continues")

    def _request(self, verb: RunbookVerb, step: str, answer: str = "") -> None:
        replay = not self.console_app.time.is_live
        request = RunbookRequest(self._runbook, self._service, verb, step, answer, replay)
        self.console_app.bridge.ask(RunRunbook(request), self._answer_came, asker=self)

    def _answer_came(self, answer: RunbookAnswer | Refusal) -> None:
        """Follow the run; open the plan of a step that changes something."""
        if isinstance(answer, Refusal):
            self.say(str(answer))
            return
        self._followed = answer.run.id
        if answer.plan is not None:
            self._open_plan(answer.plan)
        self.show()

    def _open_plan(self, request: ActionRequest) -> None:
        """As with the action's own key: with its form first, if it has one."""
        latest = self.latest
        service = latest.service(request.service) if latest else None
        views = service.actions if service else ()
        wanted = (request.kind, request.name)
        view = next((each for each in views if (each.kind, each.name) == wanted), None)
        if service is not None and view is not None:
            self.console_app.changes.request((service,), view)
        else:
            self.console_app.changes.request_all([request])

    # ---- keys of lists ----

    def action_open(self) -> None:
        """Show the step on the whole screen, or go back to the list; runs nothing."""
        self._whole = not self._whole
        self.show()

    def action_describe(self) -> None:
        """Open the service."""
        if self.target is None:
            self.say("this runbook is run for no service that is shown here")
            return
        self.console_app.open(ServicePage(self.target.name))

    def action_move(self, rows: int) -> None:
        """Move the cursor, or scroll the step."""
        (self.details if self._whole else self.table).move(rows)

    def action_edge(self, end: int) -> None:
        """To the first or the last row."""
        (self.details if self._whole else self.table).move_to(10**9 if end else 0)

    def action_page(self, pages: float) -> None:
        """Scroll; never acts."""
        (self.details if self._whole else self.table).page(pages)

    def action_match(self, step: int) -> None:
        """To the next step that did not pass."""
        run = self.run
        bad = {each.id for each in run.steps if each.state in render.UNHAPPY} if run else set()
        self.table.seek(bad.__contains__, step)

    def action_copy(self) -> None:
        """Copy the checklist, or the step on the whole screen."""
        text = plain(self.details.whole) if self._whole else "\n".join(clipboard.rows(self.table))
        clipboard.copy(self.console_app, text)

    def action_back(self) -> None:
        """From the step to the list, then go back to the previous screen."""
        if self._whole:
            self.action_open()
        else:
            super().action_back()


def _next(view: RunbookView, run: RunbookRun | None) -> str:
    """The id of the next step; '' if there is none."""
    if run is None:
        return view.steps[0].id
    at: StepRun | None = run.next
    return at.id if at is not None and run.open else ""


def _nothing(_key: str) -> Line:
    return BLANK
