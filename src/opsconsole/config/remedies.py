"""What may be done by itself, and when nothing is: remedies, their limits, maintenance.

Invariant: a remedy that is read is one that may be carried out: a declared action of a kind that
can be repeated or undone, never a restore, never to no copies. None acts unless it says so.
"""

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from opsconsole.config.types import Duration, Model, Name, OneOrMany, Text, Zone, as_tuple, plain
from opsconsole.model.operation import ActionKind
from opsconsole.model.remedies.rules import (
    MAY_BE_REPEATED,
    Limits,
    RemedyMode,
    Rule,
    SharedLimits,
)
from opsconsole.model.written.hours import parse_hours
from opsconsole.model.written.triggers import parse_trigger

_WHY_NOT: Final = {
    ActionKind.RESTORE: "a restore replaces data and cannot be undone",
    ActionKind.ROLLBACK: "a rollback can neither be repeated nor undone: a second one goes further",
    ActionKind.BACKUP: "a backup cures nothing, and pushes out older ones",
    ActionKind.TEST: "a test cures nothing",
    ActionKind.CALL: "what a call does is not known, so it may not be repeated",
}
ACTIONS: Final = tuple(kind.value for kind in ActionKind if kind in MAY_BE_REPEATED)
"""What a remedy may do."""


def _check_trigger(value: str) -> str:
    parse_trigger(value)
    return value


def _check_hours(value: str) -> str:
    parse_hours(value)
    return value


def why_not(action: str) -> str:
    """Why no remedy may do ``action``; '' where one may."""
    if action in ACTIONS:
        return ""
    kind = action.partition(".")[0].partition(" ")[0]
    known = _WHY_NOT.get(ActionKind(kind), "") if kind in set(ActionKind) else ""
    there_are = f"a remedy may {', '.join(ACTIONS)}"
    return f"{known}; {there_are}" if known else f"no remedy does that; {there_are}"


def _check_action(value: str) -> str:
    wrong = why_not(value)
    if wrong:
        raise ValueError(wrong)
    return value


HoursText = Annotated[str, AfterValidator(_check_hours)]
"""Hours of the week: mon-fri 08:00-20:00."""

ManyHours = Annotated[tuple[HoursText, ...], BeforeValidator(as_tuple), OneOrMany]


class RemedyLimits(Model):
    """How far one remedy may go. Each has a default that others who act by themselves use."""

    looks: int = Field(default=3, ge=2, description="Looks in a row that must have seen it.")
    peers: float = Field(
        default=0.51, ge=0, le=1, description="Share of the others of its group that must be ok."
    )
    most: int = Field(default=2, ge=1, description="Acts within within; then it is for a person.")
    within: Duration = Field(default=1800.0, description="Within which most may be done.")
    apart: Duration = Field(default=300.0, ge=5, description="Time between two acts.")
    healthy: Duration = Field(
        default=3600.0, description="How long it must be well until acts count from 0 again."
    )
    failures: int = Field(
        default=3, ge=1, description="Acts in a row without a good verdict that open the breaker."
    )
    unhelpful: int = Field(
        default=3, ge=1, description="Acts that did not help, within unhelpful_within, that do."
    )
    unhelpful_within: Duration = Field(default=14400.0, description="Within which they count.")
    rest: Duration = Field(default=3600.0, description="How long an open breaker stays open.")
    budget: float = Field(
        default=0.1, ge=0, le=1, description="Share of an error budget under which auto asks."
    )


class Remedy(Model):
    """What is done about one service when something holds, and how far by itself."""

    name: Name | None = Field(
        default=None, description="Its name in the audit; its service and action if not set."
    )
    when: Annotated[Text, AfterValidator(_check_trigger)] = Field(
        description="What it waits for, and how long it must hold: state == down for 60s."
    )
    service: Name = Field(description="Whose declared action it is.")
    action: Annotated[str, AfterValidator(_check_action)] = Field(
        description="restart, degrade, recover or scale; declared for the service."
    )
    mode: Literal["suggest", "ask", "auto"] = Field(
        default="suggest",
        description="suggest records what it would do, ask shows its plan to who is there, auto"
        " acts after a countdown.",
    )
    to: int | None = Field(default=None, ge=1, description="For scale: how many copies.")
    hours: ManyHours = Field(
        default=(), description="When it may act: mon-fri 08:00-20:00. Always if not set."
    )
    zone: Zone = Field(default="utc", description="The zone of its hours, such as Europe/Berlin.")
    limits: RemedyLimits = Field(
        default_factory=plain(RemedyLimits), description="How far it may go."
    )

    @model_validator(mode="after")
    def _scales_to_a_number(self) -> "Remedy":
        if (self.action == "scale") != (self.to is not None):
            raise ValueError("scale needs to: how many copies; nothing else takes it")
        return self

    @property
    def called(self) -> str:
        """Its name."""
        return self.name or f"{self.action}-{self.service}"

    @property
    def rule(self) -> Rule:
        """The same, as it is decided on."""
        return Rule(
            name=self.called,
            service=self.service,
            kind=ActionKind(self.action),
            trigger=parse_trigger(self.when),
            mode=RemedyMode(self.mode),
            to=self.to,
            hours=tuple(map(parse_hours, self.hours)),
            zone=self.zone,
            limits=Limits(**self.limits.model_dump()),
        )


class Automation(Model):
    """What all remedies share."""

    enabled: bool = Field(default=True, description="Whether any remedy is looked at.")
    countdown: Duration = Field(
        default=30.0, ge=5, description="How long everybody can stop an act before it begins."
    )
    at_once: int = Field(default=2, ge=1, description="Acts under way at once, in all.")
    storm_share: float = Field(
        default=0.4, gt=0, le=1, description="Share of the services that must not be bad at once."
    )
    storm_count: int = Field(
        default=3, ge=2, description="Number of services that must not be bad at once."
    )
    calm: Duration = Field(
        default=600.0, description="How long nothing is done after that is over."
    )

    @property
    def limits(self) -> SharedLimits:
        """The same, as it is decided on."""
        return SharedLimits(
            self.countdown, self.at_once, self.storm_share, self.storm_count, self.calm
        )


class MaintenanceHours(Model):
    """Hours of the week in which services are worked on: no alerts of them, and no automation."""

    services: Annotated[tuple[Name, ...], BeforeValidator(as_tuple), OneOrMany] = Field(
        default=(), description="Which; all if not set."
    )
    hours: ManyHours = Field(min_length=1, description="When: sun 02:00-04:00.")
    zone: Zone = Field(default="utc", description="The zone of the hours, such as Europe/Berlin.")
    reason: Text = Field(description="What is done then, for who sees it.")
