"""Access to the runs of runbooks for the engine's loop: every call runs in a thread, with a
deadline.

Invariant: every call returns or raises within ``DEADLINE`` seconds; what is appended was decided on
the run's state at that moment, under its lock.

Every method raises TimeoutError, QueueFullError and StateError.
"""

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from opsconsole.clock import Clock
from opsconsole.config.settings import Settings
from opsconsole.engine.runbooks.records import Record, apply, summary
from opsconsole.engine.runbooks.run_book import Decide, RunBook
from opsconsole.model.operation import Refusal
from opsconsole.model.runbooks.runs import RunbookRun, RunOutcome, StepState
from opsconsole.operations.locks.locks import Held
from opsconsole.operations.state_place import place_from
from opsconsole.operations.who import Who, whoami
from opsconsole.threads import BoundedExecutor

DEADLINE: Final = 5.0
"""Deadline for one access to the state folder, in seconds."""

T = TypeVar("T")


class Ledger:
    """One per engine."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._book = RunBook(place_from(settings), clock)
        self._clock = clock
        self._threads = BoundedExecutor("runbooks", 2)
        self._who: Who | None = None

    @property
    def who(self) -> Who:
        """The user of this console."""
        if self._who is None:
            self._who = whoami()
        return self._who

    async def runs(self) -> tuple[RunbookRun, ...]:
        """The newest runs of all consoles; an unchanged run is the same object."""
        return await self.in_thread(self._book.runs)

    async def create(self, run: str, first: Record) -> RunbookRun:
        """Begin a run."""
        return await self.in_thread(self._book.create, run, first)

    async def append(self, run: str, decide: Decide) -> RunbookRun | Refusal:
        """Append the record that ``decide`` returns for the current run. Returns the run after
        it."""
        return await self.in_thread(self._book.append, run, decide)

    async def hold(self, run: str) -> Held | None:
        """Take the lock on the steps of ``run``; None while another console holds it."""
        return await self.in_thread(self._book.hold, run)

    async def begin_step(self, run: str, step: str) -> None:
        """Allow this user's consoles to carry out a step, and to continue it after a console's
        end."""
        await self.in_thread(self._book.begin_step, run, step)

    async def is_at_step(self, run: str, step: str) -> bool:
        """Whether this user has begun a step."""
        return await self.in_thread(self._book.is_at_step, run, step)

    async def end_step(self, run: str) -> None:
        """Forbid any more work on a step of a run."""
        await self.in_thread(self._book.end_step, run)

    async def settle(
        self, run: str, step: str, state: StepState, said: str, evidence: Sequence[str]
    ) -> None:
        """The result of a step that is under way; nothing if it is not under way any more."""
        record = {
            "do": "result", "step": step, "at": self._clock.now(), "state": state.value,
            "said": said, "evidence": list(evidence),
        }  # fmt: skip

        def decide(seen: RunbookRun) -> Sequence[Record]:
            at = seen.next
            if at is None or at.id != step or at.state is not StepState.RUNNING:
                return ()
            return with_end(seen, record)

        await self.append(run, decide)

    def record(self, does: str, step: str) -> dict[str, object]:
        """A record of an act of this user, now."""
        now, who = self._clock.now(), self.who
        return {"do": does, "step": step, "at": now, "who": who.name, "host": who.host}

    async def in_thread(self, function: Callable[..., T], *arguments: object) -> T:
        """``function(*arguments)`` in a thread, within ``DEADLINE``."""
        return await self._threads.run(function, *arguments, deadline=DEADLINE)

    def close(self) -> None:
        """Release the threads and the journal."""
        self._threads.close()
        self._book.close()


def with_end(run: RunbookRun, record: Record) -> list[Record]:
    """``record``, and the end of the run if it settles the last step."""
    after = apply(run, record)
    if not after.open:
        return [{**record, "said": f"ended: {summary(run)}"}]
    if after.next is not None:
        return [record]
    said = f"finished: {summary(after)}"
    end = {"do": "end", "at": record["at"], "outcome": RunOutcome.FINISHED.value, "said": said}
    return [record, end]
