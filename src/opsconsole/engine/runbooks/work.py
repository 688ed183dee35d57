"""Carries out the steps that take time: checks and waits.

Invariant: each runs in its own task, under the lock of its run; its result is on disk before it is
shown. A task that ends with the console leaves the step under way, for the next console to
continue.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final

from opsconsole.clock import Clock
from opsconsole.engine.runbooks import waits as runbook_waits
from opsconsole.engine.runbooks.checks import Checks, Look
from opsconsole.engine.runbooks.ledger import Ledger
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
class Place:
    """A step of a run, and the lock that says that this console is working on it."""

    run: str
    service: str
    step: Step
    hold: Held


class StepWork:
    """The checks and waits of one engine. ``trouble`` is called with what could not be recorded."""

    def __init__(
        self,
        ledger: Ledger,
        checks: Checks,
        clock: Clock,
        *,
        settled: Callable[[], Coroutine[Any, Any, None]],
        trouble: Callable[[str], None],
    ) -> None:
        self._ledger = ledger
        self._checks = checks
        self._clock = clock
        self._settled = settled
        self._trouble = trouble
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def is_at(self, run: str) -> bool:
        """Whether a step of ``run`` is carried out here."""
        return run in self._tasks

    def begin(self, place: Place) -> None:
        """Carry out a step whose beginning is on disk."""
        work = self._wait(place) if isinstance(place.step.does, Wait) else self._check(place)
        task = asyncio.create_task(self._at(place, work))
        self._tasks[place.run] = task
        task.add_done_callback(lambda _done: self._tasks.pop(place.run, None))

    async def close(self) -> None:
        """Leave what is under way to the next console."""
        tasks = tuple(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._checks.close()

    async def _at(self, place: Place, work: Coroutine[Any, Any, None]) -> None:
        """Do ``work`` and release the lock; a step that could not be recorded is continued
        later."""
        try:
            try:
                await work
            except (TimeoutError, QueueFullError, StateError):
                raise
            except Exception as error:  # noqa: BLE001 - the boundary of one step: its result says so
                said = f"internal error: {type(error).__name__}"
                await self._settle(place, StepState.INCONCLUSIVE, Look(None, said))
            await self._ledger.end_step(place.run)
            await self._settled()
        except (TimeoutError, QueueFullError, StateError) as error:
            self._trouble(f"a step of a runbook could not be recorded: {str(error) or 'no answer'}")
        finally:
            place.hold.release()

    async def _check(self, place: Place) -> None:
        look = await self._look(place)
        await self._settle(place, _STATES[look.holds], look)

    async def _look(self, place: Place) -> Look:
        does = place.step.does
        check = does.check if isinstance(does, Wait) else does
        if check is None or isinstance(check, OperationCall | Question):
            return Look(None, "there is nothing to look at")
        return await self._checks.look(check, place.service)

    async def _wait(self, place: Place) -> None:
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
            pause = rest if wait.check is None else min(rest, runbook_waits.every(wait))
            await self._clock.sleep(pause)

    async def _sampled(self, place: Place, wait: Wait) -> StepRun | None:
        """The step after one more look; None if the run has moved on without it."""
        found = await self._stands(place)
        over = found is None or runbook_waits.judge(wait, found, self._clock.now()) is not None
        if over or found is None or wait.check is None:
            return found
        look = await self._look(place)
        counts = found.samples
        record = {
            **self._ledger.record("sample", place.step.id),
            "held": counts.held + (look.holds is True),
            "failed": counts.failed + (look.holds is False),
            "unknown": counts.unknown + (look.holds is None),
            "said": look.said,
        }
        after = await self._ledger.append(place.run, lambda _: [record])
        return None if isinstance(after, Refusal) else after.step(place.step.id)

    async def _stands(self, place: Place) -> StepRun | None:
        after = await self._ledger.append(place.run, lambda _: ())
        if isinstance(after, Refusal) or not after.open or after.next is None:
            return None
        return after.next if after.next.id == place.step.id else None

    async def _settle(self, place: Place, state: StepState, look: Look) -> None:
        await self._ledger.settle(place.run, place.step.id, state, look.said, look.evidence)
