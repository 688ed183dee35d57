"""What people are notified of: troubles with their beginning and end, and verdicts.

Invariant: a notice names its cause once, with what is folded below it; ``id`` is the same whenever
it is sent again, so that a receiver can know it, and ``key`` the same from the first to the last
message about one thing.
"""

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from opsconsole.dataclass import dataclass
from opsconsole.model.alerting.alerts import Alert, Severity
from opsconsole.model.operation import Operation


class What(StrEnum):
    """Why somebody is notified."""

    NEW = "new"
    REMINDER = "reminder"
    OVER = "over"
    VERDICT = "verdict"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Member:
    """What is kept of one trouble. ``since`` is when it began, in Unix seconds."""

    key: str
    name: str
    severity: Severity
    since: float
    service: str = ""
    summary: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Episode:
    """One cause, or several that share a message, from its first message until it was over.

    ``taken_at`` is when the receiver first took it, ``last_at`` when it last did; ``reminders`` how
    often since. ``over_at`` is when it was found to be over.
    """

    id: str
    members: tuple[Member, ...]
    opened_at: float
    taken_at: float | None = None
    last_at: float | None = None
    reminders: int = 0
    over_at: float | None = None

    @property
    def since(self) -> float:
        """When the first of it began."""
        return min(each.since for each in self.members)

    @property
    def severity(self) -> Severity:
        """That of its gravest member."""
        return max((each.severity for each in self.members), key=lambda each: each.urgency)


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to report. ``lasting`` are the troubles of its episode as they stand now,
    ``folded`` the services that fail because of them. A verdict has an operation and no episode.
    """

    id: str
    key: str
    what: What
    episode: Episode | None = None
    operation: Operation | None = None
    lasting: tuple[Alert, ...] = ()
    folded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """A notice in words: one line, and all of it in lines.

    ``severity`` is ``ok`` for what is over or was verified. ``since`` is in Unix seconds;
    ``folded`` counts what it is about beside the one that the title names.
    """

    id: str
    key: str
    what: What
    title: str
    text: str
    severity: str
    service: str = ""
    environment: str = ""
    since: float | None = None
    folded: int = 0
