"""Runbooks: written steps for an incident, prepared before it.

Invariant: a step is exactly one of text, check, operation, wait and question. What reads is a
check; what changes is an operation; there is nothing else. ``service`` is '' where the
service that the runbook is run for is meant. Times are seconds.
"""

from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from enum import StrEnum
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.model.alerting.alerts import Alert
from opsconsole.model.operation import ActionKind
from opsconsole.model.state import State
from opsconsole.model.written.expressions import Expression
from opsconsole.model.written.units import format_duration
from opsconsole.text import sanitize

YES_NO: Final = ("yes", "no")
"""The answers to a question that names none."""

PLACEHOLDERS: Final = ("service", "environment")
"""What may stand in braces in the words of a runbook; in checks only the first."""


class StepKind(StrEnum):
    """What a step asks for."""

    TEXT = "text"
    CHECK = "check"
    OPERATION = "operation"
    WAIT = "wait"
    QUESTION = "question"


class OnFailure(StrEnum):
    """What follows a step that did not pass."""

    STOP = "stop"
    CONTINUE = "continue"


@dataclass(frozen=True, slots=True)
class StateCheck:
    """The service, or one component of its health bodies, is in ``state``."""

    state: State
    component: str = ""
    service: str = ""

    def __str__(self) -> str:
        about = self.component or self.service
        return f"{about or 'the service'} is {self.state}"


@dataclass(frozen=True, slots=True)
class MetricCheck:
    """A figure is as an objective would have it."""

    expression: Expression
    service: str = ""

    def __str__(self) -> str:
        return f"{self.service}: {self.expression}" if self.service else str(self.expression)


@dataclass(frozen=True, slots=True)
class HttpCheck:
    """A GET answers as expected: at every instance for a path, once for a whole URL.

    ``status`` is () for 200 to 299; ``equals`` is compared with what stands at ``json_path``.
    """

    target: str
    status: tuple[int, ...] = ()
    contains: str | None = None
    regex: str | None = None
    json_path: str | None = None
    equals: str | int | float | bool | None = None
    timeout: float = 5.0
    service: str = ""

    def __str__(self) -> str:
        return f"GET {self.target}"


@dataclass(frozen=True, slots=True)
class CommandCheck:
    """A program ends with exit code 0. ``reads`` says that it changes nothing.

    ``host`` is where it runs; '' for the service's.
    """

    argv: tuple[str, ...]
    reads: bool
    cwd: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    timeout: float = 30.0
    service: str = ""
    host: str = ""

    def __str__(self) -> str:
        there = f" on {self.host}" if self.host else ""
        return f"run {' '.join(self.argv)}{there}"


Check = StateCheck | MetricCheck | HttpCheck | CommandCheck


@dataclass(frozen=True, slots=True)
class Wait:
    """``seconds`` are waited; a ``check`` has to hold all that time.

    With ``until`` the wait is over as soon as the check holds, and ``seconds`` is its deadline.
    """

    seconds: float
    check: Check | None = None
    until: bool = False
    every: float = 15.0

    def __str__(self) -> str:
        lasts = format_duration(self.seconds)
        if self.check is None:
            return f"wait {lasts}"
        if self.until:
            return f"wait until {self.check}, at most {lasts}"
        return f"watch for {lasts} that {self.check}"


@dataclass(frozen=True, slots=True)
class OperationCall:
    """An action of a service, to be planned, confirmed and verified like any other."""

    kind: ActionKind
    name: str = ""
    service: str = ""

    def __str__(self) -> str:
        return " ".join(part for part in (str(self.kind), self.name, self.service) if part)


@dataclass(frozen=True, slots=True)
class Question:
    """``answers`` are those that are taken, () for any text; another than ``expect`` fails."""

    ask: str
    answers: tuple[str, ...] = YES_NO
    expect: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One step. ``does`` is what it asks for; text alone for what is only read."""

    id: str
    title: str
    text: str = ""
    does: Check | OperationCall | Wait | Question | None = None
    optional: bool = False
    on_failure: OnFailure = OnFailure.STOP

    @property
    def kind(self) -> StepKind:
        """What the step asks for."""
        if self.does is None:
            return StepKind.TEXT
        if isinstance(self.does, OperationCall):
            return StepKind.OPERATION
        if isinstance(self.does, Wait):
            return StepKind.WAIT
        return StepKind.QUESTION if isinstance(self.does, Question) else StepKind.CHECK

    @property
    def changes(self) -> bool:
        """Whether it changes anything: an operation, or a command that does not only read."""
        check = self.does.check if isinstance(self.does, Wait) else self.does
        if isinstance(check, CommandCheck):
            return not check.reads
        return isinstance(check, OperationCall)


@dataclass(frozen=True, slots=True)
class Runbook:
    """``name`` is its file's; ``when`` are names of alerts; ``services`` whom it is for.

    ``digest`` identifies one version of its steps; ``written`` is all of it as JSON.
    """

    name: str
    title: str
    steps: tuple[Step, ...]
    purpose: str = ""
    when: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    file: str = ""
    digest: str = ""
    written: str = ""

    def step(self, step: str) -> Step | None:
        """The step called ``step``."""
        return next((each for each in self.steps if each.id == step), None)


def bound(runbook: Runbook, service: str, environment: str) -> Runbook:
    """``runbook`` with its words filled in for ``service``.

    A service's name holds no space, slash, quote or leading dash, so that what it is put into
    keeps its structure.
    """
    values = {"service": service, "environment": environment}
    return replace(
        runbook,
        title=_filled(runbook.title, values),
        purpose=_filled(runbook.purpose, values),
        steps=tuple(_bound_step(step, values) for step in runbook.steps),
    )


def _bound_step(step: Step, values: Mapping[str, str]) -> Step:
    does = step.does
    if isinstance(does, Question):
        does = replace(does, ask=_filled(does.ask, values))
    elif isinstance(does, Wait) and does.check is not None:
        does = replace(does, check=_bound_check(does.check, values["service"]))
    elif isinstance(does, CommandCheck | HttpCheck):
        does = _bound_check(does, values["service"])
    title, text = _filled(step.title, values), _filled(step.text, values)
    return replace(step, title=title, text=text, does=does)


def _bound_check(check: Check, service: str) -> Check:
    values = {"service": service}
    if isinstance(check, CommandCheck):
        return replace(check, argv=tuple(_filled(word, values) for word in check.argv))
    if isinstance(check, HttpCheck):
        return replace(check, target=_filled(check.target, values))
    return check


def _filled(text: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    return text


@dataclass(frozen=True, slots=True)
class StepView:
    """A step as screens show it. ``does`` is a line; ``answers`` are those that are taken.

    ``seconds`` is how long a wait lasts at most.
    """

    id: str
    kind: StepKind
    title: str
    does: str = ""
    text: str = ""
    answers: tuple[str, ...] = ()
    expect: str = ""
    optional: bool = False
    on_failure: OnFailure = OnFailure.STOP
    changes: bool = False
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class RunbookView:
    """A runbook as screens show it; its words are filled in by ``worded``."""

    name: str
    title: str
    steps: tuple[StepView, ...]
    purpose: str = ""
    when: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    file: str = ""
    digest: str = ""

    def step(self, step: str) -> StepView | None:
        """The step called ``step``."""
        return next((each for each in self.steps if each.id == step), None)


def viewed(runbook: Runbook) -> RunbookView:
    """``runbook`` as screens show it."""
    return RunbookView(
        runbook.name, runbook.title, tuple(map(_step_view, runbook.steps)), runbook.purpose,
        runbook.when, runbook.services, runbook.file, runbook.digest,
    )  # fmt: skip


def _step_view(step: Step) -> StepView:
    asked = step.does if isinstance(step.does, Question) else None
    return StepView(
        id=step.id,
        kind=step.kind,
        title=step.title,
        does=sanitize(asked.ask if asked else str(step.does or "")),
        text=step.text,
        answers=asked.answers if asked else (),
        expect=asked.expect if asked else "",
        optional=step.optional,
        on_failure=step.on_failure,
        changes=step.changes,
        seconds=step.does.seconds if isinstance(step.does, Wait) else 0.0,
    )


def worded(view: RunbookView, service: str, environment: str) -> RunbookView:
    """``view`` as it reads for ``service``."""
    values = {"service": service, "environment": environment}
    steps = tuple(
        replace(
            step,
            title=_filled(step.title, values),
            does=_filled(step.does, values),
            text=_filled(step.text, values),
        )
        for step in view.steps
    )
    title, purpose = _filled(view.title, values), _filled(view.purpose, values)
    return replace(view, title=title, purpose=purpose, steps=steps)


def of_alert(runbooks: Iterable[RunbookView], alert: Alert) -> RunbookView | None:
    """The runbook that an alert's own words name, else one that is written for the alert.

    Words name it by its name or its title, or by an address whose last part is its name.

    One for the alert's service goes before others.
    """
    words = alert.runbook.strip().casefold()
    if "://" in words:
        words = words.partition("?")[0].rstrip("/").rpartition("/")[2]
    mine = sorted(runbooks, key=lambda each: alert.service not in each.services)
    named = (each for each in mine if words and words in _names(each) and _is_for(each, alert))
    written = (each for each in mine if alert.name in each.when and _is_for(each, alert))
    return next(named, None) or next(written, None)


def _names(runbook: RunbookView) -> tuple[str, str]:
    return runbook.name.casefold(), runbook.title.casefold()


def _is_for(runbook: RunbookView, alert: Alert) -> bool:
    return not alert.service or not runbook.services or alert.service in runbook.services
