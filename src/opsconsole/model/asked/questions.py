"""What an engine can be asked, each question with the type of its answer.

Invariant: a question is data, and only ``Perform``, ``StopRollback`` and ``GiveUp`` change
anything. Its answer is of the type that it names, or a ``Refusal``.
"""

from typing import Generic, TypeVar

from opsconsole.dataclass import dataclass
from opsconsole.model.asked.backups import BackupView
from opsconsole.model.asked.pages import PageView
from opsconsole.model.handover import Handover
from opsconsole.model.incidents import Incident, IncidentRequest
from opsconsole.model.maintenance import Maintenance
from opsconsole.model.operation import ActionRequest, Confirmation, Operation, Plan
from opsconsole.model.past.replay import Moment
from opsconsole.model.remedies.episodes import Episode
from opsconsole.model.remedies.switch import Switch
from opsconsole.model.runbooks.runs import RunbookAnswer, RunbookRequest
from opsconsole.model.running.workloads import ReplicaLook

T = TypeVar("T")


class Question(Generic[T]):
    """A question whose answer is a ``T``."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class PlanFor(Question[Plan]):
    """What exactly would be done now."""

    request: ActionRequest


@dataclass(frozen=True, slots=True)
class Perform(Question[Operation]):
    """Start a confirmed plan, and ``then`` those that were confirmed with it, each in its turn.

    The operations then show in the snapshots.
    """

    plan: Plan
    confirmation: Confirmation
    then: tuple[Plan, ...] = ()


@dataclass(frozen=True, slots=True)
class StopRollback(Question[Operation]):
    """Cancel the automatic rollback after an operation."""

    operation: str


@dataclass(frozen=True, slots=True)
class GiveUp(Question[Operation]):
    """End verifying an operation, whose verdict is then inconclusive."""

    operation: str


@dataclass(frozen=True, slots=True)
class BackupsOf(Question[tuple[BackupView, ...]]):
    """The backups of a service, newest first."""

    service: str


@dataclass(frozen=True, slots=True)
class VerifyBackup(Question[BackupView]):
    """One backup after every byte of it was compared; reads only."""

    service: str
    backup: str


@dataclass(frozen=True, slots=True)
class MomentAt(Question[Moment]):
    """What was known at ``at``, in Unix seconds."""

    at: float


@dataclass(frozen=True, slots=True)
class PagesOf(Question[tuple[PageView, ...]]):
    """A look at every declared page of a service; reads only."""

    service: str


@dataclass(frozen=True, slots=True)
class UnitsOf(Question[tuple[ReplicaLook, ...]]):
    """A look at the systemd units of a service; reads only."""

    service: str


@dataclass(frozen=True, slots=True)
class RunRunbook(Question[RunbookAnswer]):
    """Do one thing with a run of a runbook; the result shows in the snapshots."""

    request: RunbookRequest


@dataclass(frozen=True, slots=True)
class SwitchAutomation(Question[Switch]):
    """Switch all automation of the state off, or on again."""

    on: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class StopRemedy(Question[Episode]):
    """Keep a remedy from acting that counts down, or from being asked for."""

    episode: str


@dataclass(frozen=True, slots=True)
class CloseBreaker(Question[Switch]):
    """Let a remedy act again before its breaker has rested."""

    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class StartMaintenance(Question[Maintenance]):
    """Announce work on ``services``, () for all, for ``lasts`` seconds."""

    services: tuple[str, ...]
    lasts: float
    reason: str


@dataclass(frozen=True, slots=True)
class EndMaintenance(Question[tuple[Maintenance, ...]]):
    """End the maintenance of that id, or all that are for the service of that name alone."""

    what: str


@dataclass(frozen=True, slots=True)
class DoInIncident(Question[Incident]):
    """Open an incident or do one thing in it; nothing in the world is changed."""

    request: IncidentRequest


@dataclass(frozen=True, slots=True)
class TakeHandover(Question[Handover]):
    """Record that what is open, so many things, is taken over; nothing else is changed."""

    open_things: int


@dataclass(frozen=True, slots=True)
class LookAt(Question[None]):
    """Show the others that this console looks at a service; '' for none in particular."""

    service: str


AnyQuestion = (
    PlanFor
    | Perform
    | StopRollback
    | GiveUp
    | BackupsOf
    | VerifyBackup
    | MomentAt
    | PagesOf
    | UnitsOf
    | RunRunbook
    | SwitchAutomation
    | StopRemedy
    | CloseBreaker
    | StartMaintenance
    | EndMaintenance
    | DoInIncident
    | TakeHandover
    | LookAt
)
"""Every question that there is."""
