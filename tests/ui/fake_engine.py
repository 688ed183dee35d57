"""An engine that shows what it is given and remembers what it is asked."""

import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace

from opsconsole.model.backups import BackupView
from opsconsole.model.logs import LogPage, LogQuery, PageListener
from opsconsole.model.operation import (
    ActionRequest,
    Confirmation,
    ConfirmLevel,
    Operation,
    OperationState,
    Plan,
    Refusal,
    Step,
    StepResult,
)
from opsconsole.model.pages import PageView
from opsconsole.model.replay import Moment, Span
from opsconsole.model.runbook_runs import RunbookAnswer, RunbookRequest
from opsconsole.model.snapshot import Snapshot
from opsconsole.model.workloads import ReplicaLook
from tests.ui.fleet import NOW


class FixedClock:
    """A clock that stands at the fleet's moment until it is moved."""

    def __init__(self, now: float = NOW) -> None:
        self.at = now

    def now(self) -> float:
        return self.at

    def wall(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += seconds


class MovingClock(FixedClock):
    """A clock that starts at the fleet's moment and goes on."""

    def __init__(self) -> None:
        super().__init__()
        self._began = time.monotonic()

    def now(self) -> float:
        return NOW + time.monotonic() - self._began

    def wall(self) -> float:
        return self.now()


def a_plan(request: ActionRequest, confirm: ConfirmLevel) -> Plan:
    """A plan as policy would answer."""
    return Plan(
        "plan-1", request.service, request.kind, request.name, NOW, "production", "high",
        (
            Step(f"restart container {request.service}-1", "docker", "3f2a9c17b0de (ai-service-1)"),
            Step(f"restart container {request.service}-2", "docker", "91bb04c2aa10 (ai-service-2)"),
        ),
        {"ai-service-1 image": "ai-service:v1.5.0", "ai-service-2 state": "exited 137"},
        confirm, ("healthy for 10 s before 5 min are over", "p95 back under 300 ms"),
        "nothing to undo: a restart changes no version", warnings=("2 of 3 instances are down",),
        last_outcome="verified 4 d ago in 42 s", usual_duration=42.0,
    )  # fmt: skip


def no_runbook(_request: RunbookRequest) -> Refusal:
    """What an engine says that knows none."""
    return Refusal("no-such-runbook", "there is no such runbook")


class FakeReader:
    """Answers each query with what ``answer`` makes of it, in the caller's thread."""

    def __init__(self, engine: "FakeEngine", on_page: PageListener) -> None:
        self._engine, self._on_page = engine, on_page
        self.closed = False
        self.query = LogQuery()
        self.ask(self.query)

    def ask(self, query: LogQuery) -> None:
        self.query = query
        self._on_page(self._engine.answer_logs(query))

    def close(self) -> None:
        self.closed = True


class FakeEngine:
    """Publishes snapshots on demand; plans and runs are answered at once."""

    def __init__(
        self, snapshot: Snapshot | None = None, confirm: ConfirmLevel = ConfirmLevel.TYPED_NAME
    ) -> None:
        self.snapshot = snapshot
        self.pulse: float | None = None
        self.confirm = confirm
        self.requests: list[ActionRequest] = []
        self.performed: list[tuple[Plan, Confirmation]] = []
        self.refreshed = 0
        self.reloaded = 0
        self.stopped = False
        self.refusal: Refusal | None = None
        self.slow = False
        self.asked: tuple[Future[Plan | Refusal], Plan] | None = None
        self.kept: tuple[BackupView, ...] = ()
        self.verified: list[str] = []
        self.stopped_rollbacks: list[str] = []
        self.runbook_requests: list[RunbookRequest] = []
        self.answer_runbook: Callable[[RunbookRequest], RunbookAnswer | Refusal] = no_runbook
        self.answer_logs: Callable[[LogQuery], LogPage] = LogPage
        self.readers: list[FakeReader] = []
        self.read_pages: tuple[PageView, ...] | Refusal = ()
        self.pages_asked: list[str] = []
        self.read_units: tuple[ReplicaLook, ...] | Refusal = ()
        self.recorded: Span | None = None
        self.moments: list[float] = []
        self.answer_moment: Callable[[float], Moment | Refusal] = nothing_recorded
        self.reading: list[Future[Moment | Refusal]] = []
        self._listeners: list[Callable[[Snapshot], None]] = []

    @property
    def latest(self) -> Snapshot | None:
        return self.snapshot

    def start(self) -> None:
        pass

    def stop(self, within: float) -> None:
        self.stopped = True

    def listen(self, callback: Callable[[Snapshot], None]) -> None:
        self._listeners.append(callback)

    def publish(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        for listener in self._listeners:
            listener(snapshot)

    def refresh(self) -> None:
        self.refreshed += 1

    def reload(self) -> None:
        self.reloaded += 1

    def note(self, text: str, service: str = "") -> None:
        pass

    def plan(self, request: ActionRequest) -> "Future[Plan | Refusal]":
        self.requests.append(request)
        future: Future[Plan | Refusal] = Future()
        if self.slow:
            self.asked = (future, a_plan(request, self.confirm))
        else:
            future.set_result(self.refusal or a_plan(request, self.confirm))
        return future

    def perform(self, plan: Plan, confirmation: Confirmation) -> "Future[Operation | Refusal]":
        self.performed.append((plan, confirmation))
        future: Future[Operation | Refusal] = Future()
        future.set_result(an_operation(plan))
        return future

    def stop_rollback(self, operation: str) -> "Future[Operation | Refusal]":
        self.stopped_rollbacks.append(operation)
        future: Future[Operation | Refusal] = Future()
        future.set_result(Refusal("nothing-to-do", "it has begun already"))
        return future

    def moment(self, at: float) -> "Future[Moment | Refusal]":
        self.moments.append(at)
        future: Future[Moment | Refusal] = Future()
        if self.slow:
            self.reading.append(future)
        else:
            future.set_result(self.answer_moment(at))
        return future

    def backups(self, service: str) -> "Future[tuple[BackupView, ...] | Refusal]":
        future: Future[tuple[BackupView, ...] | Refusal] = Future()
        future.set_result(self.kept)
        return future

    def verify_backup(self, service: str, backup: str) -> "Future[BackupView | Refusal]":
        self.verified.append(backup)
        future: Future[BackupView | Refusal] = Future()
        found = next(each for each in self.kept if each.id == backup)
        future.set_result(replace(found, verified_at=NOW))
        return future

    def pages(self, service: str) -> "Future[tuple[PageView, ...] | Refusal]":
        self.pages_asked.append(service)
        future: Future[tuple[PageView, ...] | Refusal] = Future()
        future.set_result(self.read_pages)
        return future

    def runbook(self, request: RunbookRequest) -> "Future[RunbookAnswer | Refusal]":
        self.runbook_requests.append(request)
        future: Future[RunbookAnswer | Refusal] = Future()
        future.set_result(self.answer_runbook(request))
        return future

    def units(self, service: str) -> "Future[tuple[ReplicaLook, ...] | Refusal]":
        future: Future[tuple[ReplicaLook, ...] | Refusal] = Future()
        future.set_result(self.read_units)
        return future

    def open_logs(self, service: str, on_page: PageListener) -> FakeReader:
        self.readers.append(FakeReader(self, on_page))
        return self.readers[-1]


def nothing_recorded(at: float) -> Moment | Refusal:
    """Where nobody records."""
    return Refusal("not-recorded", "nothing is recorded yet")


def an_operation(plan: Plan, state: OperationState = OperationState.VERIFYING) -> Operation:
    """A run of ``plan`` as the journal would have it."""
    done = state.final
    return Operation(
        "op-1", plan.id, plan.service, plan.kind, plan.name, state, "kim", "bastion-1",
        NOW - 12, NOW,
        steps=(
            StepResult(plan.steps[0].summary, "done", "started 8 s ago", NOW - 12, NOW - 8),
            StepResult(plan.steps[-1].summary, "done" if done else "running"),
        ),
        summary="healthy for 10 s; p95 42 ms, before it 1.9 s" if done else "",
        ended_at=NOW if done else None, usual_duration=42.0,
    )  # fmt: skip
