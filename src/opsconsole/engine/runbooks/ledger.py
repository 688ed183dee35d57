"""The runs of runbooks, for the engine's loop: every touch in a thread, with a deadline.

Invariant: whoever asks gets an answer or an error within ``DEADLINE`` seconds; what is appended was
decided on the run as it stood at that moment, under its lock.

Raises TimeoutError, QueueFullError and StateError throughout.
"""

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from opsconsole.clock import Clock
from opsconsole.config.settings import Settings
from opsconsole.engine.runbooks.records import Record, apply, summary
from opsconsole.engine.runbooks.run_book import Decide, RunBook
from opsconsole.model.operation import Refusal
from opsconsole.model.runbook_runs import RunbookRun, RunOutcome, StepState
from opsconsole.operations.locks.locks import Held
from opsconsole.operations.state_place import place_from
from opsconsole.operations.who import Who, whoami
from opsconsole.threads import BoundedExecutor

DEADLINE: Final = 5.0
"""Seconds for one touch of the state folder."""

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
        """Whoever runs this console."""
        if self._who is None:
            self._who = whoami()
        return self._who

    async def runs(self) -> tuple[RunbookRun, ...]:
        """The newest runs of all consoles; those that did not change are the same objects."""
        return await self.in_thread(self._book.runs)

    async def create(self, run: str, first: Record) -> RunbookRun:
        """Begin a run."""
        return await self.in_thread(self._book.create, run, first)

    async def append(self, run: str, decide: Decide) -> RunbookRun | Refusal:
        """Add what ``decide`` makes of the run as it stands; the run after it."""
        return await self.in_thread(self._book.append, run, decide)

    async def hold(self, run: str) -> Held | None:
        """Be at a step of ``run``; None while somebody else is."""
        return await self.in_thread(self._book.hold, run)

    async def begin_step(self, run: str, step: str) -> None:
        """Let this user's consoles carry out a step, and go on with it after their end."""
        await self.in_thread(self._book.begin_step, run, step)

    async def is_at_step(self, run: str, step: str) -> bool:
        """Whether this user has begun a step."""
        return await self.in_thread(self._book.is_at_step, run, step)

    async def end_step(self, run: str) -> None:
        """Let nothing more be done for a step of a run."""
        await self.in_thread(self._book.end_step, run)

    async def settle(
        self, run: str, step: str, state: StepState, said: str, evidence: Sequence[str]
    ) -> None:
        """The result of a step that is under way; nothing where it is not, any more."""
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
        """A record of what this user does now."""
        now, who = self._clock.now(), self.who
        return {"do": does, "step": step, "at": now, "who": who.name, "host": who.host}

    async def in_thread(self, function: Callable[..., T], *arguments: object) -> T:
        """``function(*arguments)`` in a thread, within ``DEADLINE``."""
        return await self._threads.run(function, *arguments, deadline=DEADLINE)

    def close(self) -> None:
        """Let the threads and the journal go."""
        self._threads.close()
        self._book.close()


def with_end(run: RunbookRun, record: Record) -> list[Record]:
    """``record``, and the end of the run where it settles the last step."""
    after = apply(run, record)
    if not after.open:
        return [{**record, "said": f"ended: {summary(run)}"}]
    if after.next is not None:
        return [record]
    said = f"finished: {summary(after)}"
    end = {"do": "end", "at": record["at"], "outcome": RunOutcome.FINISHED.value, "said": said}
    return [record, end]
