"""Locks within one process, for what is tried without a folder.

Invariant: as ``Locks`` has it, but that nothing can be handed to a child.
"""

import threading
from collections.abc import Sequence

from opsconsole.operations.locks.locks import (
    PATIENCE,
    Holder,
    LockKind,
    LockName,
    Locks,
)


class HeldInMemory:
    """A lock that is held by the owner of this object."""

    descriptors: tuple[int, ...] = ()
    grant: str = ""

    def __init__(self, lock: threading.Lock) -> None:
        self._lock: threading.Lock | None = lock

    def handed_over(self) -> None:
        """There is no child."""

    def may_begin(self) -> bool:
        """Whether it is held still."""
        return self._lock is not None

    def release(self) -> None:
        """Let go."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None


class MemoryLocks:
    """The locks of one state that is kept in memory."""

    def __init__(self) -> None:
        self._making = threading.Lock()
        self._locks: dict[LockName, threading.Lock] = {}
        self._holders: dict[str, Holder] = {}

    def take(self, name: LockName, *, patience: float = 0.0) -> HeldInMemory | None:
        """Take a lock."""
        with self._making:
            lock = self._locks.setdefault(name, threading.Lock())
        taken = lock.acquire(timeout=patience) if patience > 0 else lock.acquire(blocking=False)
        return HeldInMemory(lock) if taken else None

    def inherit(self, grants: Sequence[str]) -> tuple[HeldInMemory, ...]:
        """There is no child."""
        return ()

    def is_held(self, name: LockName) -> bool:
        """Whether somebody holds a lock."""
        found = self._locks.get(name)
        return found is not None and found.locked()

    def take_service(self, holder: Holder, *, patience: float = PATIENCE) -> HeldInMemory | None:
        """Take a service's lock and say who did."""
        held = self.take(LockName(LockKind.SERVICE, holder.lock), patience=patience)
        if held is not None:
            self._holders[holder.lock] = holder
        return held

    def holder(self, subject: str) -> Holder | None:
        """Who holds a service's lock, or a silence's."""
        if not self.is_held(LockName(LockKind.SERVICE, subject)):
            return None
        return self._holders[subject]

    def forget(self, name: LockName) -> None:
        """Forget a lock."""
        with self._making:
            self._locks.pop(name, None)


def _conforms(locks: MemoryLocks) -> Locks:
    return locks
