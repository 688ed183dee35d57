"""Which of several watchers of one configuration acts: one leads, any number stand by.

Invariant: the one that leads holds the lock ``WATCHER`` of the state, which ends with it however it
dies; another leads within seconds. ``leads`` is asked right before each thing that is done, and is
False as soon as the lock is not certain to last.
"""

import hashlib
import threading
from contextlib import suppress
from typing import Final

from opsconsole.errors import StateError
from opsconsole.operations.journal.records import Scope
from opsconsole.operations.locks.locks import Held, LockKind, LockName
from opsconsole.operations.state_place import StatePlace
from opsconsole.threads import BoundedExecutor, QueueFullError

ASK_EVERY: Final = 2.0
"""Seconds between two tries to take the lock."""

_WITHIN: Final = 10.0


class Leadership:
    """The lock of one watcher. ``fault`` is why it cannot be asked for, '' if it can."""

    def __init__(self, state: StatePlace, scope: Scope, threads: BoundedExecutor) -> None:
        self._state = state
        self._name = LockName(LockKind.WATCHER, hashlib.sha256(scope.key.encode()).hexdigest()[:16])
        self._threads = threads
        self._held: Held | None = None
        self._asked_at: float | None = None
        self.fault = ""

    def leads(self) -> bool:
        """Whether this watcher may do something now. Never waits."""
        return self._held is not None and self._held.may_begin()

    async def follow(self, now: float) -> bool:
        """Lead if nobody else does; whether this watcher has just begun to."""
        if self.leads():
            return False
        await self.release()
        if self._asked_at is not None and now - self._asked_at < ASK_EVERY:
            return False
        self._asked_at = now
        attempt = _Attempt(self._state, self._name)
        try:
            self._held = await self._threads.run(attempt.take, deadline=_WITHIN)
        except StateError as error:
            self.fault = str(error)
        except (TimeoutError, QueueFullError) as error:
            attempt.give_up()
            self.fault = f"the state did not answer: {error}"
        else:
            self.fault = ""
        return self.leads()

    async def release(self) -> None:
        """Let another lead; idempotent."""
        held, self._held = self._held, None
        if held is not None:
            # What cannot be let go of in time ends by itself.
            with suppress(StateError, TimeoutError, QueueFullError):
                await self._threads.run(held.release, deadline=_WITHIN)


class _Attempt:
    """One try to take the lock; what is taken after it was given up is not kept."""

    def __init__(self, state: StatePlace, name: LockName) -> None:
        self._state = state
        self._name = name
        self._changing = threading.Lock()
        self._given_up = False
        self._held: Held | None = None

    def take(self) -> Held | None:
        """The lock, or None when another has it. Raises StateError."""
        # What is not there yet is made, and a folder's locks lie in it.
        self._state.journal().close()
        held = self._state.locks.take(self._name)
        with self._changing:
            if not self._given_up:
                self._held = held
                return held
        if held is not None:
            held.release()
        return None

    def give_up(self) -> None:
        """Nobody waits for it any more."""
        with self._changing:
            self._given_up = True
            held = self._held
        if held is not None:
            held.release()
