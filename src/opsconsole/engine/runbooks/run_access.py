"""Access to the runs of runbooks for the engine's loop: every call runs in a thread, with a
deadline.

Invariant: every call returns or raises within ``DEADLINE`` seconds; what is appended was decided on
the run's state at that moment, under its lock.

Every method raises TimeoutError, QueueFullError and StateError.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Concatenate, Final, ParamSpec, TypeVar

from opsconsole.clock import Clock
from opsconsole.config.settings import Settings
from opsconsole.engine.runbooks.run_records import Record, with_end
from opsconsole.engine.runbooks.run_store import RunStore
from opsconsole.model.runbooks.runs import RunbookRun, StepState
from opsconsole.operations.state_place import place_from, scope_of
from opsconsole.operations.who import Who, whoami
from opsconsole.threads import BoundedExecutor

DEADLINE: Final = 5.0
"""Deadline for one access to the state folder, in seconds."""

P = ParamSpec("P")
T = TypeVar("T")


class RunAccess:
    """One per engine."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        scope = scope_of(settings, settings.path)
        self._store = RunStore(place_from(settings), clock, scope)
        self._clock = clock
        self._threads = BoundedExecutor("runbooks", 2)
        self._who: Who | None = None

    @property
    def who(self) -> Who:
        """The user of this console."""
        if self._who is None:
            self._who = whoami()
        return self._who

    async def call(
        self, method: Callable[Concatenate[RunStore, P], T], *args: P.args, **named: P.kwargs
    ) -> T:
        """What ``method`` of the store returns, in a thread, within ``DEADLINE``."""
        return await self.in_thread(partial(method, self._store, *args, **named))

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

        await self.call(RunStore.append, run, decide)

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
        self._store.close()
