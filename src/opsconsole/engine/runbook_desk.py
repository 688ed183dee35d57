"""Running runbooks: takes requests, carries out steps, follows what they began.

Invariant: a step's beginning is on disk before anything is done for it, and its result before it
is shown. An operation is never begun here: its plan is handed out, and the operation that a person
started from it is found in the journal. What a console that ended left running is gone on with by
the next console of the same user. Lives on the engine's loop; files are touched in a thread.
"""

import asyncio
import secrets
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, TypeVar

from opsconsole.clock import Clock
from opsconsole.config.runbooks import load_runbooks
from opsconsole.config.settings import Settings
from opsconsole.engine import runbook_policy, runbook_waits
from opsconsole.engine.runbook_checks import Checks, Look
from opsconsole.engine.runbook_events import news
from opsconsole.engine.runbook_files import Hold, RunFiles
from opsconsole.engine.runbook_following import found_operation, verdict
from opsconsole.engine.runbook_records import Record, apply, begun, fold, summary
from opsconsole.errors import StateError
from opsconsole.model.events import Event
from opsconsole.model.operation import ActionRequest, Operation, Refusal
from opsconsole.model.runbook_runs import (
    RunbookAnswer,
    RunbookRequest,
    RunbookRun,
    RunbookVerb,
    RunOutcome,
    StepRun,
    StepState,
)
from opsconsole.model.runbooks import (
    OperationCall,
    Question,
    Runbook,
    RunbookView,
    Step,
    StepKind,
    Wait,
    bound,
    viewed,
)
from opsconsole.model.snapshot import Snapshot
from opsconsole.operations.who import Who, whoami
from opsconsole.sources.executor import BoundedExecutor, QueueFullError
from opsconsole.text import sanitize

DEADLINE: Final = 5.0
"""Seconds for one touch of the state folder."""

ANSWER: Final = 200

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Place:
    """A step of a run, and the lock that says that this console is at it."""

    run: str
    service: str
    step: Step
    hold: Hold


class RunbookDesk:
    """One per engine. ``views`` and ``runs`` are the same objects until something changes."""

    def __init__(
        self,
        settings: Settings,
        base: Path,
        clock: Clock,
        checks: Checks,
        *,
        read_only: bool,
        tell: Callable[[Event], None],
    ) -> None:
        self._settings = settings
        self._base = base
        self._clock = clock
        self._checks = checks
        self._read_only = read_only
        self._tell = tell
        self._files = RunFiles(settings)
        self._threads = BoundedExecutor("runbooks", 2)
        self._who: Who | None = None
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._told: dict[str, RunbookRun] | None = None
        self.runbooks: tuple[Runbook, ...] = ()
        self.views: tuple[RunbookView, ...] = ()
        self.runs: tuple[RunbookRun, ...] = ()
        self._bad = self._trouble = ""
        self._opened = False

    @property
    def fault(self) -> str:
        """What is wrong with the runbooks or with recording their runs, or ''."""
        return self._trouble or self._bad

    def shown_in(self, snapshot: Snapshot) -> bool:
        """Whether ``snapshot`` has the runbooks and runs as they are."""
        return snapshot.runbooks is self.views and snapshot.runbook_runs is self.runs

    def added_to(self, snapshot: Snapshot) -> Snapshot:
        """``snapshot`` with the runbooks and runs as they are."""
        return replace(snapshot, runbooks=self.views, runbook_runs=self.runs)

    async def _open(self) -> None:
        """Read the runbooks, once."""
        loaded = await self._in_thread(load_runbooks, self._settings, self._base)
        self.runbooks = loaded.runbooks
        self.views = tuple(map(viewed, loaded.runbooks))
        if loaded.problems:
            count = len(loaded.problems)
            counted = f"{count} problem{'' if count == 1 else 's'}"
            self._bad = f"{counted} in the runbooks: opsconsole check lists them"

    def use(self, settings: Settings) -> None:
        """Read the runbooks of ``settings`` at the next poll; runs go on."""
        self._settings, self._opened, self._bad = settings, False, ""
        self._checks.use(settings)

    async def close(self) -> None:
        """Leave what is under way to the next console."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        await self._checks.close()
        self._threads.close()

    async def do(self, request: RunbookRequest) -> RunbookAnswer | Refusal:
        """Do what is asked of a run, or say why not."""
        if request.replay:
            return runbook_policy.REPLAY
        known = self.bound(request.runbook, request.service)
        if known is None:
            said = f"no runbook is called {sanitize(request.runbook, limit=80)}"
            return Refusal("no-such-runbook", said, "opsconsole runbook list names them")
        try:
            answer = await self._done(known, request)
            self._show(await self._in_thread(self._files.runs))
            return answer
        except (TimeoutError, QueueFullError):
            return Refusal("cannot-record", "the state folder does not answer", "try again")
        except StateError as error:
            return Refusal("cannot-record", error.what, error.remedy)

    def bound(self, name: str, service: str) -> Runbook | None:
        """A runbook as it reads for ``service``."""
        found = next((each for each in self.runbooks if each.name == name), None)
        if found is None:
            return None
        return bound(found, service, self._settings.environment_of(service).name)

    async def poll(self, operations: Sequence[Operation]) -> None:
        """See what moved in any console, follow operations, and go on with what was left."""
        try:
            if not self._opened:
                await self._open()
                self._opened = True
            runs = await self._in_thread(self._files.runs)
            for run in runs:
                if run.open:
                    await self._look_after(run, operations)
        except (TimeoutError, QueueFullError, StateError) as error:
            self._trouble = f"runs of runbooks cannot be read: {str(error) or 'no answer'}"
            return
        self._trouble = ""
        self._show(runs)

    # ---- requests ----

    async def _done(self, runbook: Runbook, request: RunbookRequest) -> RunbookAnswer | Refusal:
        step = runbook.step(request.step)
        if request.verb is not RunbookVerb.END:
            refusal = _refused(step, request, read_only=self._read_only)
            if refusal is not None or step is None:
                return refusal or Refusal("no-such-step", "there is no such step")
        run = await self._open_run(runbook, request)
        if isinstance(run, Refusal):
            return run
        if request.verb is RunbookVerb.RUN and step is not None:
            return await self._run_step(runbook, run, step, request)
        return await self._record(runbook, run, request, self._closing(request))

    async def _open_run(self, runbook: Runbook, request: RunbookRequest) -> RunbookRun | Refusal:
        """The run that goes on, else a new one."""
        for run in await self._in_thread(self._files.runs):
            if run.open and (run.runbook, run.service) == (runbook.name, request.service):
                return run
        if request.verb is RunbookVerb.END:
            return Refusal("no-run", "there is no run to end", "")
        now, who = self._clock.now(), self._whoami()
        name = f"{int(now)}-{secrets.token_hex(4)}"
        first = begun(name, runbook, request.service, who.name, who.host, now)
        # What may not be done begins no run.
        trial = fold([first])
        assert trial is not None, "the first record begins a run"
        refusal = runbook_policy.refuse(runbook, trial, request)
        if refusal is not None:
            return refusal
        return await self._in_thread(self._files.create, name, first)

    async def _run_step(
        self, runbook: Runbook, run: RunbookRun, step: Step, request: RunbookRequest
    ) -> RunbookAnswer | Refusal:
        if isinstance(step.does, OperationCall):
            answer = await self._record(runbook, run, request, self._record_of("plan", step.id))
            if isinstance(answer, Refusal):
                return answer
            service = step.does.service or run.service
            plan = ActionRequest(service, step.does.kind, step.does.name)
            return RunbookAnswer(answer.run, plan)
        if runbook_policy.instant(step):
            record = self._settling(step, request.answer)
            return await self._record(runbook, run, request, record)
        hold = await self._in_thread(self._files.hold, run.id)
        if hold is None:
            return runbook_policy.HELD
        answer = await self._record(runbook, run, request, self._record_of("start", step.id))
        if isinstance(answer, Refusal):
            hold.release()
        else:
            self._begin(_Place(run.id, run.service, step, hold))
        return answer

    def _settling(self, step: Step, answer: str) -> dict[str, object]:
        """The result of a text that was read or a question that was answered."""
        record = self._record_of("result", step.id)
        said = sanitize(answer.strip(), limit=ANSWER)
        asked = step.does
        if not isinstance(asked, Question):
            return {**record, "state": StepState.PASSED.value, "said": "read"}
        wrong = asked.expect and said != asked.expect
        state = StepState.FAILED if wrong else StepState.PASSED
        expected = f", wanted {asked.expect}" if wrong else ""
        return {**record, "state": state.value, "said": f"{said}{expected}", "answer": said}

    def _closing(self, request: RunbookRequest) -> dict[str, object]:
        if request.verb is RunbookVerb.SKIP:
            return self._record_of("skip", request.step)
        return {**self._record_of("end", ""), "outcome": RunOutcome.ABANDONED.value}

    def _record_of(self, does: str, step: str) -> dict[str, object]:
        who = self._whoami()
        now = self._clock.now()
        return {"do": does, "step": step, "at": now, "who": who.name, "host": who.host}

    async def _record(
        self, runbook: Runbook, run: RunbookRun, request: RunbookRequest, record: Record
    ) -> RunbookAnswer | Refusal:
        """Append ``record`` if the run, as it stands on disk, allows what is asked."""

        def decide(seen: RunbookRun) -> Sequence[Record] | Refusal:
            refusal = runbook_policy.refuse(runbook, seen, request)
            return refusal or self._with_end(seen, record)

        after = await self._in_thread(self._files.append, run.id, decide)
        return after if isinstance(after, Refusal) else RunbookAnswer(after)

    def _with_end(self, run: RunbookRun, record: Record) -> list[Record]:
        """``record``, and the end of the run where it was the last step."""
        after = apply(run, record)
        if not after.open:
            return [{**record, "said": f"ended: {summary(run)}"}]
        if after.next is not None:
            return [record]
        said = f"finished: {summary(after)}"
        end = {"do": "end", "at": record["at"], "outcome": RunOutcome.FINISHED.value, "said": said}
        return [record, end]

    # ---- steps that take time ----

    def _begin(self, place: _Place) -> None:
        work = self._wait(place) if isinstance(place.step.does, Wait) else self._check(place)
        task = asyncio.create_task(self._at(place, work))
        self._tasks[place.run] = task
        task.add_done_callback(lambda _done: self._tasks.pop(place.run, None))

    async def _at(self, place: _Place, work: Coroutine[Any, Any, None]) -> None:
        """Do ``work`` and give the lock back; what could not be recorded is tried again later."""
        try:
            await work
            self._show(await self._in_thread(self._files.runs))
        except (TimeoutError, QueueFullError, StateError) as error:
            self._trouble = f"a step of a runbook could not be recorded: {error}"
        except Exception as error:  # noqa: BLE001 - the boundary of one step: told as its result
            said = f"internal error: {type(error).__name__}"
            await self._settle(place, StepState.INCONCLUSIVE, Look(None, said))
        finally:
            place.hold.release()

    async def _check(self, place: _Place) -> None:
        look = await self._look(place)
        states = {True: StepState.PASSED, False: StepState.FAILED, None: StepState.INCONCLUSIVE}
        await self._settle(place, states[look.holds], look)

    async def _look(self, place: _Place) -> Look:
        does = place.step.does
        check = does.check if isinstance(does, Wait) else does
        if check is None or isinstance(check, OperationCall | Question):
            return Look(None, "there is nothing to look at")
        return await self._checks.look(check, place.service)

    async def _wait(self, place: _Place) -> None:
        wait = place.step.does
        assert isinstance(wait, Wait), "a wait is waited for"
        while True:
            step = await self._sampled(place, wait)
            if step is None or step.state is not StepState.RUNNING:
                return
            now = self._clock.now()
            ended = runbook_waits.judge(wait, step, now)
            if ended is not None:
                await self._settle(place, ended.state, Look(None, ended.said))
                return
            rest = runbook_waits.left(wait, step, now)
            await self._clock.sleep(rest if wait.check is None else min(rest, _pause(wait)))

    async def _sampled(self, place: _Place, wait: Wait) -> StepRun | None:
        """The step as it stands after one more look; None where the run has gone another way."""
        found = await self._stands(place)
        now = self._clock.now()
        if found is None or wait.check is None or runbook_waits.judge(wait, found, now):
            return found
        look = await self._look(place)
        counts = found.samples
        record = {
            **self._record_of("sample", place.step.id),
            "held": counts.held + (look.holds is True),
            "failed": counts.failed + (look.holds is False),
            "unknown": counts.unknown + (look.holds is None),
            "said": look.said,
        }
        after = await self._in_thread(self._files.append, place.run, lambda _: [record])
        return None if isinstance(after, Refusal) else after.step(place.step.id)

    async def _stands(self, place: _Place) -> StepRun | None:
        after = await self._in_thread(self._files.append, place.run, lambda _: ())
        if isinstance(after, Refusal) or not after.open or after.next is None:
            return None
        return after.next if after.next.id == place.step.id else None

    async def _settle(self, place: _Place, state: StepState, look: Look) -> None:
        record = {
            "do": "result", "step": place.step.id, "at": self._clock.now(), "state": state.value,
            "said": look.said, "evidence": list(look.evidence),
        }  # fmt: skip
        await self._settled(place.run, place.step.id, record)

    async def _settled(self, run: str, step: str, record: Record) -> None:
        def decide(seen: RunbookRun) -> Sequence[Record]:
            running = seen.next is not None and seen.next.state is StepState.RUNNING
            mine = running and seen.next is not None and seen.next.id == step
            return self._with_end(seen, record) if mine else ()

        await self._in_thread(self._files.append, run, decide)

    # ---- what goes on elsewhere ----

    async def _look_after(self, run: RunbookRun, operations: Sequence[Operation]) -> None:
        runbook, at = self.bound(run.runbook, run.service), run.next
        step = runbook.step(at.id) if runbook and at else None
        if runbook is None or at is None or step is None or runbook.digest != run.digest:
            return
        if isinstance(step.does, OperationCall):
            await self._follow(run, at, step.does, operations)
        elif at.state is StepState.RUNNING and run.id not in self._tasks:
            await self._go_on(run, at, step)

    async def _follow(
        self, run: RunbookRun, at: StepRun, call: OperationCall, operations: Sequence[Operation]
    ) -> None:
        if at.state is not StepState.RUNNING:
            begun_by = found_operation(run, at, call, operations)
            if begun_by is not None:
                record = {
                    "do": "operation", "step": at.id, "at": self._clock.now(),
                    "operation": begun_by.id, "started_at": begun_by.started_at,
                }  # fmt: skip
                await self._in_thread(self._files.append, run.id, lambda _: [record])
            return
        ended = verdict(at, operations)
        if ended is not None:
            state, said, evidence = ended
            record = {
                "do": "result", "step": at.id, "at": self._clock.now(), "state": state.value,
                "said": said, "evidence": list(evidence),
            }  # fmt: skip
            await self._settled(run.id, at.id, record)

    async def _go_on(self, run: RunbookRun, at: StepRun, step: Step) -> None:
        """Take up a step that a console of this user left, unless one is at it."""
        who = self._whoami()
        refused = runbook_policy.refuse_step(step, read_only=self._read_only)
        if refused is not None or (at.who, at.host) != (who.name, who.host):
            return
        hold = await self._in_thread(self._files.hold, run.id)
        if hold is not None and step.kind in {StepKind.CHECK, StepKind.WAIT}:
            self._begin(_Place(run.id, run.service, step, hold))

    def _show(self, runs: tuple[RunbookRun, ...]) -> None:
        before = self._told
        self._told = {run.id: run for run in runs}
        if len(runs) != len(self.runs) or any(
            one is not other for one, other in zip(runs, self.runs, strict=False)
        ):
            self.runs = runs
        if before is not None:
            for run in runs:
                for event in news(before.get(run.id), run, self.bound(run.runbook, run.service)):
                    self._tell(event)

    def _whoami(self) -> Who:
        if self._who is None:
            self._who = whoami()
        return self._who

    async def _in_thread(self, function: Callable[..., T], *arguments: object) -> T:
        return await self._threads.run(function, *arguments, deadline=DEADLINE)


def _refused(step: Step | None, request: RunbookRequest, *, read_only: bool) -> Refusal | None:
    if step is None:
        said = f"there is no step {sanitize(request.step, limit=80)}"
        return Refusal("no-such-step", said, "look at the list of its steps")
    if request.verb is RunbookVerb.SKIP:
        return None
    refusal = runbook_policy.refuse_step(step, read_only=read_only)
    return refusal or runbook_policy.refuse_answer(step, request.answer)


def _pause(wait: Wait) -> float:
    return runbook_waits.every(wait)
