"""What the journal keeps, as values.

Invariant: an operation's id is sixteen hexadecimal digits, because it becomes the name of files;
making or reading another one raises StateError. Times are Unix seconds.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.errors import StateError
from opsconsole.model.operation import OperationState, Plan
from opsconsole.operations.who import Who
from opsconsole.text import sanitize

OPERATION_ID: Final = re.compile(r"[0-9a-f]{16}")
RUN_ID: Final = re.compile(r"[0-9]{1,12}-[0-9a-f]{8}")

OPERATION_LIMIT: Final = 1000
"""The most operations that are listed at once."""

STEPS_READ: Final = 20_000
"""Steps of operations that are read at once."""

NOTES_READ: Final = 2000
"""Notes that are read at once, the newest."""

_SHOWN: Final = 80


@dataclass(frozen=True, slots=True)
class Intent:
    """All that a runner needs to carry out an operation. ``declaration`` is a digest."""

    operation: str
    plan: Plan
    who: Who
    reason: str
    declaration: str
    config_path: str
    base: str

    def __post_init__(self) -> None:
        checked(self.operation, OPERATION_ID, "an operation")


@dataclass(frozen=True, slots=True)
class Past:
    """A plan that was performed for the service before, and the state it is in.

    ``said_by`` is whose word it is where only the shared journal says so; '' where this user's own
    record does.
    """

    plan: Plan
    state: OperationState
    operation: str = ""
    who: str = ""
    said_by: str = ""


@dataclass(frozen=True, slots=True)
class StepRecord:
    """A step as journalled; ``before`` is what was observed of its target before the call."""

    ordinal: int
    state: str
    detail: str
    started_at: float | None
    before: Mapping[str, str]

    @property
    def begun(self) -> bool:
        """Whether it may have changed something: its call was made, or is not known."""
        return self.started_at is not None and self.state != "waiting"


class PromiseKind(StrEnum):
    """What is to be done later, whatever happens."""

    END = "end"
    """A degradation is recovered."""
    ROLLBACK = "rollback"
    """A change that was not verified is rolled back."""
    WATCH = "watch"
    """An acknowledgement ends when its alert resolves."""
    NEXT = "next"
    """The next operation of its group is begun once it is verified."""


@dataclass(frozen=True, slots=True)
class Promise:
    """What follows ``operation`` at ``due``, unless it is settled before.

    ``outcome`` says what became of it; '' while it waits. While the machine is up that has
    ``boot_id``, ``due_boottime`` on CLOCK_BOOTTIME decides instead of ``due``. ``attempts`` counts
    those that failed.
    """

    operation: str
    kind: PromiseKind
    service: str
    due: float
    boot_id: str = ""
    due_boottime: float = 0.0
    attempts: int = 0
    outcome: str = ""

    def __post_init__(self) -> None:
        checked(self.operation, OPERATION_ID, "an operation")


@dataclass(frozen=True, slots=True)
class Scope:
    """The configuration and the environments whose rows are read; what was kept is of ``key``.

    Several may share one state: each has its own operations, notes and ledgers. Locks are shared,
    as two configurations may name the same service. In a state of several hosts, where the paths
    of one say nothing of another's, ``config_path`` is None, and environments alone are apart.
    """

    config_path: str | None
    environments: tuple[str, ...]

    @property
    def key(self) -> str:
        """What notes and ledgers are marked with; those of earlier versions have no mark."""
        return f"{self.config_path or ''}\n{self.environments[0]}"


@dataclass(frozen=True, slots=True)
class Note:
    """What somebody wrote down at ``at``; ``service`` is '' for what concerns all of them."""

    at: float
    who: str
    text: str
    service: str = ""
    host: str = ""


class LedgerKind(StrEnum):
    """Of which subject a ledger is: the records of one subject, which only grow."""

    RUNBOOK = "runbook"
    """A run of a runbook."""
    INCIDENT = "incident"
    """What people declared to be wrong; numbered."""
    HANDOVER = "handover"
    """A shift that was handed over."""
    REMEDY = "remedy"
    """One episode of a remedy."""
    AUTOMATION = "automation"
    """Whether automation acts at all."""
    MAINTENANCE = "maintenance"
    """One span of announced work."""
    NOTICE = "notice"
    """What was sent to one receiver."""


@dataclass(frozen=True, slots=True)
class LedgerStamp:
    """A ledger, and a number that differs once it has grown."""

    kind: LedgerKind
    id: str
    version: int


def checked(text: str, pattern: re.Pattern[str], what: str) -> str:
    """``text``, which is the id of ``what``. Raises StateError when it does not look like one."""
    if pattern.fullmatch(text):
        return text
    raise StateError(
        f"{sanitize(text, limit=_SHOWN)!r} is not the id of {what}",
        remedy="look at who wrote it into the state",
    )
