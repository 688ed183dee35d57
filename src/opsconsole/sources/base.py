"""What every source is.

Invariant: ``collect`` returns within its deadline, raises nothing but ``CancelledError``, and
never blocks the event loop or asyncio's default thread pool. A source is asked again for ever,
whatever it answered; at most one look is under way at a time.
"""

from typing import Protocol, TypeVar

from opsconsole.model.reading import Reading
from opsconsole.model.source_id import SourceId

T_co = TypeVar("T_co", covariant=True)


class Source(Protocol[T_co]):
    """One thing that is looked at every ``interval`` seconds."""

    @property
    def id(self) -> SourceId:
        """Its kind and its name; the same for as long as it lives."""
        ...

    @property
    def interval(self) -> float: ...

    async def collect(self) -> Reading[T_co]:
        """Look once. The reading's value or fault is sanitised."""
        ...

    async def close(self) -> None:
        """Give back sockets and threads; idempotent."""
        ...
