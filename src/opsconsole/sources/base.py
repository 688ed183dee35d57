"""What every source is.

Invariant: ``collect`` returns within its deadline, raises nothing but ``CancelledError``, and
never blocks the event loop or asyncio's default thread pool. A source is asked again for as
long as it is registered, whatever it answered; at most one look is under way at a time.

An implementation names ``Source[…]`` as its base, so that it is checked where it is written.
"""

from typing import Protocol, TypeVar

from opsconsole.model.observations import Observation
from opsconsole.model.reading import Reading
from opsconsole.model.source_id import SourceId

T_co = TypeVar("T_co", bound=Observation, covariant=True)


class Source(Protocol[T_co]):
    """One thing that is looked at every ``interval`` seconds."""

    @property
    def id(self) -> SourceId:
        """Its kind and its name; the same for as long as it lives."""
        ...

    @property
    def interval(self) -> float:
        """Seconds between looks."""
        ...

    @property
    def endpoint(self) -> str:
        """Where it looks, as it may be shown; '' where that is not known or of no interest."""
        ...

    async def collect(self) -> Reading[T_co]:
        """Look once. The reading's value or fault is sanitised."""
        ...

    async def close(self) -> None:
        """Release sockets and threads; idempotent."""
        ...


AnySource = Source[Observation]
