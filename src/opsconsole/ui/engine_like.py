"""What the screens need of an engine.

Invariant: every method returns at once; what takes time is a future, whose refusal says why.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from concurrent.futures import Future

    from opsconsole.model.backups import BackupView
    from opsconsole.model.logs import LogReader, PageListener
    from opsconsole.model.operation import ActionRequest, Confirmation, Operation, Plan, Refusal
    from opsconsole.model.pages import PageView
    from opsconsole.model.replay import Moment, Span
    from opsconsole.model.runbook_runs import RunbookAnswer, RunbookRequest
    from opsconsole.model.snapshot import Snapshot
    from opsconsole.model.workloads import ReplicaLook


class EngineLike(Protocol):
    """What the screens need of an engine. Every method returns at once."""

    @property
    def latest(self) -> Snapshot | None:
        """The newest snapshot, if there is one."""
        ...

    @property
    def pulse(self) -> float | None:
        """What changes at least twice in ten seconds as long as it lives; None tells nothing."""
        ...

    @property
    def recorded(self) -> Span | None:
        """From when to when there are moments to show, as far as is known."""
        ...

    def start(self) -> None:
        """Start reading the world on the engine's own thread."""
        ...

    def stop(self, within: float) -> None:
        """Stop; return after at most ``within`` seconds."""
        ...

    def listen(self, callback: Callable[[Snapshot], None], /) -> object:
        """Call ``callback`` with each snapshot, on the engine's thread."""
        ...

    def refresh(self) -> None:
        """Look at everything again soon."""
        ...

    def reload(self) -> None:
        """Read the configuration again soon."""
        ...

    def note(self, text: str, service: str = "") -> None:
        """Put a person's note on the timeline."""
        ...

    def plan(self, request: ActionRequest) -> Future[Plan | Refusal]:
        """Work out what exactly would be done."""
        ...

    def perform(self, plan: Plan, confirmation: Confirmation) -> Future[Operation | Refusal]:
        """Start the confirmed plan in its runner; the answer says that it was started."""
        ...

    def stop_rollback(self, operation: str) -> Future[Operation | Refusal]:
        """Keep the automatic rollback after an operation from being begun."""
        ...

    def moment(self, at: float) -> Future[Moment | Refusal]:
        """What was known at ``at``, or why that cannot be shown."""
        ...

    def backups(self, service: str) -> Future[tuple[BackupView, ...] | Refusal]:
        """The backups of a service, newest first."""
        ...

    def verify_backup(self, service: str, backup: str) -> Future[BackupView | Refusal]:
        """One backup after every byte of it was compared; reads only."""
        ...

    def pages(self, service: str) -> Future[tuple[PageView, ...] | Refusal]:
        """A look at every declared page of a service; reads only."""
        ...

    def runbook(self, request: RunbookRequest) -> Future[RunbookAnswer | Refusal]:
        """Do one thing with a run of a runbook; what came of it shows in the snapshots."""
        ...

    def units(self, service: str) -> Future[tuple[ReplicaLook, ...] | Refusal]:
        """A look at the systemd units of a service; reads only."""
        ...

    def open_logs(self, service: str, on_page: PageListener) -> LogReader:
        """Follow a service's logs; ``on_page`` is called on a thread of the reader."""
        ...
