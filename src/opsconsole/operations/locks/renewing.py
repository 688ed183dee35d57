"""Renewing what this process holds by leases, in a thread of its own.

Invariant: each lock is renewed every ``Terms.renew_every`` seconds while it is held, whatever the
rest of the process does, on a connection that nothing else waits for. A renewal that does not
succeed changes nothing, and is tried again soon: the lock is then no longer certain by the clock
alone. The thread is there while something is held.
"""

import threading
import time
from collections.abc import Callable
from typing import Final, Generic, Protocol, TypeVar

from opsconsole.errors import StateError
from opsconsole.operations.database import Row, Values
from opsconsole.operations.locks.lease import Terms

_AGAIN: Final = 0.2
"""The part of the time between renewals after which one that failed is tried again."""


class Line(Protocol):
    """A way to ask the server, of one thread's own."""

    def read(self, statement: str, values: Values = ()) -> list[Row]:
        """The rows of a SELECT. Raises StateError."""
        ...

    def once(self, statement: str, values: Values = ()) -> list[Row]:
        """The rows of one statement that may change something. Raises StateError."""
        ...

    def close(self) -> None:
        """Release it; idempotent."""
        ...


class Renewable(Protocol):
    """What is held by a lease."""

    def renew(self, line: Line) -> None:
        """Have it last on. Raises StateError when the server cannot be asked."""
        ...


R = TypeVar("R", bound=Renewable)


class Renewing(Generic[R]):
    """The thread of one process. ``line`` makes the connection, and raises nothing."""

    def __init__(self, line: Callable[[], Line], terms: Terms) -> None:
        self._line, self._terms = line, terms
        self._guard = threading.Lock()
        self._held: list[R] = []
        self._emptied = threading.Event()

    def add(self, held: R) -> None:
        """Renew it from now on."""
        with self._guard:
            self._held.append(held)
            if len(self._held) == 1:
                self._emptied = threading.Event()
                thread = threading.Thread(
                    target=self._run, args=(self._emptied,), name="leases", daemon=True
                )
                thread.start()

    def remove(self, held: R) -> bool:
        """Renew it no longer; False where it was not."""
        with self._guard:
            if held not in self._held:
                return False
            self._held.remove(held)
            if not self._held:
                self._emptied.set()
            return True

    def held(self) -> tuple[R, ...]:
        """What is renewed now."""
        with self._guard:
            return tuple(self._held)

    def _run(self, emptied: threading.Event) -> None:
        line = self._line()
        pause = self._terms.renew_every
        while not emptied.wait(pause):
            began = time.monotonic()
            failed = False
            for each in self.held():
                try:
                    each.renew(line)
                except StateError:
                    failed = True
            every = self._terms.renew_every * (_AGAIN if failed else 1.0)
            pause = max(0.0, every - (time.monotonic() - began))
        line.close()
