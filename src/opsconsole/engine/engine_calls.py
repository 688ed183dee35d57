"""What other threads may ask of an engine.

Invariant: asking returns at once. A question is answered on the engine's loop, by a future; one
that nobody can answer, because there is no loop or because answering failed, is a refusal.
"""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from opsconsole.engine.desks.operator_door import STOPPED, OperatorDoor
from opsconsole.engine.desks.page_book import PageBook
from opsconsole.engine.desks.unit_book import UnitBook
from opsconsole.engine.logs.watch import LogWatch
from opsconsole.engine.past.replay import Replay
from opsconsole.engine.runbooks.desk import RunbookDesk
from opsconsole.model.backups import BackupView
from opsconsole.model.logs import LogReader, PageListener
from opsconsole.model.operation import ActionRequest, Confirmation, Operation, Plan, Refusal
from opsconsole.model.pages import PageView
from opsconsole.model.replay import Moment
from opsconsole.model.runbook_runs import RunbookAnswer, RunbookRequest
from opsconsole.model.snapshot import Snapshot
from opsconsole.model.workloads import ReplicaLook

T = TypeVar("T")


class Asked:
    """The part of an engine that is asked. What it asks in turn is set by the engine."""

    _door: OperatorDoor
    _replay: Replay
    _logs: LogWatch
    _pages: PageBook
    _units: UnitBook
    _runbooks: RunbookDesk
    _latest: Snapshot
    _loop: asyncio.AbstractEventLoop | None

    def plan(self, request: ActionRequest) -> "Future[Plan | Refusal]":
        """What exactly would be done now."""
        return self._submit(lambda: self._door.plan(request, self._latest))

    def perform(self, plan: Plan, confirmation: Confirmation) -> "Future[Operation | Refusal]":
        """Start a confirmed plan; the operation then shows in the snapshots."""
        return self._submit(lambda: self._door.perform(plan, confirmation))

    def stop_rollback(self, operation: str) -> "Future[Operation | Refusal]":
        """Keep the automatic rollback after an operation from being begun."""
        return self._submit(lambda: self._door.stop_rollback(operation))

    def moment(self, at: float) -> "Future[Moment | Refusal]":
        """What was known at ``at``, in Unix seconds, or why that cannot be shown."""
        return self._submit(lambda: self._replay.moment(at))

    def backups(self, service: str) -> "Future[tuple[BackupView, ...] | Refusal]":
        """The backups of a service, newest first."""
        return self._submit(lambda: self._door.backups(service))

    def verify_backup(self, service: str, backup: str) -> "Future[BackupView | Refusal]":
        """One backup after every byte of it was compared; reads only."""
        return self._submit(lambda: self._door.verify_backup(service, backup))

    def pages(self, service: str) -> "Future[tuple[PageView, ...] | Refusal]":
        """A look at every declared page of a service; reads only."""
        return self._submit(lambda: self._pages.look(service))

    def units(self, service: str) -> "Future[tuple[ReplicaLook, ...] | Refusal]":
        """A look at the systemd units of a service; reads only."""
        return self._submit(lambda: self._units.look(service))

    def runbook(self, request: RunbookRequest) -> "Future[RunbookAnswer | Refusal]":
        """Do one thing with a run of a runbook; what came of it shows in the snapshots."""
        return self._submit(lambda: self._runbooks.do(request))

    def open_logs(self, service: str, on_page: PageListener) -> LogReader:
        """Follow a service's logs until the reader is closed; ``on_page`` gets what it asks for.

        It is called on a thread of the reader.
        """
        return self._logs.open(service, on_page)

    def _fail(self, what: str, error: Exception, doing: str) -> None:
        """Tell of a defect of ours."""
        raise NotImplementedError

    def _on_loop(self, function: Callable[[], object]) -> bool:
        """Run ``function`` on the engine's thread soon; False when there is none."""
        loop = self._loop
        if loop is None:
            return False
        try:
            loop.call_soon_threadsafe(function)
        except RuntimeError:
            # It was closed in between.
            return False
        return True

    def _submit(self, work: Callable[[], Coroutine[Any, Any, T]]) -> "Future[T | Refusal]":
        loop = self._loop
        if loop is None:
            stopped: Future[T | Refusal] = Future()
            stopped.set_result(STOPPED)
            return stopped
        return asyncio.run_coroutine_threadsafe(self._answer(work), loop)

    async def _answer(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T | Refusal:
        try:
            return await work()
        except Exception as error:  # noqa: BLE001 - whoever asked gets an answer, not a traceback
            self._fail("a request", error, "answering")
            return Refusal("internal-error", f"{type(error).__name__} in this console")
