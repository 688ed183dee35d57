"""A remedy: what it waits for, what it does, how far it may go; and why it holds back.

Invariant: a remedy names one declared action that can be repeated or undone. Whatever keeps it from
acting has one code; there is no other reason not to act, and none to act in spite of one.
"""

from dataclasses import field
from enum import StrEnum

from opsconsole.dataclass import dataclass
from opsconsole.model.operation import ActionKind
from opsconsole.model.written.hours import Hours
from opsconsole.model.written.triggers import Trigger

MAY_BE_REPEATED = frozenset(
    {ActionKind.RESTART, ActionKind.RECOVER, ActionKind.SCALE, ActionKind.DEGRADE}
)
"""The kinds that a remedy may be of: done twice they are as if done once, or they end by
themselves."""


class RemedyMode(StrEnum):
    """How far a remedy goes, from nowhere to acting by itself."""

    SUGGEST = "suggest"
    """It records what it would have done, and what then happened."""
    ASK = "ask"
    """It shows its plan to the people who are there; one of them carries it out."""
    AUTO = "auto"
    """It acts, after a countdown that everybody can stop."""


class HoldCode(StrEnum):
    """Why nothing is done."""

    EVIDENCE = "too-little-evidence"
    DARK = "everything-is-dark"
    CAUSE = "not-the-cause"
    PEERS = "too-few-healthy-peers"
    LAST = "last-healthy"
    BUSY = "another-under-way"
    STORM = "storm"
    RATE = "too-often"
    SPACING = "too-soon"
    BREAKER = "breaker-open"
    LOCKED = "locked"
    PLANNED = "plan-is-open"
    ACKNOWLEDGED = "acknowledged"
    SILENCED = "silenced"
    MAINTENANCE = "maintenance"
    OFF = "switched-off"
    STOPPED = "stopped-by-hand"
    HOURS = "outside-hours"
    NOT_ACTING = "another-acts"
    NOT_RECORDED = "cannot-be-recorded"
    REFUSED = "refused-by-policy"
    NOT_LOOKED_UP = "outcome-not-known"


@dataclass(frozen=True, slots=True)
class Hold:
    """Nothing is done. ``subject`` is what or who stands in the way, ``until`` when it ends by
    itself, None where that is not known."""

    code: HoldCode
    subject: str = ""
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Act:
    """It would be done now. ``mode`` is that of the rule, or ASK instead of AUTO where the error
    budget is all but spent."""

    mode: RemedyMode


@dataclass(frozen=True, slots=True)
class Limits:
    """How far one rule may go. Times are seconds, shares 0 to 1.

    ``looks`` in a row must have seen it. Of the others of its group ``peers`` must be healthy. At
    ``most`` so many acts within ``within``, each ``apart`` from the next; ``healthy`` for so long
    restarts the count. ``failures`` in a row, or ``unhelpful`` within ``unhelpful_within``, open
    the breaker for ``rest``. Under ``budget`` of its error budget it asks.
    """

    looks: int = 3
    peers: float = 0.51
    most: int = 2
    within: float = 1800.0
    apart: float = 300.0
    healthy: float = 3600.0
    failures: int = 3
    unhelpful: int = 3
    unhelpful_within: float = 4 * 3600.0
    rest: float = 3600.0
    budget: float = 0.1


@dataclass(frozen=True, slots=True)
class SharedLimits:
    """What all rules share: seconds of the ``countdown``, acts ``at_once``, and what a storm is.

    A storm is more than ``storm_share`` of the services, or ``storm_count``, bad at once; nothing
    is done until ``calm`` seconds after it.
    """

    countdown: float = 30.0
    at_once: int = 2
    storm_share: float = 0.4
    storm_count: int = 3
    calm: float = 600.0


@dataclass(frozen=True, slots=True)
class Rule:
    """One remedy as configured. ``to`` is the number of copies of a scale.

    It acts within one of ``hours`` alone, on the clock of ``zone``; () for always.
    """

    name: str
    service: str
    kind: ActionKind
    trigger: Trigger
    mode: RemedyMode = RemedyMode.SUGGEST
    to: int | None = None
    hours: tuple[Hours, ...] = ()
    zone: str = "utc"
    limits: Limits = field(default_factory=Limits)

    @property
    def action(self) -> str:
        """What it does, in a word or two: ``restart``, ``scale to 3``."""
        return self.kind.value if self.to is None else f"{self.kind} to {self.to}"
