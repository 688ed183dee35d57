"""The connections of one process to one server: as many as are in use at once, two at rest.

Invariant: a connection is used by one thread of one process at a time: what a process that was
forked finds here is its parent's, and is left alone. One that broke is never handed out again, nor
are those that rested beside it. A server that was not reached is not asked again for a second.
"""

import os
import threading
import time
from dataclasses import field
from typing import Final

import psycopg

from opsconsole.dataclass import dataclass
from opsconsole.errors import StateError
from opsconsole.operations.postgresql import schema
from opsconsole.operations.postgresql.link import Link, connect

PAUSE: Final = 1.0
"""Seconds for which a server that was not reached is not asked again."""

READING_FOR: Final = 10.0
"""Seconds for which a server that takes no changes is read before the one that does is tried."""

_QUICK: Final = 2.0
_RESTING: Final = 2


@dataclass(slots=True)
class Pooled:
    """A connection that is in use; ``takes_changes``: it leads to a primary."""

    link: Link
    takes_changes: bool
    is_new: bool = True
    until: float = field(default_factory=lambda: time.monotonic() + READING_FOR)


class Pool:
    """The connections where ``conninfo`` leads. Raises StateError where there can be none."""

    def __init__(self, conninfo: str) -> None:
        self.conninfo = conninfo
        self.users = 0
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._resting: list[Pooled] = []
        self._failed: tuple[float, bool, StateError] | None = None

    def take(self, *, writing: bool) -> Pooled:
        """A connection for this thread alone; ``settle`` it."""
        while (found := self._rested()) is not None:
            fits = found.takes_changes or (not writing and time.monotonic() < found.until)
            if fits and not found.link.closed and not found.link.broken:
                found.is_new = False
                return found
            found.link.close()
        if self._failed is not None:
            until, was_writing, error = self._failed
            if time.monotonic() < until and (was_writing is writing or not was_writing):
                raise StateError(error.what, remedy=error.remedy)
        try:
            made = self._connected(writing=writing)
        except StateError as error:
            self._failed = (time.monotonic() + PAUSE, writing, error)
            raise
        self._failed = None
        return made

    def settle(self, pooled: Pooled, *, roll_back: bool = True) -> bool:
        """Let others have it, without a transaction; False where it broke, and is no more."""
        try:
            if not pooled.link.closed and not pooled.link.broken:
                if roll_back:
                    pooled.link.execute("ROLLBACK")
                self._rest(pooled)
                return True
        except psycopg.Error:
            pass
        pooled.link.close()
        self.close()
        return False

    def close(self) -> None:
        """End what rests."""
        while (found := self._rested()) is not None:
            found.link.close()

    def _rested(self) -> Pooled | None:
        if self._process != os.getpid():
            self._process, self._lock, self._resting = os.getpid(), threading.Lock(), []
        with self._lock:
            return self._resting.pop() if self._resting else None

    def _rest(self, pooled: Pooled) -> None:
        with self._lock:
            if self.users and len(self._resting) < _RESTING:
                self._resting.append(pooled)
                return
        pooled.link.close()

    def _connected(self, *, writing: bool) -> Pooled:
        began, takes_changes = time.monotonic(), True
        try:
            link = connect(self.conninfo)
        except StateError:
            # A standby, or a role that may only look, is refused at once.
            if writing or time.monotonic() - began > _QUICK:
                raise
            link, takes_changes = connect(self.conninfo, writing=False), False
        try:
            schema.prepare(link, may_make=takes_changes)
        except BaseException:
            link.close()
            raise
        return Pooled(link, takes_changes)


_pools: Final[dict[str, Pool]] = {}
_guard: Final = threading.Lock()


def join(conninfo: str) -> Pool:
    """The pool of this process for ``conninfo``; ``leave`` it."""
    with _guard:
        pool = _pools.setdefault(conninfo, Pool(conninfo))
        pool.users += 1
        return pool


def leave(pool: Pool) -> None:
    """Use it no more; with its last user its connections end."""
    with _guard:
        pool.users -= 1
        is_last = not pool.users
        if is_last:
            _pools.pop(pool.conninfo, None)
    if is_last:
        pool.close()
