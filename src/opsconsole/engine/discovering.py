"""What the engines' inventories mean for the fleet, from one look to the next.

Invariant: an engine that does not answer loses nothing, because only an inventory takes away. What
it no longer has, and what has ended as a job does, stays for ``forget`` and is gone after that.
What never ran while somebody looked and has not failed within a day is no
service. Touched by the
engine's loop alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from opsconsole.config.effective import FoundService
from opsconsole.config.settings import Settings
from opsconsole.discovery.docker import read
from opsconsole.model.running.workloads import Inventory
from opsconsole.model.source_id import SourceId, SourceKind

Found = tuple[SourceId, tuple[FoundService, ...]]


@dataclass(slots=True)
class _Place:
    """The latest inventory, and whether it was read; what is known, with when it was there."""

    inventory: Inventory
    at: float
    is_read: bool = False
    known: dict[str, tuple[FoundService, float]] = field(default_factory=dict)


class Discovering:
    """Takes inventories in, and says what each source finds."""

    def __init__(self) -> None:
        self._places: dict[SourceId, _Place] = {}
        self._declared: Settings | None = None

    def take(self, source: SourceId, inventory: Inventory, at: float) -> None:
        """Take in what an engine runs at ``at``."""
        if source.kind is not SourceKind.DOCKER:
            return
        place = self._places.get(source)
        if place is None:
            self._places[source] = _Place(inventory, at)
            return
        place.inventory, place.at, place.is_read = inventory, at, False

    def found(self, declared: Settings) -> Iterator[Found]:
        """What each source finds, of those that have said something since the last call."""
        again, self._declared = declared is not self._declared, declared
        for source, place in list(self._places.items()):
            if not declared.reads(source):
                del self._places[source]
            elif again or not place.is_read:
                place.is_read = True
                yield source, self._read(declared, place)

    @staticmethod
    def _read(declared: Settings, place: _Place) -> tuple[FoundService, ...]:
        findings = {each.found.name: each for each in read(declared, place.inventory, place.at)}
        for name, each in findings.items():
            if each.serves or (name in place.known and not each.is_over):
                place.known[name] = each.found, place.at
        forget = declared.discover.forget
        is_on = place.inventory.place.name in {each.name for each in declared.discovered}
        place.known = {
            name: (found, at)
            for name, (found, at) in place.known.items()
            if is_on and place.at - at < forget
        }
        return tuple(found for found, _ in place.known.values())
