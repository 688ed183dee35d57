"""How a runbook is written: the schema of its file.

Invariant: a step has exactly one kind; a check looks at exactly one thing. A command in a runbook
only reads: what changes is declared as an action of its service, where policy, journal and
verification are, and is named here as an operation.
"""

import re
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from opsconsole.config.types import (
    NAME_PATTERN,
    Condition,
    Duration,
    Model,
    Name,
    OneOrMany,
    Page,
    Text,
    as_tuple,
    check_pattern,
)
from opsconsole.model.operation import SILENCING, ActionKind
from opsconsole.model.runbooks import runbook as model
from opsconsole.model.runbooks.runbook import PLACEHOLDERS, YES_NO
from opsconsole.model.state import State
from opsconsole.model.written.expressions import StateIs, parse
from opsconsole.text import sanitize

LONGEST_WAIT: Final = 7 * 86400.0
TITLE: Final = 120
MOST_STEPS: Final = 200
_WORD: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_STATES: Final = ("ok", "degraded", "down", "unknown")
_KINDS: Final = tuple(kind.value for kind in ActionKind if kind not in SILENCING)
_NAMED: Final = frozenset({"test", "call"})


def _known_words(text: str) -> str:
    return _check_words(text, PLACEHOLDERS)


def _service_only(text: str) -> str:
    return _check_words(text, PLACEHOLDERS[:1])


def _check_words(text: str, known: tuple[str, ...]) -> str:
    for match in _WORD.finditer(text):
        if match[1] not in known:
            shown = ", ".join(f"{{{name}}}" for name in known)
            raise ValueError(f"unknown placeholder {match[0]}; there is {shown}")
    return text


class Command(Model):
    """An argv list, never a shell. ``read: true`` says that it changes nothing."""

    argv: tuple[Text, ...] = Field(min_length=1, description="The program and its arguments.")
    read: bool = Field(default=False, description="That it only reads; others are refused.")
    host: Name | None = Field(
        default=None, description="The host where it runs, if not that of the service."
    )
    cwd: Text | None = Field(default=None, description="The folder that it runs in.")
    env: dict[str, str] = Field(default_factory=dict, description="Variables that it gets.")
    timeout: Duration = Field(default=30.0, le=3600, description="Deadline of the run, in total.")

    @model_validator(mode="after")
    def _reads(self) -> "Command":
        if not self.read:
            raise ValueError(
                "a command without read: true is a change; declare it under actions: call: of its "
                "service and name it with operation: {action: call, name: …}"
            )
        for word in self.argv:
            _service_only(word)
        return self


class Get(Model):
    """A GET, at every instance for a path, once for a whole URL."""

    short_form: ClassVar[dict[str, Any] | None] = {"type": "string"}

    get: Page = Field(description="A path, or a whole URL.")
    status: Annotated[
        tuple[Annotated[int, Field(ge=100, le=599)], ...],
        BeforeValidator(lambda value: (value,) if isinstance(value, int) else value),
        OneOrMany,
    ] = Field(default=(), description="Status codes that are good; 200 to 299 unless said.")
    contains: Text | None = Field(default=None, description="Text that the body must hold.")
    regex: Text | None = Field(default=None, description="A pattern that the body must match.")
    json_path: Text | None = Field(default=None, description="Dotted path of a value to compare.")
    equals: str | int | float | bool | None = Field(
        default=None, description="What the value at json_path must be."
    )
    timeout: Duration = Field(default=5.0, le=300, description="Deadline of each GET, in total.")

    @model_validator(mode="before")
    @classmethod
    def _from_path(cls, value: object) -> object:
        return {"get": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _usable(self) -> "Get":
        _service_only(self.get)
        if (self.equals is None) != (self.json_path is None):
            raise ValueError("json_path and equals need each other")
        check_pattern(self.regex or "")
        return self


class Check(Model):
    """One look: exactly one of ``state``, ``metric``, ``http``, ``command``."""

    short_form: ClassVar[dict[str, Any] | None] = {"type": "string"}

    state: Literal["ok", "degraded", "down", "unknown"] | None = Field(
        default=None, description="The state that the service, or its component, is in."
    )
    component: Text | None = Field(default=None, description="With state: a part of the body.")
    metric: Condition | None = Field(default=None, description="Such as p95(latency) < 2s.")
    http: Get | None = Field(default=None, description="A GET that is answered as expected.")
    command: Command | None = Field(default=None, description="A program that exits with 0.")
    service: Name | None = Field(default=None, description="Another service than the runbook's.")

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        words = value.replace("==", " ").split()
        if len(words) == 2 and words[0] == "state" and words[1] in _STATES:
            return {"state": words[1]}
        return {"metric": value}

    @model_validator(mode="after")
    def _one_look(self) -> "Check":
        looks = (self.state, self.metric, self.http, self.command)
        if sum(look is not None for look in looks) != 1:
            raise ValueError("name exactly one of state, metric, http, command")
        if self.component and not self.state:
            raise ValueError("component goes with state")
        if self.metric and isinstance(parse(self.metric), StateIs):
            raise ValueError("write state: ok, or check: state == ok")
        return self

    def made(self) -> model.Check:
        """As the rest of the console knows it."""
        service = self.service or ""
        if self.state is not None:
            return model.StateCheck(State(self.state), self.component or "", service)
        if self.metric is not None:
            return model.MetricCheck(parse(self.metric), service)
        if self.http is not None:
            get = self.http
            return model.HttpCheck(
                get.get, get.status, get.contains, get.regex, get.json_path, get.equals,
                get.timeout, service,
            )  # fmt: skip
        assert self.command is not None, "one of the four is there"
        run = self.command
        return model.CommandCheck(
            run.argv, run.read, run.cwd, run.env, run.timeout, service, run.host or ""
        )


class Wait(Model):
    """A time; a time in which a check holds; or until a check holds, with a deadline."""

    short_form: ClassVar[dict[str, Any] | None] = {"type": "string"}

    for_: Duration | None = Field(default=None, alias="for", description="How long, at most 7d.")
    while_: Check | None = Field(
        default=None, alias="while", description="What has to hold all that time."
    )
    until: Check | None = Field(default=None, description="What ends the wait.")
    within: Duration | None = Field(default=None, description="With until: when it has failed.")
    every: Duration = Field(default=15.0, ge=1, description="Time between two looks.")

    @model_validator(mode="before")
    @classmethod
    def _from_time(cls, value: object) -> object:
        return {"for": value} if isinstance(value, (str, int, float)) else value

    @model_validator(mode="after")
    def _one_way(self) -> "Wait":
        if (self.until is None) != (self.within is None):
            raise ValueError("until and within need each other")
        if (self.for_ is None) == (self.until is None):
            raise ValueError("write for: 30m, with while: or without, or until: and within:")
        if self.until is not None and self.while_ is not None:
            raise ValueError("while goes with for")
        if max(self.for_ or 0.0, self.within or 0.0) > LONGEST_WAIT:
            raise ValueError("a wait lasts at most 7d")
        return self

    def made(self) -> model.Wait:
        """As the rest of the console knows it."""
        check = self.until or self.while_
        seconds = self.for_ or self.within or 0.0
        looks = check.made() if check else None
        return model.Wait(seconds, looks, self.until is not None, self.every)


class Operation(Model):
    """An action that a service declares; ``name`` for a test or a call."""

    short_form: ClassVar[dict[str, Any] | None] = {"type": "string", "enum": list(_KINDS)}

    action: Literal[_KINDS] = Field(  # type: ignore[valid-type]  # the enum's own words
        description="restart, degrade, recover, backup, restore, rollback, scale, test or call."
    )
    name: Name | None = Field(default=None, description="Which test or call.")
    service: Name | None = Field(default=None, description="Another service than the runbook's.")

    @model_validator(mode="before")
    @classmethod
    def _from_word(cls, value: object) -> object:
        return {"action": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _whole(self) -> "Operation":
        if (self.action in _NAMED) != (self.name is not None):
            raise ValueError("a test or a call has a name, and nothing else has")
        return self

    def made(self) -> model.OperationCall:
        """As the rest of the console knows it."""
        return model.OperationCall(ActionKind(self.action), self.name or "", self.service or "")


class Question(Model):
    """What only a person can answer. ``answers`` is yes-no, text, or a list to choose from."""

    short_form: ClassVar[dict[str, Any] | None] = {"type": "string"}

    ask: Text = Field(description="The question.")
    answers: Literal["yes-no", "text"] | tuple[Text, ...] = Field(
        default="yes-no", description="yes-no, text, or the answers to choose from."
    )
    expect: Text | None = Field(default=None, description="The answer that is good.")

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: object) -> object:
        return {"ask": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _answerable(self) -> "Question":
        _known_words(self.ask)
        taken = self.taken
        if isinstance(self.answers, tuple) and len(taken) < 2:
            raise ValueError("answers takes two or more to choose from")
        if self.expect and taken and self.expect not in taken:
            raise ValueError(f"expect is none of the answers: {', '.join(taken)}")
        return self

    @property
    def taken(self) -> tuple[str, ...]:
        """The answers that are taken; () for any."""
        if isinstance(self.answers, tuple):
            return self.answers
        return YES_NO if self.answers == "yes-no" else ()

    def made(self) -> model.Question:
        """As the rest of the console knows it."""
        taken = tuple(map(sanitize, self.taken))
        return model.Question(sanitize(self.ask), taken, sanitize(self.expect or ""))


def _some(steps: tuple["Step", ...]) -> tuple["Step", ...]:
    """Some steps and not too many; checked only where each is valid."""
    if not 1 <= len(steps) <= MOST_STEPS:
        raise ValueError(f"takes 1 to {MOST_STEPS} steps")
    return steps


class Step(Model):
    """One step: ``text`` alone to read, or exactly one of check, operation, wait, question."""

    id: Annotated[str, Field(pattern=NAME_PATTERN)] = Field(
        description="Its name in this runbook; results are kept under it."
    )
    title: Annotated[str, Field(max_length=TITLE)] | None = Field(
        default=None, description="A line for the list."
    )
    text: Text | None = Field(default=None, description="What to read, or why it is done.")
    check: Check | None = Field(default=None, description="Something to look at.")
    operation: Operation | None = Field(default=None, description="An action of the service.")
    wait: Wait | None = Field(default=None, description="Time to let pass, watched or not.")
    question: Question | None = Field(default=None, description="What the engineer is asked.")
    optional: bool = Field(default=False, description="Whether it may be skipped.")
    on_failure: Literal["stop", "continue"] = Field(
        default="stop", description="Whether the next step may follow when this one failed."
    )

    @model_validator(mode="after")
    def _one_kind(self) -> "Step":
        kinds = (self.check, self.operation, self.wait, self.question)
        given = sum(kind is not None for kind in kinds)
        if given > 1 or (given == 0 and self.text is None):
            raise ValueError("a step is text, or one of check, operation, wait, question")
        _known_words(f"{self.title or ''} {self.text or ''}")
        return self

    def made(self) -> model.Step:
        """As the rest of the console knows it."""
        asked = self.check or self.operation or self.wait or self.question
        does = asked.made() if asked else None
        said = self.title or (does.ask if isinstance(does, model.Question) else "")
        title = said or (str(does) if does else (self.text or "").strip().splitlines()[0])
        failing = model.OnFailure(self.on_failure)
        text = sanitize((self.text or "").strip(), multiline=True)
        title = sanitize(title[:TITLE])
        return model.Step(self.id, title, text, does, self.optional, failing)


class RunbookFile(Model):
    """One file: what is to be done, in order."""

    title: Annotated[str, Field(min_length=1, max_length=TITLE)] = Field(description="Its name.")
    purpose: str = Field(default="", description="What it is for, in a sentence or two.")
    when: Annotated[tuple[Text, ...], BeforeValidator(as_tuple), OneOrMany] = Field(
        default=(), description="Names of alerts that it is for."
    )
    services: Annotated[tuple[Name, ...], BeforeValidator(as_tuple), OneOrMany] = Field(
        default=(), description="The services that it is for, unless they name it themselves."
    )
    steps: Annotated[tuple[Step, ...], AfterValidator(_some)] = Field(description="What is done.")

    @model_validator(mode="after")
    def _words(self) -> "RunbookFile":
        _known_words(f"{self.title} {self.purpose}")
        return self
