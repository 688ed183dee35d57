"""What other threads may request from an engine.

Invariant: asking returns at once. A question is answered on the engine's loop, by a future; the
answer is a refusal if there is no loop or answering failed.
"""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar, assert_never, cast

from opsconsole.clock import Clock
from opsconsole.config.settings import Settings
from opsconsole.engine.desks.automation_desk import AutomationDesk
from opsconsole.engine.desks.note_watch import NoteWatch
from opsconsole.engine.desks.page_book import PageBook
from opsconsole.engine.desks.team_desk import TeamDesk
from opsconsole.engine.desks.unit_book import UnitBook
from opsconsole.engine.findings import Findings
from opsconsole.engine.logs.watch import LogWatch
from opsconsole.engine.past.replay import Replay
from opsconsole.engine.reload import Reloading
from opsconsole.engine.runbooks.desk import RunbookDesk
from opsconsole.engine.schedule import Schedule
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
from opsconsole.model.logs import LogReader, PageListener
from opsconsole.model.operation import Refusal
from opsconsole.model.past.recording import RecordingState, RecordingView
from opsconsole.model.past.replay import Span
from opsconsole.model.snapshot import Snapshot

if TYPE_CHECKING:
    from opsconsole.engine.recording.recorder import Recorder
    from opsconsole.operations.operator import Operator

T = TypeVar("T")

Listener = Callable[[Snapshot], None]

_NOT_RECORDING: Final = RecordingView(RecordingState.OFF)

STOPPED: Final = Refusal("stopped", "the console is ending", "start it again")
NO_OPERATOR: Final = Refusal(
    "no-operator", "this console cannot change anything", "open one that is not read-only"
)


class EngineCalls:
    """The part of an engine that answers questions. The engine sets the parts that it uses."""

    _clock: Clock
    _findings: Findings
    _schedule: Schedule | None
    _reloading: Reloading
    _notes: NoteWatch
    _operator: "Operator | None"
    _replay: Replay
    _logs: LogWatch
    _pages: PageBook
    _units: UnitBook
    _runbooks: RunbookDesk
    _automation: AutomationDesk
    _recorder: "Recorder | None"
    _listeners: list[Listener]
    _team: TeamDesk
    _latest: Snapshot
    _loop: asyncio.AbstractEventLoop | None

    def ask(self, question: Question[T]) -> "Future[T | Refusal]":
        """The answer to ``question``, or why there is none."""
        # AnyQuestion is every Question: tests/engine/test_engine_calls.py holds the two together.
        return self._submit(lambda: self._answer(cast(AnyQuestion, question)))

    def open_logs(self, service: str, on_page: PageListener) -> LogReader:
        """Follow a service's logs until the reader is closed; ``on_page`` is called with its pages.

        It is called on a thread of the reader.
        """
        return self._logs.open(service, on_page)

    @property
    def declared(self) -> Settings:
        """What the configuration says now, without what is found."""
        return self._findings.declared

    @property
    def recorded(self) -> Span | None:
        """The span of time that can be shown, as far as is known at present."""
        return self._replay.recorded

    @property
    def recording(self) -> RecordingView:
        """What the flight recorder is doing at present."""
        return _NOT_RECORDING if self._recorder is None else self._recorder.view

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call ``listener`` with each snapshot, on the engine's thread. Returns a function that
        ends it."""
        self._listeners.append(listener)

        def end() -> None:
            with suppress(ValueError):
                self._listeners.remove(listener)

        return end

    def refresh(self) -> None:
        """Look at everything now."""
        if self._schedule is not None:
            self._on_loop(self._schedule.refresh)

    def reload(self) -> None:
        """Read the configuration again soon; the result is an event or a notice."""
        self._on_loop(lambda: self._reloading.want(self._clock.now()))

    def note(self, text: str, service: str = "") -> None:
        """Put a person's words on the timeline, of this console and of every other."""
        self._notes.take(text, service)
        self._submit(self._notes.follow)

    def _answer(self, question: AnyQuestion) -> Coroutine[Any, Any, Any]:
        match question:
            case MomentAt():
                return _to(question, self._replay.moment(question.at))
            case PagesOf():
                return _to(question, self._pages.look(question.service))
            case UnitsOf():
                return _to(question, self._units.look(question.service))
            case RunRunbook():
                return _to(question, self._runbooks.do(question.request))
            case (
                SwitchAutomation()
                | StopRemedy()
                | CloseBreaker()
                | StartMaintenance()
                | EndMaintenance()
            ):
                return self._answer_by_automation(question)
            case DoInIncident():
                return _to(question, self._team.do(question.request))
            case TakeHandover():
                return _to(question, self._team.take(question.open_things))
            case LookAt():
                return _to(question, self._team.look_at(question.service))
            case PlanFor() | Perform() | StopRollback() | GiveUp() | BackupsOf() | VerifyBackup():
                return self._answer_by_operator(question)
            case _:
                assert_never(question)

    def _answer_by_automation(
        self,
        question: SwitchAutomation | StopRemedy | CloseBreaker | StartMaintenance | EndMaintenance,
    ) -> Coroutine[Any, Any, Any]:
        desk = self._automation
        match question:
            case SwitchAutomation():
                return _to(question, desk.switch(question.on, question.reason))
            case StopRemedy():
                return _to(question, desk.stop(question.episode))
            case CloseBreaker():
                return _to(question, desk.close_breaker(question.rule, question.reason))
            case StartMaintenance():
                begun = desk.start_work(question.services, question.lasts, question.reason)
                return _to(question, begun)
            case EndMaintenance():
                return _to(question, desk.end_work(question.what))
            case _:
                assert_never(question)

    def _answer_by_operator(
        self, question: PlanFor | Perform | StopRollback | GiveUp | BackupsOf | VerifyBackup
    ) -> Coroutine[Any, Any, Any]:
        operator = self._operator
        if operator is None:
            return _refused(NO_OPERATOR)
        match question:
            case PlanFor():
                self._automation.plan_opened(question.request.service)
                return _to(question, operator.plan(question.request, self._latest))
            case Perform():
                begun = operator.perform(question.plan, question.confirmation, question.then)
                return _to(question, begun)
            case StopRollback():
                return _to(question, operator.stop_rollback(question.operation))
            case GiveUp():
                return _to(question, operator.give_up(question.operation))
            case BackupsOf():
                return _to(question, operator.backups.of(question.service))
            case VerifyBackup():
                return _to(question, operator.backups.verify(question.service, question.backup))
            case _:
                assert_never(question)

    def _fail(self, what: str, error: Exception, doing: str) -> None:
        """Report an internal error."""
        raise NotImplementedError

    def _on_loop(self, function: Callable[[], object]) -> bool:
        """Run ``function`` on the engine's thread soon; False when there is none."""
        loop = self._loop
        if loop is None:
            return False
        try:
            loop.call_soon_threadsafe(function)
        except RuntimeError:
            # The loop was closed in between.
            return False
        return True

    def _submit(self, work: Callable[[], Coroutine[Any, Any, T]]) -> "Future[T | Refusal]":
        loop = self._loop
        if loop is None:
            stopped: Future[T | Refusal] = Future()
            stopped.set_result(STOPPED)
            return stopped
        return asyncio.run_coroutine_threadsafe(self._outcome(work), loop)

    async def _outcome(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T | Refusal:
        try:
            return await work()
        except Exception as error:  # noqa: BLE001 - the caller gets an answer, not a traceback
            self._fail("a request", error, "answering")
            return Refusal("internal-error", f"{type(error).__name__} in this console")


def _to(
    question: Question[T], answer: Coroutine[Any, Any, T | Refusal]
) -> Coroutine[Any, Any, T | Refusal]:
    """``answer``, typed as the type that ``question`` names."""
    del question
    return answer


async def _refused(refusal: Refusal) -> Refusal:
    return refusal
