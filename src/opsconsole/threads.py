"""Blocking calls in threads of our own, each with a deadline that is kept.

Invariants:

* ``run`` returns or raises at its deadline, whatever the call does; a thread that is still in
  the call is left to it and does not count as a worker any more.
* A thread that is stuck is replaced, up to ``spares``. When workers and spares are all stuck,
  further calls fail at once, because they would only be stuck too.
* Threads are daemons that nobody joins: a stuck call never holds up the program's exit.
  (``concurrent.futures`` joins its threads at exit, and asyncio's default pool is shared.)
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import field
from enum import Enum, auto
from functools import partial
from typing import Any, Generic, TypeVar

from opsconsole.dataclass import dataclass
from opsconsole.model.fault import Fault, FaultKind

T = TypeVar("T")


class StuckError(TimeoutError):
    """Every thread is in a call that passed its deadline. ``stuck`` counts them."""

    def __init__(self, name: str, stuck: int) -> None:
        super().__init__(f"{stuck} calls to {name} are stuck")
        self.stuck = stuck


class QueueFullError(RuntimeError):
    """More calls wait than the executor holds."""


def fault_of(error: TimeoutError | QueueFullError, what: str, deadline: float) -> Fault:
    """The fault of a call to ``what`` that got no answer within ``deadline`` seconds."""
    if isinstance(error, StuckError):
        hint = "nothing is asked until one of them returns"
        return Fault(FaultKind.TIMEOUT, str(error), hint=hint)
    if isinstance(error, QueueFullError):
        return Fault(FaultKind.LOCAL, str(error), hint="lengthen the intervals")
    return Fault(FaultKind.TIMEOUT, f"{what} did not answer within {deadline:g} s")


class _Stage(Enum):
    WAITING = auto()
    RUNNING = auto()
    OVER = auto()


@dataclass(slots=True)
class _Outcome(Generic[T]):
    """What a call gave: exactly one of value and error."""

    value: T | None = None
    error: BaseException | None = None


@dataclass(slots=True, eq=False)
class _Call(Generic[T]):
    """One call on its way. ``abandoned``: its deadline passed while it ran."""

    function: Callable[[], T]
    loop: asyncio.AbstractEventLoop
    answer: asyncio.Future[_Outcome[T]]
    stage: _Stage = field(default=_Stage.WAITING)
    abandoned: bool = False

    def perform(self) -> _Outcome[T]:
        try:
            return _Outcome(value=self.function())
        except BaseException as error:  # noqa: BLE001 - raised again where the call was made
            return _Outcome(error=error)

    def deliver(self, outcome: _Outcome[T]) -> None:
        """Hand the outcome to the loop; nobody waits on a loop that is closed."""
        try:
            self.loop.call_soon_threadsafe(self._set, outcome)
        except RuntimeError:
            return

    def _set(self, outcome: _Outcome[T]) -> None:
        if not self.answer.done():
            self.answer.set_result(outcome)


class BoundedExecutor:
    """``workers`` threads called ``name``, started when needed; ``queue`` calls may wait."""

    def __init__(
        self, name: str, workers: int, *, spares: int | None = None, queue: int = 256
    ) -> None:
        self.name = name
        self._workers = workers
        self._spares = workers if spares is None else spares
        self._queue = queue
        self._changed = threading.Condition()
        self._waiting: deque[_Call[Any]] = deque()
        self._threads = 0
        self._idle = 0
        self._stuck = 0
        self._closed = False

    @property
    def stuck(self) -> int:
        """How many calls have passed their deadline and still run."""
        return self._stuck

    async def run(self, function: Callable[..., T], *args: object, deadline: float) -> T:
        """Return ``function(*args)`` or raise what it raises, within ``deadline`` seconds.

        Raises TimeoutError at the deadline, StuckError and QueueFullError at once. When the
        task is cancelled the call is abandoned as at its deadline.
        """
        loop = asyncio.get_running_loop()
        call: _Call[T] = _Call(partial(function, *args), loop, loop.create_future())
        self._admit(call)
        try:
            async with asyncio.timeout(deadline):
                outcome = await call.answer
        finally:
            self._abandon(call)
        if outcome.error is not None:
            raise outcome.error
        return outcome.value  # type: ignore[return-value]  # T may itself be None

    def close(self) -> None:
        """Take no more calls and let idle threads end; waiting calls meet their deadlines."""
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._changed.notify_all()

    def _admit(self, call: _Call[Any]) -> None:
        with self._changed:
            if self._closed:
                raise QueueFullError(f"{self.name} is closed")
            if self._stuck >= self._workers + self._spares:
                raise StuckError(self.name, self._stuck)
            if len(self._waiting) >= self._queue:
                raise QueueFullError(f"{len(self._waiting)} calls to {self.name} wait already")
            self._waiting.append(call)
            self._staff()

    def _staff(self) -> None:
        """Wake an idle thread or start one for the calls that wait. Needs the lock."""
        if self._idle >= len(self._waiting):
            self._changed.notify(len(self._waiting))
        elif self._threads < self._allowed():
            self._threads += 1
            threading.Thread(target=self._work, name=self.name, daemon=True).start()

    def _allowed(self) -> int:
        return self._workers + min(self._stuck, self._spares)

    def _abandon(self, call: _Call[Any]) -> None:
        """Count a call that still runs as stuck; forget one that has not begun."""
        with self._changed:
            if call.stage is _Stage.RUNNING:
                call.abandoned = True
                self._stuck += 1
                if self._waiting:
                    self._staff()
            elif call.stage is _Stage.WAITING and call in self._waiting:
                self._waiting.remove(call)

    def _work(self) -> None:
        while (call := self._next()) is not None:
            outcome = call.perform()
            self._end(call)
            call.deliver(outcome)
            del call, outcome  # an idle thread keeps nothing alive

    def _next(self) -> _Call[Any] | None:
        """The next call, waiting for one; None when this thread is one too many."""
        with self._changed:
            while not self._waiting:
                if self._closed or self._threads > self._allowed():
                    self._threads -= 1
                    return None
                self._idle += 1
                self._changed.wait()
                self._idle -= 1
            if self._threads > self._allowed():
                self._threads -= 1
                self._changed.notify()
                return None
            call = self._waiting.popleft()
            call.stage = _Stage.RUNNING
            return call

    def _end(self, call: _Call[Any]) -> None:
        with self._changed:
            call.stage = _Stage.OVER
            if call.abandoned:
                self._stuck -= 1
