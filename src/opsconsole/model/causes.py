"""What changed before something went wrong, and how likely each change is its cause.

Invariant: no cause is later than the moment it is to explain; ``likely`` is in the order of
``score``, which is total: two causes of one list are never in either order by chance.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import field

from opsconsole.dataclass import dataclass
from opsconsole.model.events import Event

WINDOW = 900.0
"""Seconds before the first red in which a cause is looked for."""


@dataclass(frozen=True, slots=True)
class Ties:
    """What a service is tied to: what it needs, and the hosts that it runs on."""

    depends_on: tuple[str, ...] = ()
    hosts: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Topology:
    """How services depend on each other and share hosts.

    ``hosts`` of a container that no service owns: the engine's.
    """

    services: Mapping[str, Ties] = field(default_factory=dict)

    def needs(self, service: str) -> dict[str, tuple[str, ...]]:
        """The services below ``service`` with the way to each, the nearest first."""
        found: dict[str, tuple[str, ...]] = {}
        ahead: deque[tuple[str, tuple[str, ...]]] = deque([(service, (service,))])
        while ahead:
            name, way = ahead.popleft()
            for other in self.services.get(name, Ties()).depends_on:
                if other != service and other not in found:
                    found[other] = (*way, other)
                    ahead.append((other, found[other]))
        return found

    def needed_by(self, service: str) -> frozenset[str]:
        """The services that need ``service``, through others too."""
        return frozenset(name for name in self.services if service in self.needs(name))

    def share_host(self, one: str, other: str) -> bool:
        """Whether two services run on a host of the same name."""
        first, second = (self.services.get(name, Ties()).hosts for name in (one, other))
        return bool(first & second)


@dataclass(frozen=True, slots=True)
class Cause:
    """One change that may be the cause. ``count`` is how often it happened in the window.

    ``reason`` says in a few words why it stands where it does; ``score`` is between 0 and 100.
    """

    event: Event
    score: float
    reason: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed before ``moment``: the likeliest first, then the rest in order of time.

    ``subject`` is the service or the alert in question, ``service`` the service it is about ('' for
    none). ``moment`` is when it first went wrong; None when it was not seen to go wrong, and
    then ``until`` is the end of what was looked at. ``root`` is the dependency that went wrong
    first, '' where none did. ``afterwards`` is what followed, oldest first. ``watched_since`` is
    from when on changes would have been seen; of what was before, only what was learnt afterwards.
    """

    subject: str
    service: str
    moment: float | None
    since: float
    until: float
    likely: tuple[Cause, ...] = ()
    rest: tuple[Event, ...] = ()
    afterwards: tuple[Event, ...] = ()
    root: str = ""
    over: bool = False
    watched_since: float | None = None

    def __iter__(self) -> Iterator[Event]:
        """Every event before the moment, likely or not."""
        yield from (cause.event for cause in self.likely)
        yield from self.rest
