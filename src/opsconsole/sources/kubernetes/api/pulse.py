"""Whether an API server is heard while it is watched, in which it may rightly be silent for long.

Invariant: while a stream is open, the server is asked for its version whenever nothing was heard of
it for ``EVERY`` seconds; a server that hangs is thereby known within the deadline of one call,
however long its connections stand.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final

from opsconsole.model.fault import Fault
from opsconsole.sources.kubernetes.api.cluster_error import ClusterError

EVERY: Final = 5.0
_AGAIN: Final = 2.0


class Pulse:
    """``ask`` has the server say anything, or raises ClusterError."""

    def __init__(self, ask: Callable[[], Awaitable[object]]) -> None:
        self._ask = ask
        self._streams = 0
        self._task: asyncio.Task[None] | None = None
        self._heard_at: float | None = None
        self.fault: Fault | None = None

    @property
    def silent_for(self) -> float:
        """Seconds since the server was last heard; 0 before it was."""
        if self._heard_at is None:
            return 0.0
        return asyncio.get_running_loop().time() - self._heard_at

    def heard(self) -> None:
        """The server said something."""
        self._heard_at = asyncio.get_running_loop().time()
        self.fault = None

    @contextmanager
    def watched(self) -> Iterator[None]:
        """A stream is open."""
        self._streams += 1
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._beat())
        try:
            yield
        finally:
            self._streams -= 1

    async def close(self) -> None:
        """Ask no more; idempotent."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _beat(self) -> None:
        while self._streams:
            wait = EVERY - self.silent_for
            if wait > 0:
                await asyncio.sleep(wait)
                continue
            try:
                await self._ask()
            except ClusterError as error:
                if error.status is not None:
                    self.heard()
                    continue
                self.fault = error.fault
                await asyncio.sleep(_AGAIN)
