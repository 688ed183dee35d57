"""Runbooks as lists, checklists and steps to read.

Invariant: a step's glyph and word show its state; what was not seen is never shown as passed. A
wait shows the time left, and who began it.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

from opsconsole.model.runbooks.runbook import RunbookView, StepKind, StepView, worded
from opsconsole.model.runbooks.runs import RunbookRun, RunOutcome, StepRun, StepState
from opsconsole.model.snapshot import Snapshot
from opsconsole.render.ink import figures
from opsconsole.render.ink.cells import (
    BLANK,
    Align,
    Line,
    Role,
    Span,
    clip,
    clip_line,
    fit,
    labelled,
    line_width,
    spread,
    titled,
    wrap,
)
from opsconsole.render.ink.own_keys import key_of

LOOKS: Final = {
    StepState.PENDING: ("○", Role.MUTED),
    StepState.RUNNING: ("▶", Role.ACCENT),
    StepState.PASSED: ("●", Role.OK),
    StepState.FAILED: ("✖", Role.DOWN),
    StepState.INCONCLUSIVE: ("?", Role.UNKNOWN),
    StepState.SKIPPED: ("–", Role.MUTED),
}
_WORDS: Final = {
    StepKind.TEXT: "read",
    StepKind.CHECK: "check",
    StepKind.OPERATION: "act",
    StepKind.WAIT: "wait",
    StepKind.QUESTION: "ask",
}
_KEYS: Final = {
    StepKind.TEXT: "marks it as read",
    StepKind.CHECK: "looks; nothing is changed",
    StepKind.OPERATION: "opens its plan; nothing starts without your word",
    StepKind.WAIT: "begins it; it continues when this screen is left",
    StepKind.QUESTION: "answers",
}
_LABEL: Final = 10
"""Cells of the labels before what is said of one."""

CHANGED: Final = "the runbook has changed since: this run goes on as begun"
NARROW: Final = 100
UNHAPPY: Final = frozenset({StepState.FAILED, StepState.INCONCLUSIVE})


class Listed(NamedTuple):
    """A runbook for one service; '' for a general one."""

    runbook: RunbookView
    service: str

    @property
    def key(self) -> str:
        """Its identity in a list."""
        return f"{self.runbook.name} {self.service}"


def listed(
    runbooks: Iterable[RunbookView], service: str = "", environment: str = ""
) -> list[Listed]:
    """Every runbook with each of its services, or only those of ``service``."""
    return [
        Listed(worded(runbook, each, environment), each)
        for runbook in runbooks
        for each in runbook.services or ("",)
        if not service or each == service
    ]


def run_of(snapshot: Snapshot | None, runbook: str, service: str) -> RunbookRun | None:
    """The open run, else the last one."""
    runs = [
        run
        for run in (snapshot.runbook_runs if snapshot else ())
        if (run.runbook, run.service) == (runbook, service)
    ]
    last = max(runs, key=lambda run: run.began_at, default=None)
    return next((run for run in runs if run.open), last)


def whose(run: RunbookRun | StepRun) -> str:
    """Who, from where."""
    return f"{run.who}@{run.host}" if run.host else run.who


def standing(run: RunbookRun, now: float) -> str:
    """``step 3 of 9, by kim, 4m12s ago``; or how it ended."""
    if run.ended_at is not None:
        return f"{run.said}, {figures.age(now - run.ended_at)} ago, by {whose(run)}"
    done = sum(step.settled for step in run.steps)
    ago = figures.age(now - run.updated_at)
    return f"step {min(done + 1, len(run.steps))} of {len(run.steps)}, {ago} ago, by {whose(run)}"


def _look_of_run(run: RunbookRun | None) -> tuple[str, Role]:
    if run is None:
        return "○", Role.MUTED
    if run.open:
        return LOOKS[StepState.RUNNING]
    if run.outcome is RunOutcome.ABANDONED:
        return LOOKS[StepState.SKIPPED]
    states = {step.state for step in run.steps}
    good = not states & {StepState.FAILED, StepState.INCONCLUSIVE}
    return LOOKS[StepState.PASSED] if good else ("▲", Role.DEGRADED)


def list_row(item: Listed, run: RunbookRun | None, width: int, now: float) -> Line:
    """One runbook of a list: its title, service, the state of its run, its purpose."""
    glyph, role = _look_of_run(run)
    head = (
        Span(f" {glyph} ", role),
        Span(fit(item.runbook.title, 26 if width < NARROW else 40), Role.STRONG),
        Span(f" {fit(item.service, 14)} ", Role.TEXT),
    )
    said = standing(run, now) if run is not None else item.runbook.purpose
    rest = Span(said, Role.TEXT if run is not None and run.open else Role.MUTED)
    return clip_line((*head, rest), width)


def none_listed(service: str) -> list[Line]:
    """The text of an empty list."""
    whom = f" for {service}" if service else ""
    return [
        BLANK,
        (Span(f"  there is no runbook{whom}", Role.TEXT),),
        (Span("  write one: a YAML file in runbooks/ beside the configuration", Role.MUTED),),
    ]


def top(view: RunbookView, service: str, run: RunbookRun | None, width: int, now: float,
        last: RunbookRun | None = None) -> tuple[Line, ...]:  # fmt: skip
    """The fixed lines above a checklist."""
    note: Line = ()
    if run is not None:
        glyph, role = _look_of_run(run)
        note = (Span(f"{glyph} ", role), Span(standing(run, now), Role.MUTED))
    title = view.title if service in view.title else f"{view.title} · {service}"
    lines = [titled(title, width, focused=True,
                    note=note if line_width(note) < width - 30 else ())]  # fmt: skip
    if note and line_width(note) >= width - 30:
        lines.append(clip_line((Span(" "), *note), width))
    if view.purpose:
        lines += [(Span(f" {part}", Role.MUTED),) for part in wrap(view.purpose, width - 2)[:2]]
    if run is not None and run.begun_as is not None:
        lines.append((Span(f" ▲ {clip(CHANGED, width - 4)}", Role.DEGRADED),))
    if run is None and last is not None:
        lines.append((Span(f" last: {clip(standing(last, now), width - 8)}", Role.FAINT),))
    return (*lines, BLANK)


def step_row(
    number: int, step: StepView, at: StepRun | None, width: int, now: float, *, comes: bool
) -> Line:
    """One step of the checklist: its state, title, result, time and user."""
    state = at.state if at else StepState.PENDING
    glyph, role = LOOKS[state]
    waits = state is StepState.PENDING
    title_width = max(16, min(48, width * 2 // 5))
    mark = "›" if comes else " "
    word = _WORDS[step.kind]
    head: Line = (
        Span(f"{mark}", Role.ACCENT),
        Span(f"{glyph} ", Role.ACCENT if comes and waits else role),
        Span(f"{number:>2} ", Role.FAINT),
        Span(f"{fit(word, 5)} ", Role.MUTED),
        Span(fit(step.title, title_width), Role.STRONG if comes or not waits else Role.TEXT),
        Span("  "),
    )
    tail = _tail(at, width, now)
    said = _said(step, at, now)
    room = width - line_width(head) - line_width(tail) - 1
    body = Span(clip(said, max(0, room)), role if not waits else Role.FAINT)
    return spread((*head, body), tail, width) if tail else clip_line((*head, body), width)


def _said(step: StepView, at: StepRun | None, now: float) -> str:
    if at is None or (at.state is StepState.PENDING and at.planned_at is None):
        return "optional" if step.optional else ""
    if at.state is StepState.PENDING:
        return "its plan was opened and not started"
    if at.state is StepState.RUNNING:
        return _going(step, at, now)
    return at.said if at.said and at.state is not StepState.SKIPPED else str(at.state)


def _going(step: StepView, at: StepRun, now: float) -> str:
    """What a step under way is doing, and how much of it is left."""
    if step.kind is StepKind.OPERATION:
        return f"operation {at.operation}: under way" if at.operation else "under way"
    if step.kind is not StepKind.WAIT or at.started_at is None:
        return "looking …"
    left = max(0.0, at.started_at + step.seconds - now)
    said = f"{figures.age(left)} left"
    samples = at.samples
    looks = samples.held + samples.failed + samples.unknown
    if looks:
        said += f", held in {samples.held} of {looks} looks"
    return said


def _tail(at: StepRun | None, width: int, now: float) -> Line:
    if at is None or not at.who or at.state is StepState.PENDING:
        return ()
    began, ended = at.started_at, at.ended_at
    took = (ended if ended is not None else now) - began if began is not None else None
    clock = figures.clock(ended if ended is not None else (began or now), seconds=width >= NARROW)
    lasted = fit(figures.age(took), 6, Align.RIGHT) if took is not None else " " * 6
    who = fit(at.who, 8) if width >= NARROW else ""
    return (Span(f"{lasted} {clock} {who}".rstrip() + " ", Role.MUTED),)


def details(
    step: StepView, at: StepRun | None, width: int, now: float, *, comes: bool, why_not: str = ""
) -> list[Line]:
    """One step in full, and what can be done with it."""
    lines: list[Line] = []
    if step.does and step.does != step.title:
        lines += _wrapped(step.does, width, Role.STRONG)
    for line in step.text.splitlines():
        lines += _wrapped(line, width, Role.TEXT)
    if step.answers:
        lines += labelled("answers", ", ".join(step.answers), width, room=_LABEL)
    if step.expect:
        lines += labelled("wanted", step.expect, width, room=_LABEL)
    if lines:
        lines.append(BLANK)
    if at is not None and at.state is not StepState.PENDING:
        lines += _result(step, at, width, now)
    elif why_not:
        lines += _wrapped(why_not, width, Role.UNKNOWN)
    elif comes:
        optional = f"; {key_of('skip-step', 'S')} skips it" if step.optional else ""
        lines += _wrapped(
            f"{key_of('run-step', 'R')} {_KEYS[step.kind]}{optional}", width, Role.ACCENT
        )
    else:
        lines += _wrapped("the steps before it come first", width, Role.MUTED)
    return lines


def _result(step: StepView, at: StepRun, width: int, now: float) -> list[Line]:
    glyph, role = LOOKS[at.state]
    lines: list[Line] = [(Span(f" {glyph} {at.state}", role),)]
    runs = at.state is StepState.RUNNING
    said = _going(step, at, now) if runs else at.said
    if said:
        lines += labelled("so far" if runs else "result", said, width, room=_LABEL)
    if at.samples.last:
        lines += labelled("last look", at.samples.last, width, room=_LABEL)
    for line in at.evidence:
        lines += labelled("seen", line, width, room=_LABEL)
    if at.who:
        lines += labelled("by", whose(at), width, room=_LABEL)
    if at.started_at is not None:
        lines += labelled("began", f"{figures.zoned_when(at.started_at, now)}", width, room=_LABEL)
    if at.operation:
        lines += labelled(
            "operation",
            f"{at.operation} ({key_of('operations', 'u')} shows it)",
            width,
            room=_LABEL,
        )
    if at.attempts > 1:
        lines += labelled("attempts", str(at.attempts), width, room=_LABEL)
    if at.state in {StepState.FAILED, StepState.INCONCLUSIVE}:
        again = f"{key_of('run-step', 'R')} runs it again; {key_of('end-run', 'E')} ends the run"
        follows = "the next step may follow" if at.settled else again
        lines += [BLANK, *_wrapped(follows, width, Role.ACCENT)]
    return lines


def _wrapped(text: str, width: int, role: Role) -> list[Line]:
    indent = len(text) - len(text.lstrip(" "))
    lead = " " * (indent + 1)
    return [(Span(f"{lead}{part}", role),) for part in wrap(text.strip(), width - indent - 2)]


def step_lines(number: int, step: StepView) -> list[str]:
    """One step as the command line prints it."""
    marks = [mark for mark, on in (("optional", step.optional), ("operation", step.changes)) if on]
    tail = f"  [{', '.join(marks)}]" if marks else ""
    lines = [f"{number:>3}. {step.title}{tail}"]
    if step.does and step.does != step.title:
        lines.append(f"     {step.does}")
    lines += [f"     {line}" for line in step.text.splitlines()]
    if step.answers:
        wanted = f", wanted {step.expect}" if step.expect else ""
        lines.append(f"     answers: {', '.join(step.answers)}{wanted}")
    return lines
