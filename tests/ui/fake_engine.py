"""An engine that shows what it is given and remembers what it is asked."""

import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from typing import TypeVar, cast

from opsconsole.model.asked.backups import BackupView
from opsconsole.model.asked.pages import PageView
from opsconsole.model.asked.questions import (
    AnyQuestion,
    BackupsOf,
    CloseBreaker,
    DoInIncident,
    EndMaintenance,
    GiveUp,
    LookAt,
    MomentAt,
    PagesOf,
    Perform,
    PlanFor,
    Question,
    RunRunbook,
    StartMaintenance,
    StopRemedy,
    StopRollback,
    SwitchAutomation,
    TakeHandover,
    UnitsOf,
    VerifyBackup,
)
from opsconsole.model.handover import Handover
from opsconsole.model.incidents import Incident, IncidentRequest
from opsconsole.model.logs import LogPage, LogQuery, PageListener
from opsconsole.model.operation import (
    ActionKind,
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
from opsconsole.model.past.replay import Moment, Span
from opsconsole.model.people import Person
from opsconsole.model.runbooks.runs import RunbookAnswer, RunbookRequest
from opsconsole.model.running.workloads import ReplicaLook
from opsconsole.model.snapshot import Snapshot
from tests.ui.fleet import NOW

T = TypeVar("T")


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


IDS = ("3f2a9c17b0de", "91bb04c2aa10", "c40de1775f9b")
_WHOLE = "5f3c7a90e1b24d68f0a1c2d3e4b5a6978877665544332211aabb"
"""What makes an id of twelve digits as long as an engine's."""


def a_plan(request: ActionRequest, confirm: ConfirmLevel) -> Plan:
    """A plan as policy would answer: of three copies, or of those that are asked for."""
    names = tuple(f"{request.service}-{number}" for number in (1, 2, 3))
    chosen = [name for name in names if not request.instances or name in request.instances]
    back = request.kind is ActionKind.ROLLBACK
    image = f"{request.service}:v1.5.0"
    facts = {f"{name} image": image for name in chosen}
    undo = "U again, to v1.5.0: its image stays here"
    return Plan(
        "plan-1", request.service, request.kind, request.name, NOW, "production", "high",
        tuple(
            Step(
                f"{request.kind.value} container {name}", "docker",
                f"{IDS[names.index(name)]}{_WHOLE} ({name})", instance=name,
            )
            for name in chosen
        ),
        {**facts, "ai-service-2 state": "exited 137"},
        confirm, ("3 of 3 healthy for 10 s within 5 min", "p95 under 300 ms"),
        undo if back else "nothing to undo: a restart changes no version",
        warnings=(
            "compose.yaml in git still says v1.5.0: the next deploy puts it back" if back
            else "killed for memory 4 times in 8 min: a restart will not last",
        ),
        last_outcome="verified by ana: 3 of 3 healthy for 10 s, after 42 s", usual_duration=42.0,
        parameters=dict(request.parameters),
        goals={f"{name} image": f"{request.service}:v1.4.2" for name in chosen} if back else {},
    )  # fmt: skip


def no_runbook(_request: RunbookRequest) -> Refusal:
    """What an engine says that knows none."""
    return Refusal("no-such-runbook", "there is no such runbook")


def no_incident(request: IncidentRequest) -> Refusal:
    """What an engine says where there is none."""
    return Refusal("no-such-incident", f"there is no incident {request.number}")


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
        self.refusals: dict[str, Refusal] = {}
        self.followed: list[tuple[Plan, ...]] = []
        self.not_started: Refusal | Operation | None = None
        self.slow = False
        self.warnings: tuple[str, ...] = ()
        self.open_questions: list[tuple[Future[object], object]] = []
        self.kept: tuple[BackupView, ...] = ()
        self.verified: list[str] = []
        self.given_up: list[str] = []
        self.stopped_rollbacks: list[str] = []
        self.hands: list[object] = []
        self.hand_answer: object = Refusal("cannot-record", "the state does not answer")
        self.runbook_requests: list[RunbookRequest] = []
        self.answer_runbook: Callable[[RunbookRequest], RunbookAnswer | Refusal] = no_runbook
        self.incident_requests: list[IncidentRequest] = []
        self.answer_incident: Callable[[IncidentRequest], Incident | Refusal] = no_incident
        self.taken: list[int] = []
        self.looked_at: list[str] = []
        self.answer_logs: Callable[[LogQuery], LogPage] = LogPage
        self.readers: list[FakeReader] = []
        self.read_pages: tuple[PageView, ...] | Refusal = ()
        self.pages_asked: list[str] = []
        self.read_units: tuple[ReplicaLook, ...] | Refusal = ()
        self.recorded: Span | None = None
        self.moments: list[float] = []
        self.answer_moment: Callable[[float], Moment | Refusal] = nothing_recorded
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

    def ask(self, question: Question[T]) -> "Future[T | Refusal]":
        future: Future[T | Refusal] = Future()
        answer = cast(T | Refusal, self.answer(cast(AnyQuestion, question)))
        if self.slow and isinstance(question, PlanFor | MomentAt):
            self.open_questions.append((cast("Future[object]", future), answer))
        else:
            future.set_result(answer)
        return future

    def settle(self) -> None:
        """Answer the oldest question that is open."""
        future, answer = self.open_questions.pop(0)
        future.set_result(answer)

    def plan(self, request: ActionRequest) -> Plan:
        """The plan of ``request``, with other warnings where some are set."""
        made = a_plan(request, self.confirm)
        return replace(made, warnings=self.warnings) if self.warnings else made

    def answer(self, question: AnyQuestion) -> object:  # noqa: C901 - a flat table
        """What it says to ``question``."""
        match question:
            case PlanFor():
                self.requests.append(question.request)
                refusal = self.refusals.get(question.request.service, self.refusal)
                return refusal or self.plan(question.request)
            case Perform():
                self.performed.append((question.plan, question.confirmation))
                self.followed.append(question.then)
                return self.not_started or an_operation(question.plan)
            case GiveUp() | StopRollback():
                asked = self.given_up if isinstance(question, GiveUp) else self.stopped_rollbacks
                asked.append(question.operation)
                return Refusal("nothing-to-do", "it has begun already")
            case MomentAt():
                self.moments.append(question.at)
                return self.answer_moment(question.at)
            case BackupsOf():
                return self.kept
            case VerifyBackup():
                self.verified.append(question.backup)
                found = next(each for each in self.kept if each.id == question.backup)
                return replace(found, verified_at=NOW)
            case PagesOf():
                self.pages_asked.append(question.service)
                return self.read_pages
            case UnitsOf():
                return self.read_units
            case RunRunbook():
                self.runbook_requests.append(question.request)
                return self.answer_runbook(question.request)
            case DoInIncident():
                self.incident_requests.append(question.request)
                return self.answer_incident(question.request)
            case TakeHandover():
                self.taken.append(question.open_things)
                return Handover("1-00000000", NOW, Person("kim", "bastion-1"), question.open_things)
            case LookAt():
                self.looked_at.append(question.service)
                return None
            case _:
                return self.answer_hand(question)

    def answer_hand(
        self,
        question: SwitchAutomation | StopRemedy | CloseBreaker | StartMaintenance | EndMaintenance,
    ) -> object:
        """What it says to what people ask of automation."""
        self.hands.append(question)
        return self.hand_answer

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
