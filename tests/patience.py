"""Waiting in tests: for what is to happen, however slow the machine is.

Invariant: how long anything takes decides no test. A wait ends when what is waited for holds. It
gives up when nothing has moved for ``QUIET`` seconds, and says what it waited for; with ``moves``,
whatever that gives must stay the same for so long. ``LONGEST`` bounds it altogether, below the
bound of pytest's own.
"""

import asyncio
import inspect
import time
from collections.abc import Callable
from typing import Final, TypeVar

QUIET: Final = 120.0
LONGEST: Final = 480.0

T = TypeVar("T")


class Patience:
    """One wait. ``spent`` raises AssertionError once there is no point in going on."""

    def __init__(
        self, holds: Callable[[], object], moves: Callable[[], object] | None = None
    ) -> None:
        self._holds = holds
        self._moves = moves
        self._seen = moves() if moves is not None else None
        self._began = self._moved = time.monotonic()

    def spent(self) -> None:
        """Raise where nothing moves any more."""
        now = time.monotonic()
        seen = self._moves() if self._moves is not None else None
        if seen != self._seen:
            self._seen, self._moved = seen, now
        if now - self._moved > QUIET or now - self._began > LONGEST:
            raise AssertionError(f"it does not happen: {_told(self._holds)}; last: {seen!r}")


def until(
    holds: Callable[[], T], *, moves: Callable[[], object] | None = None, every: float = 0.02
) -> T:
    """What ``holds`` gives, once it is something."""
    patience = Patience(holds, moves)
    while not (found := holds()):
        patience.spent()
        time.sleep(every)
    return found


async def soon(
    holds: Callable[[], T], *, moves: Callable[[], object] | None = None, every: float = 0.01
) -> T:
    """The same, while other tasks go on."""
    patience = Patience(holds, moves)
    while not (found := holds()):
        patience.spent()
        await asyncio.sleep(every)
    return found


def _told(holds: Callable[[], object]) -> str:
    """The source of a condition, which is its best description."""
    try:
        return " ".join(inspect.getsource(holds).split())
    except (OSError, TypeError):
        return repr(holds)
