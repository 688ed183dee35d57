"""Running a runbook at a terminal, a step at a time, on an engine of one's own.

Invariant: what is interrupted stays where it stands, and the next start goes on there.
"""

import sys
import time
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import replace
from typing import Final

from opsconsole.cli.changing.confirming import confirm
from opsconsole.cli.configuration import Configuration
from opsconsole.cli.engine import build_engine
from opsconsole.engine.engine import Engine
from opsconsole.model.asked.questions import Perform, PlanFor, RunRunbook
from opsconsole.model.operation import (
    ActionRequest,
    Refusal,
)
from opsconsole.model.runbooks.runbook import RunbookView, StepKind, StepView
from opsconsole.model.runbooks.runs import (
    RunbookAnswer,
    RunbookRequest,
    RunbookRun,
    RunbookVerb,
    StepRun,
    StepState,
)
from opsconsole.model.state import State
from opsconsole.render.forms.plan_text import plan_lines
from opsconsole.render.runbooks import CHANGED, run_of, step_lines

POLL: Final = 0.2
FIRST_LOOK: Final = 10.0
ANSWER_WITHIN: Final = 30.0
FOUND_WITHIN: Final = 15.0
"""Seconds in which an operation that was started must show in the journal."""

REFUSED: Final = 2
INCONCLUSIVE: Final = 3


def carry_out(configuration: Configuration, view: RunbookView, service: str, *, yes: bool) -> int:
    """Run ``view`` for ``service`` from where its run stands to its end, or to where one leaves."""
    engine = build_engine(configuration)
    engine.start()
    try:
        return _Terminal(engine, view, service, yes=yes).run()
    except (KeyboardInterrupt, EOFError):
        said = f"left; opsconsole runbook run {view.name} goes on where it stands"
        print(f"\n{said}", file=sys.stderr)
        return REFUSED
    finally:
        engine.stop()


class _Terminal:
    """One person at one run."""

    def __init__(self, engine: Engine, view: RunbookView, service: str, *, yes: bool) -> None:
        self._engine = engine
        self._view = view
        self._service = service
        self._yes = yes

    def run(self) -> int:
        """Step by step; the exit code."""
        self._look_first()
        run = run_of(self._engine.latest, self._view.name, self._service)
        if run is not None and run.open and run.begun_as is not None:
            self._view = run.begun_as
            print(CHANGED, flush=True)
        at = run.next if run is not None and run.open else None
        step = self._view.step(at.id) if at else self._view.steps[0]
        while step is not None:
            number = self._view.steps.index(step) + 1
            for line in step_lines(number, step):
                print(line, flush=True)
            stopped = self._one(step)
            if stopped is not None:
                return stopped
            run = run_of(self._engine.latest, self._view.name, self._service)
            after = run.next if run is not None and run.open else None
            step = self._view.step(after.id) if after else None
        print(run.said if run is not None else "nothing was done")
        return _code(run)

    def _look_first(self) -> None:
        """Wait until the runbooks are read and everything was looked at once."""
        end = time.monotonic() + FIRST_LOOK
        while time.monotonic() < end:
            latest = self._engine.latest
            seen = [
                each.taken_at is not None or each.state is not State.UNKNOWN
                for service in latest.services
                for each in service.instances
            ]
            if latest.runbooks and all(seen):
                return
            time.sleep(POLL)

    def _one(self, step: StepView) -> int | None:
        """Settle one step; an exit code where the run cannot go on from here."""
        known = self._standing(step.id)
        if known is not None and known.state is StepState.RUNNING:
            return self._settled(step, known)
        if step.changes:
            return self._operation(step)
        answer = self._asked(step)
        if answer is None:
            return REFUSED
        verb = RunbookVerb.SKIP if answer == "skip" and step.optional else RunbookVerb.RUN
        done = self._request(verb, step.id, answer if step.kind is StepKind.QUESTION else "")
        if isinstance(done, Refusal):
            print(f"  refused ({done.code}): {done}", file=sys.stderr)
            again = done.code in {"no-answer", "answer-not-taken"} and sys.stdin.isatty()
            return self._one(step) if again else REFUSED
        return self._settled(step, done.run.step(step.id))

    def _asked(self, step: StepView) -> str | None:
        """What the person says to a step; '' to go on, None to leave."""
        question = step.kind is StepKind.QUESTION
        if self._yes and not question:
            return ""
        if not sys.stdin.isatty():
            said = "asks a question" if question else "waits for enter; --yes goes on without"
            print(f"  not a terminal: step {step.id} {said}", file=sys.stderr)
            return None
        skip = ", skip passes over it" if step.optional else ""
        answer = input(f"  {'answer' if question else 'enter goes on'}{skip}, q leaves: ").strip()
        return None if answer == "q" else answer

    def _operation(self, step: StepView) -> int | None:
        if not sys.stdin.isatty():
            print(f"  not a terminal: step {step.id} is an operation", file=sys.stderr)
            return REFUSED
        if step.optional and input("  enter plans it, skip passes over it: ").strip() == "skip":
            skipped = self._request(RunbookVerb.SKIP, step.id)
            return self._told(skipped) if isinstance(skipped, Refusal) else None
        answer = self._request(RunbookVerb.RUN, step.id)
        if isinstance(answer, Refusal) or answer.plan is None:
            return self._told(answer) if isinstance(answer, Refusal) else REFUSED
        request = _with_parameters(answer.plan)
        plan = self._engine.ask(PlanFor(request)).result(ANSWER_WITHIN)
        if isinstance(plan, Refusal):
            return self._told(plan)
        for line in plan_lines(plan):
            print(f"  {line}")
        confirmation = confirm((plan,), plan.reason, indent="  ")
        if confirmation is None:
            print("  nothing was done", file=sys.stderr)
            return REFUSED
        operation = self._engine.ask(Perform(plan, confirmation)).result(ANSWER_WITHIN)
        if isinstance(operation, Refusal):
            return self._told(operation)
        return self._settled(step, self._until_found(step.id))

    def _until_found(self, step: str) -> StepRun | None:
        """The step once the journal's operation is found to be its own."""
        end = time.monotonic() + FOUND_WITHIN
        while time.monotonic() < end:
            known = self._standing(step)
            if known is not None and known.state is not StepState.PENDING:
                return known
            time.sleep(POLL)
        return self._standing(step)

    def _told(self, refusal: Refusal) -> int:
        print(f"  refused ({refusal.code}): {refusal}", file=sys.stderr)
        return REFUSED

    def _settled(self, step: StepView, known: StepRun | None) -> int | None:
        """Wait for the result and print it. Returns an exit code if it stops the run."""
        said = ""
        while known is not None and known.state is StepState.RUNNING:
            looks = known.samples
            line = f"  … {looks.last}" if looks.last else ""
            if line and line != said:
                print(line, flush=True)
                said = line
            time.sleep(POLL)
            known = self._standing(step.id)
        if known is None:
            return REFUSED
        print(f"  {known.state}: {known.said}" if known.said else f"  {known.state}", flush=True)
        for evidence in known.evidence:
            print(f"    {evidence}")
        if known.settled:
            return None
        return INCONCLUSIVE if known.state is StepState.INCONCLUSIVE else 1

    def _standing(self, step: str) -> StepRun | None:
        run = run_of(self._engine.latest, self._view.name, self._service)
        return run.step(step) if run is not None else None

    def _request(self, verb: RunbookVerb, step: str, answer: str = "") -> RunbookAnswer | Refusal:
        request = RunbookRequest(self._view.name, self._service, verb, step, answer)
        try:
            done = self._engine.ask(RunRunbook(request)).result(ANSWER_WITHIN)
        except FutureTimeoutError:
            return Refusal("no-answer-in-time", "the engine does not answer", "try again")
        if not isinstance(done, Refusal):
            self._until_seen(done.run)
        return done

    def _until_seen(self, run: RunbookRun) -> None:
        """Wait until the engine's picture is as new as ``run``."""
        end = time.monotonic() + ANSWER_WITHIN
        while time.monotonic() < end:
            seen = run_of(self._engine.latest, run.runbook, run.service)
            if seen is not None and seen.id == run.id and seen.updated_at >= run.updated_at:
                return
            time.sleep(POLL)


def _with_parameters(request: ActionRequest) -> ActionRequest:
    """The arguments that some actions need: a backup, a number of copies, a reason."""
    asked = {"restore": ("backup", "which backup"), "scale": ("to", "how many copies")}
    if request.kind.value in asked:
        key, question = asked[request.kind.value]
        return replace(request, parameters={key: input(f"  {question}? ").strip()})
    if request.kind.value == "degrade":
        return replace(request, reason=input("  reason: ").strip())
    return request


def _code(run: RunbookRun | None) -> int:
    states = {step.state for step in run.steps} if run is not None else set()
    if StepState.FAILED in states:
        return 1
    return INCONCLUSIVE if StepState.INCONCLUSIVE in states else 0
