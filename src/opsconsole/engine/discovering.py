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
from opsconsole.discovery.docker import DockerFinding, read
from opsconsole.model.running.workloads import Inventory
from opsconsole.model.source_id import SourceId, SourceKind

Found = tuple[SourceId, tuple[FoundService, ...]]


@dataclass(slots=True)
class _Place:
    """The latest inventory, and whether it was read; what is known, with when it was there.

    ``findings`` are those of ``signs``: a thousand containers of which nothing changed cost little.
    """

    inventory: Inventory
    at: float
    is_read: bool = False
    signs: tuple[object, ...] = ()
    findings: tuple[DockerFinding, ...] = ()
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
                signs = _signs(place.inventory)
                if again or place.signs != signs:
                    place.signs = signs
                    place.findings = read(declared, place.inventory, place.at)
                place.is_read = True
                yield source, self._read(declared, place)

    @staticmethod
    def _read(declared: Settings, place: _Place) -> tuple[FoundService, ...]:
        for each in place.findings:
            name = each.found.name
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


def _signs(inventory: Inventory) -> tuple[object, ...]:
    """All of an inventory that says what its services are."""
    replicas = tuple(
        (each.name, each.workload, each.phase, each.exit_code, each.finished_at is None, each.ports)
        for each in inventory.replicas
    )
    labels = tuple(each.labels for each in inventory.replicas)
    workloads = tuple((each.name, each.wanted) for each in inventory.workloads)
    return inventory.endpoint, replicas, labels, workloads
