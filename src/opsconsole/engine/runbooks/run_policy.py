"""Whether a request on a run is allowed now. Pure.

Invariant: default-deny: only the next step is run, by one console at a time; nothing is run from a
replay; in read-only mode nothing that may change something is run.
"""

from opsconsole.engine.runbooks.checks import NOT_READ
from opsconsole.model.operation import Refusal
from opsconsole.model.runbooks.runbook import CommandCheck, Question, Runbook, Step, StepKind, Wait
from opsconsole.model.runbooks.runs import (
    DONE,
    RunbookRequest,
    RunbookRun,
    RunbookVerb,
    StepState,
)

REPLAY = Refusal(
    "replay", "this is the past: nothing is run from it", "go back to now, then run the step"
)
HELD = Refusal(
    "held-elsewhere", "somebody is at this step in another console", "wait, or follow it here"
)


def refuse_step(step: Step, *, read_only: bool) -> Refusal | None:
    """What the step itself forbids, whatever the run's state."""
    look = step.does.check if isinstance(step.does, Wait) else step.does
    if read_only and step.changes:
        return Refusal(
            "read-only",
            f"this console is read-only, and step {step.id} may change something",
            "start a console without --read-only, --wall or read_only: true",
        )
    if isinstance(look, CommandCheck) and not look.reads:
        return NOT_READ
    return None


def refuse(runbook: Runbook, run: RunbookRun, request: RunbookRequest) -> Refusal | None:
    """What the run's state forbids."""
    if not run.open:
        return Refusal("ended", f"this run is over: {run.said}", "begin a new one")
    if request.verb is RunbookVerb.END:
        return None
    if run.digest != runbook.digest:
        return Refusal(
            "runbook-changed",
            "the steps were changed since this run began",
            f"{run.who} goes on as it was begun; else put its file back as it was, or end this run",
        )
    after, step = run.next, run.step(request.step)
    if after is None or step is None:
        return Refusal("no-such-step", f"there is no step {request.step}", "look at the list")
    if step.state in DONE or step.settled:
        return Refusal("done", f"step {step.id} is {step.state}: it is not run again", "go on")
    if step is not after:
        return Refusal("not-next", f"step {after.id} comes first", f"run {after.id}")
    if step.state is StepState.RUNNING:
        return Refusal("running", f"step {step.id} is under way, by {step.who}", "wait for it")
    if request.verb is RunbookVerb.SKIP and not step.optional:
        return Refusal("not-optional", f"step {step.id} is not optional", "run it, or end the run")
    return None


def refuse_answer(step: Step, answer: str) -> Refusal | None:
    """Whether a question accepts ``answer``."""
    asked = step.does
    if not isinstance(asked, Question):
        return None
    if not answer.strip():
        return Refusal("no-answer", "an answer is needed", "type one")
    if asked.answers and answer not in asked.answers:
        taken = ", ".join(asked.answers)
        return Refusal("answer-not-taken", f"{answer!r} is no answer here", f"answer {taken}")
    return None


def instant(step: Step) -> bool:
    """Whether running the step settles it at once."""
    return step.kind in {StepKind.TEXT, StepKind.QUESTION}
