"""Runs runbooks: takes requests, starts steps, follows what they began.

Invariant: a step's beginning is on disk before anything is done for it, and its result before it is
shown. An operation is never begun here: its plan is returned, and the operation that a person
started from it is found in the journal. A step that was under way when a console ended is continued
by the next console of the same user. Lives on the engine's loop.
"""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from opsconsole.clock import Clock
from opsconsole.config.files.watching import Stamp, stamps
from opsconsole.config.runbooks.files import folder_of, load_runbooks
from opsconsole.config.settings import Settings, effective_read_only
from opsconsole.engine.runbooks import run_policy
from opsconsole.engine.runbooks.checks import Checks
from opsconsole.engine.runbooks.run_access import RunAccess
from opsconsole.engine.runbooks.run_events import news
from opsconsole.engine.runbooks.run_records import Record, begun, fold, with_end
from opsconsole.engine.runbooks.run_store import RunStore
from opsconsole.engine.runbooks.step_operation import found_operation, verdict
from opsconsole.engine.runbooks.step_work import HeldStep, StepWork
from opsconsole.errors import StateError
from opsconsole.model.events import Event
from opsconsole.model.operation import ActionRequest, Operation, Refusal
from opsconsole.model.runbooks.runbook import (
    OperationCall,
    Question,
    Runbook,
    RunbookView,
    Step,
    StepKind,
    bound,
    viewed,
)
from opsconsole.model.runbooks.runs import (
    RunbookAnswer,
    RunbookRequest,
    RunbookRun,
    RunbookVerb,
    RunOutcome,
    StepRun,
    StepState,
)
from opsconsole.model.snapshot import Snapshot
from opsconsole.text import sanitize
from opsconsole.threads import QueueFullError

ANSWER: Final = 200
REREAD_EVERY: Final = 3.0
"""Seconds between looks at whether the files of runbooks have changed."""


class RunbookDesk:
    """One per engine. ``views`` and ``runs`` are the same objects until something changes in
    them."""

    def __init__(
        self,
        settings: Settings,
        base: Path,
        clock: Clock,
        checks: Checks,
        *,
        read_only: bool,
        add_event: Callable[[Event], None],
    ) -> None:
        self._settings = settings
        self._base = base
        self._clock = clock
        self._read_only = effective_read_only(settings, read_only)
        self._add_event = add_event
        self._checks = checks
        self._access = RunAccess(settings, clock)
        self._work = StepWork(
            self._access, checks, clock, settled=self._see, trouble=self._note_trouble
        )
        self._reported: dict[str, RunbookRun] | None = None
        self._bad = self._trouble = ""
        self._opened = False
        self._looked_at = clock.now()
        self._read: tuple[Stamp, ...] = ()
        self._seen: tuple[Stamp, ...] = ()
        self._seeing = asyncio.Lock()
        self._begun: dict[str, Runbook | None] = {}
        self.runbooks: tuple[Runbook, ...] = ()
        self.views: tuple[RunbookView, ...] = ()
        self.runs: tuple[RunbookRun, ...] = ()

    @property
    def fault(self) -> str:
        """What is wrong with the runbooks or with recording their runs, or ''."""
        return self._trouble or self._bad

    def shown_in(self, snapshot: Snapshot) -> bool:
        """Whether ``snapshot`` has the current runbooks and runs."""
        return snapshot.runbooks is self.views and snapshot.runbook_runs is self.runs

    def use(self, settings: Settings) -> None:
        """Read the runbooks of ``settings`` at the next poll; runs continue."""
        self._settings, self._opened, self._bad, self._begun = settings, False, "", {}
        self._read_only = effective_read_only(settings, self._read_only)
        self._checks.use(settings)

    @property
    def _folder(self) -> Path:
        return folder_of(self._settings, self._base)

    async def close(self) -> None:
        """Leave what is under way to the next console."""
        await self._work.close()
        self._access.close()

    async def do(self, request: RunbookRequest) -> RunbookAnswer | Refusal:
        """Carry out a request on a run, or return why not."""
        if request.replay:
            return run_policy.REPLAY
        try:
            await self._open()
            run = await self._run_of(request)
            known = self.bound(request.runbook, request.service)
            if run is not None:
                known = await self._as_begun(run) or known
            if known is None:
                said = f"no runbook is called {sanitize(request.runbook, limit=80)}"
                return Refusal("no-such-runbook", said, "opsconsole runbook list names them")
            answer = await self._done(known, run, request)
            await self._see()
            return answer
        except (TimeoutError, QueueFullError):
            return Refusal("cannot-record", "the state folder does not answer", "try again")
        except StateError as error:
            return Refusal("cannot-record", error.what, error.remedy)

    def bound(self, name: str, service: str) -> Runbook | None:
        """A runbook, filled in for ``service``."""
        found = next((each for each in self.runbooks if each.name == name), None)
        return None if found is None else self._bound(found, service)

    def _bound(self, runbook: Runbook, service: str) -> Runbook:
        return bound(runbook, service, self._settings.environment_of(service).name)

    async def _as_begun(self, run: RunbookRun) -> Runbook | None:
        """The runbook with the steps that ``run`` was begun with, filled in; None where it has
        changed since and this user did not begin the run."""
        known = self.bound(run.runbook, run.service)
        if known is not None and known.digest == run.digest:
            return known
        if run.id not in self._begun:
            # Slow to import, and of use only where a runbook has changed while it ran.
            from opsconsole.config.runbooks.reading import runbook_as_written

            kept = await self._access.call(RunStore.runbook_of, run.id)
            was = None if kept is None else runbook_as_written(kept, run.runbook, self._settings)
            self._begun[run.id] = was
        found = self._begun[run.id]
        return self._bound(found, run.service) if found and found.digest == run.digest else None

    async def poll(self, operations: Sequence[Operation]) -> None:
        """See what changed in any console, follow operations, and continue what was left."""
        try:
            await self._open()
            await self._read_again()
            for run in await self._access.call(RunStore.runs):
                if run.open:
                    await self._look_after(run, operations)
            await self._see()
        except (TimeoutError, QueueFullError, StateError) as error:
            self._note_trouble(f"runs of runbooks cannot be read: {str(error) or 'no answer'}")
        else:
            self._trouble = ""

    async def _open(self) -> None:
        """Read the runbooks, unless that was done."""
        if self._opened:
            return
        self._read = self._seen = await self._access.in_thread(stamps, self._folder)
        loaded = await self._access.in_thread(load_runbooks, self._settings, self._base)
        self._opened = True
        self.runbooks = loaded.runbooks
        self.views = tuple(map(viewed, loaded.runbooks))
        if loaded.problems:
            count = len(loaded.problems)
            counted = f"{count} problem{'' if count == 1 else 's'}"
            self._bad = f"{counted} in the runbooks: opsconsole check lists them"

    async def _read_again(self) -> None:
        """Read the runbooks again once their files have changed and then stayed unchanged."""
        now = self._clock.now()
        if now - self._looked_at < REREAD_EVERY:
            return
        self._looked_at = now
        found = await self._access.in_thread(stamps, self._folder)
        settled, self._seen = found == self._seen, found
        if settled and found != self._read:
            self._opened, self._bad = False, ""
            await self._open()

    # ---- requests ----

    async def _done(
        self, runbook: Runbook, open_run: RunbookRun | None, request: RunbookRequest
    ) -> RunbookAnswer | Refusal:
        step = runbook.step(request.step)
        if request.verb is not RunbookVerb.END:
            refusal = _refused(step, request, read_only=self._read_only)
            if refusal is not None:
                return refusal
        run = open_run or await self._new_run(runbook, request)
        if isinstance(run, Refusal):
            return run
        if request.verb is RunbookVerb.RUN and step is not None:
            return await self._run_step(runbook, run, step, request)
        return await self._record(runbook, run, request, self._closing(request))

    async def _run_of(self, request: RunbookRequest) -> RunbookRun | None:
        """The open run that ``request`` is about."""
        wanted = (request.runbook, request.service)
        runs = await self._access.call(RunStore.runs)
        return next(
            (run for run in runs if run.open and (run.runbook, run.service) == wanted), None
        )

    async def _new_run(self, runbook: Runbook, request: RunbookRequest) -> RunbookRun | Refusal:
        if request.verb is RunbookVerb.END:
            return Refusal("no-run", "there is no run to end", "")
        now, who = self._clock.now(), self._access.who
        name = f"{int(now)}-{secrets.token_hex(4)}"
        first = begun(name, runbook, request.service, who.name, who.host, now)
        trial = fold([first])
        assert trial is not None, "the first record begins a run"
        # A request that is refused begins no run.
        refusal = run_policy.refuse(runbook, trial, request)
        if refusal is not None:
            return refusal
        return await self._access.call(RunStore.create, name, first, runbook.written)

    async def _run_step(
        self, runbook: Runbook, run: RunbookRun, step: Step, request: RunbookRequest
    ) -> RunbookAnswer | Refusal:
        if isinstance(step.does, OperationCall):
            record = self._access.record("plan", step.id)
            answer = await self._record(runbook, run, request, record)
            if isinstance(answer, Refusal):
                return answer
            service = step.does.service or run.service
            plan = ActionRequest(service, step.does.kind, step.does.name)
            return RunbookAnswer(answer.run, plan)
        if run_policy.instant(step):
            record = self._settling(step, request.answer)
            return await self._record(runbook, run, request, record)
        return await self._begin(runbook, run, step, request)

    async def _begin(
        self, runbook: Runbook, run: RunbookRun, step: Step, request: RunbookRequest
    ) -> RunbookAnswer | Refusal:
        """Begin a step that takes time."""
        hold = await self._access.call(RunStore.hold, run.id)
        if hold is None:
            return run_policy.HELD
        begun_here = False
        try:
            await self._access.call(RunStore.begin_step, run.id, step.id)
            record = self._access.record("start", step.id)
            answer = await self._record(runbook, run, request, record)
            if not isinstance(answer, Refusal):
                self._work.begin(HeldStep(run.id, run.service, step, hold))
                begun_here = True
            return answer
        finally:
            if not begun_here:
                hold.release()

    def _settling(self, step: Step, answer: str) -> dict[str, object]:
        """Record that a text was read or a question was answered."""
        record = self._access.record("result", step.id)
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
            return self._access.record("skip", request.step)
        return {**self._access.record("end", ""), "outcome": RunOutcome.ABANDONED.value}

    async def _record(
        self, runbook: Runbook, run: RunbookRun, request: RunbookRequest, record: Record
    ) -> RunbookAnswer | Refusal:
        """Append ``record`` if the run on disk allows the request."""

        def decide(seen: RunbookRun) -> Sequence[Record] | Refusal:
            return run_policy.refuse(runbook, seen, request) or with_end(seen, record)

        after = await self._access.call(RunStore.append, run.id, decide)
        return after if isinstance(after, Refusal) else RunbookAnswer(after)

    # ---- what goes on elsewhere ----

    async def _look_after(self, run: RunbookRun, operations: Sequence[Operation]) -> None:
        runbook, at = await self._as_begun(run), run.next
        step = runbook.step(at.id) if runbook and at else None
        if at is None or step is None:
            return
        if isinstance(step.does, OperationCall):
            await self._follow(run, at, step.does, operations)
        elif at.state is StepState.RUNNING and not self._work.is_at(run.id):
            await self._go_on(run, at, step)

    async def _follow(
        self, run: RunbookRun, at: StepRun, call: OperationCall, operations: Sequence[Operation]
    ) -> None:
        if at.state is StepState.RUNNING:
            ended = verdict(at, operations)
            if ended is not None:
                await self._access.settle(run.id, at.id, *ended)
            return
        begun_by = found_operation(run, at, call, operations)
        if begun_by is not None:
            record = {
                "do": "operation", "step": at.id, "at": self._clock.now(),
                "operation": begun_by.id, "started_at": begun_by.started_at,
            }  # fmt: skip
            await self._access.call(RunStore.append, run.id, lambda _: [record])

    async def _go_on(self, run: RunbookRun, at: StepRun, step: Step) -> None:
        """Continue a step that a console of this user left, unless another console is working on
        it."""
        who = self._access.who
        refused = run_policy.refuse_step(step, read_only=self._read_only)
        takes_time = step.kind in {StepKind.CHECK, StepKind.WAIT}
        if refused is not None or not takes_time or (at.who, at.host) != (who.name, who.host):
            return
        # Anyone who shares the state folder can write records of a run's steps.
        if not await self._access.call(RunStore.is_at_step, run.id, at.id):
            return
        hold = await self._access.call(RunStore.hold, run.id)
        if hold is not None:
            self._work.begin(HeldStep(run.id, run.service, step, hold))

    async def _see(self) -> None:
        """Take in the runs on disk, and report what is new; one look at a time."""
        async with self._seeing:
            runs = await self._access.call(RunStore.runs)
            before, self._reported = self._reported, {run.id: run for run in runs}
            shown = tuple([await self._shown(run) for run in runs])
            if shown != self.runs:
                self.runs = shown
            # What the files held before this console started is not news.
            for run in () if before is None else runs:
                runbook = await self._as_begun(run) or self.bound(run.runbook, run.service)
                for event in news((before or {}).get(run.id), run, runbook):
                    self._add_event(event)

    async def _shown(self, run: RunbookRun) -> RunbookRun:
        """``run`` as screens show it: with its own steps where they differ from those of now."""
        known = self.bound(run.runbook, run.service)
        if not run.open or (known is not None and known.digest == run.digest):
            return run
        begun_as = await self._as_begun(run)
        return run if begun_as is None else replace(run, begun_as=viewed(begun_as))

    def _note_trouble(self, said: str) -> None:
        self._trouble = said


def _refused(step: Step | None, request: RunbookRequest, *, read_only: bool) -> Refusal | None:
    if step is None:
        said = f"there is no step {sanitize(request.step, limit=80)}"
        return Refusal("no-such-step", said, "look at the list of its steps")
    if request.verb is RunbookVerb.SKIP:
        return None
    refusal = run_policy.refuse_step(step, read_only=read_only)
    return refusal or run_policy.refuse_answer(step, request.answer)
