"""What reaches the screens from elsewhere: typed messages, named for what has happened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from opsconsole.model.backups import BackupView
    from opsconsole.model.operation import ActionRequest, Operation, Plan, Refusal
    from opsconsole.model.pages import PageView
    from opsconsole.model.replay import Moment
    from opsconsole.model.runbook_runs import RunbookAnswer
    from opsconsole.model.workloads import ReplicaLook


class SnapshotArrived(Message):
    """A snapshot waits in the bridge's slot. Many of these are one."""

    def can_replace(self, message: Message) -> bool:
        """Only the latest matters."""
        return isinstance(message, SnapshotArrived)


@dataclass
class EngineFailed(Message):
    """The engine could not be made or started; ``reason`` is safe text.

    With a bad configuration there is nothing to show: the console leaves with ``exit_code``.
    """

    reason: str
    exit_code: int | None = None


@dataclass
class PlanArrived(Message):
    """The answer to a request for a plan: a plan, or why there is none."""

    request: ActionRequest
    plan: Plan | None = None
    refusal: Refusal | None = None


@dataclass
class OperationStarted(Message):
    """The answer to a confirmed plan: the run's record, or why it was not started."""

    plan: Plan
    operation: Operation | None = None
    refusal: Refusal | None = None


@dataclass
class BackupsArrived(Message):
    """The backups of a service, or why they cannot be listed."""

    service: str
    backups: tuple[BackupView, ...] | None = None
    refusal: Refusal | None = None


@dataclass
class BackupVerified(Message):
    """One backup after it was compared, or why it could not be."""

    service: str
    id: str
    backup: BackupView | None = None
    refusal: Refusal | None = None


@dataclass
class PagesArrived(Message):
    """The declared pages of a service as they are, or why they cannot be had."""

    service: str
    pages: tuple[PageView, ...] | None = None
    refusal: Refusal | None = None


@dataclass
class UnitsArrived(Message):
    """The systemd units of a service as they are, or why they cannot be had."""

    service: str
    units: tuple[ReplicaLook, ...] | None = None
    refusal: Refusal | None = None


@dataclass
class MomentArrived(Message):
    """What was known at the moment ``asked``, or why that cannot be shown."""

    asked: float
    moment: Moment | None = None
    refusal: Refusal | None = None


@dataclass
class RunbookAnswered(Message):
    """What came of a request to a run of a runbook, or why it was refused."""

    answer: RunbookAnswer | None = None
    refusal: Refusal | None = None


@dataclass
class NotePosted(Message):
    """Something to say in the bottom line for a few seconds."""

    text: str
