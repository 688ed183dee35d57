"""Carries out the steps that take time: checks and waits.

Invariant: each runs in its own task, under the lock of its run; its result is on disk before it is
shown. A task that ends with the console leaves the step under way, for the next console to
continue.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

from opsconsole.clock import Clock
from opsconsole.dataclass import dataclass
from opsconsole.engine.runbooks import waits
from opsconsole.engine.runbooks.checks import Checks, Look
from opsconsole.engine.runbooks.run_access import RunAccess
from opsconsole.engine.runbooks.run_store import RunStore
from opsconsole.errors import StateError
from opsconsole.model.operation import Refusal
from opsconsole.model.runbooks.runbook import OperationCall, Question, Step, Wait
from opsconsole.model.runbooks.runs import StepRun, StepState
from opsconsole.operations.locks.locks import Held
from opsconsole.threads import QueueFullError

_STATES: Final = {
    True: StepState.PASSED,
    False: StepState.FAILED,
    None: StepState.INCONCLUSIVE,
}


@dataclass(frozen=True, slots=True)
class HeldStep:
    """A step of a run, and the lock that says that this console is working on it."""

    run: str
    service: str
    step: Step
    hold: Held


class StepWork:
    """The checks and waits of one engine. ``trouble`` is called with what could not be recorded."""

    def __init__(
        self,
        access: RunAccess,
        checks: Checks,
        clock: Clock,
        *,
        settled: Callable[[], Coroutine[Any, Any, None]],
        trouble: Callable[[str], None],
    ) -> None:
        self._access = access
        self._checks = checks
        self._clock = clock
        self._settled = settled
        self._trouble = trouble
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def is_at(self, run: str) -> bool:
        """Whether a step of ``run`` is carried out here."""
        return run in self._tasks

    def begin(self, held: HeldStep) -> None:
        """Carry out a step whose beginning is on disk."""
        work = self._wait(held) if isinstance(held.step.does, Wait) else self._check(held)
        task = asyncio.create_task(self._at(held, work))
        self._tasks[held.run] = task
        task.add_done_callback(lambda _done: self._tasks.pop(held.run, None))

    async def close(self) -> None:
        """Leave what is under way to the next console."""
        tasks = tuple(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._checks.close()

    async def _at(self, held: HeldStep, work: Coroutine[Any, Any, None]) -> None:
        """Do ``work`` and release the lock; a step that could not be recorded is continued
        later."""
        try:
            try:
                await work
            except (TimeoutError, QueueFullError, StateError):
                raise
            except Exception as error:  # noqa: BLE001 - the boundary of one step: its result says so
                said = f"internal error: {type(error).__name__}"
                await self._settle(held, StepState.INCONCLUSIVE, Look(None, said))
            await self._access.call(RunStore.end_step, held.run)
            await self._settled()
        except (TimeoutError, QueueFullError, StateError) as error:
            self._trouble(f"a step of a runbook could not be recorded: {str(error) or 'no answer'}")
        finally:
            held.hold.release()

    async def _check(self, held: HeldStep) -> None:
        look = await self._look(held)
        await self._settle(held, _STATES[look.holds], look)

    async def _look(self, held: HeldStep) -> Look:
        does = held.step.does
        check = does.check if isinstance(does, Wait) else does
        if check is None or isinstance(check, OperationCall | Question):
            return Look(None, "there is nothing to look at")
        return await self._checks.look(check, held.service)

    async def _wait(self, held: HeldStep) -> None:
        wait = held.step.does
        assert isinstance(wait, Wait), "a wait is waited for"
        while True:
            step = await self._sampled(held, wait)
            if step is None or step.state is not StepState.RUNNING:
                return
            now = self._clock.now()
            ended = waits.judge(wait, step, now)
            if ended is not None:
                await self._settle(held, ended.state, Look(None, ended.said))
                return
            rest = waits.left(wait, step, now)
            pause = rest if wait.check is None else min(rest, waits.every(wait))
            await self._clock.sleep(pause)

    async def _sampled(self, held: HeldStep, wait: Wait) -> StepRun | None:
        """The step after one more look; None if the run has moved on without it."""
        found = await self._stands(held)
        over = found is None or waits.judge(wait, found, self._clock.now()) is not None
        if over or found is None or wait.check is None:
            return found
        look = await self._look(held)
        counts = found.samples
        record = {
            **self._access.record("sample", held.step.id),
            "held": counts.held + (look.holds is True),
            "failed": counts.failed + (look.holds is False),
            "unknown": counts.unknown + (look.holds is None),
            "said": look.said,
        }
        after = await self._access.call(RunStore.append, held.run, lambda _: [record])
        return None if isinstance(after, Refusal) else after.step(held.step.id)

    async def _stands(self, held: HeldStep) -> StepRun | None:
        after = await self._access.call(RunStore.append, held.run, lambda _: ())
        if isinstance(after, Refusal) or not after.open or after.next is None:
            return None
        return after.next if after.next.id == held.step.id else None

    async def _settle(self, held: HeldStep, state: StepState, look: Look) -> None:
        await self._access.settle(held.run, held.step.id, state, look.said, look.evidence)
