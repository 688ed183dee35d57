"""What engines run and servers scrape means for the fleet, from one look to the next.

Invariant: a place that does not answer loses nothing, because only an answer takes away. What
it no longer has, and what has ended as a job does, stays for ``forget`` from the first answer that
said so: the time in which nobody could look is not counted. What never ran while somebody looked
and has not failed within a day is no service. Touched by the engine's loop alone.
"""

from collections.abc import Iterator
from dataclasses import field

from opsconsole.config.effective import FoundService
from opsconsole.config.settings import Settings
from opsconsole.dataclass import dataclass
from opsconsole.discovery import inventories, prometheus
from opsconsole.discovery.finding import Finding
from opsconsole.model.observations import Observation, PrometheusSeen
from opsconsole.model.running.targets import Target
from opsconsole.model.running.workloads import Inventory, PlaceKind
from opsconsole.model.source_id import SourceId

Found = tuple[SourceId, tuple[FoundService, ...]]
Said = Inventory | tuple[Target, ...]


@dataclass(slots=True)
class _Place:
    """What it said last, and whether that was read; what is known, with since when it is not there.

    ``findings`` are those of ``signs``: a thousand containers of which nothing changed cost little.
    """

    said: Said
    at: float
    is_read: bool = False
    signs: tuple[object, ...] = ()
    findings: tuple[Finding, ...] = ()
    known: dict[str, tuple[FoundService, float | None]] = field(default_factory=dict)
    notice: str = ""


class Discovering:
    """Takes in what engines and hosts run and servers scrape, and says what each source finds."""

    def __init__(self) -> None:
        self._places: dict[SourceId, _Place] = {}
        self._declared: Settings | None = None

    @property
    def notices(self) -> tuple[str, ...]:
        """What was found and is no service because there is too much of it."""
        return tuple(each.notice for each in self._places.values() if each.notice)

    def take(self, source: SourceId, value: Observation | None, at: float) -> None:
        """Take in what was seen at ``at``; what says nothing of services is left alone."""
        match value:
            case Inventory():
                said: Said = value
            case PrometheusSeen(targets=tuple() as targets):
                said = targets
            case _:
                return
        place = self._places.get(source)
        if place is None:
            self._places[source] = _Place(said, at)
            return
        place.said, place.at, place.is_read = said, at, False

    def found(self, declared: Settings) -> Iterator[Found]:
        """What each source finds, of those that have said something since the last call."""
        again, self._declared = declared is not self._declared, declared
        for source, place in list(self._places.items()):
            if not declared.reads(source):
                del self._places[source]
            elif again or not place.is_read:
                signs = _signs(place.said)
                if again or place.signs != signs:
                    place.signs = signs
                    place.findings = _findings(declared, source, place)
                place.is_read = True
                yield source, self._read(declared, source, place)

    @staticmethod
    def _read(declared: Settings, source: SourceId, place: _Place) -> tuple[FoundService, ...]:
        known, place.known = place.known, {}
        if not declared.discovers(source):
            return ()
        there = {
            each.found.name: each.found
            for each in place.findings
            if each.serves or (each.found.name in known and not each.is_over)
        }
        for name, (found, missed) in known.items():
            since = place.at if missed is None else missed
            if name not in there and place.at - since < declared.discover.forget:
                place.known[name] = found, since
            elif name in there:
                place.known[name] = there[name], None
        for name, found in there.items():
            place.known.setdefault(name, (found, None))
        return tuple(found for found, _ in place.known.values())


def _findings(declared: Settings, source: SourceId, place: _Place) -> tuple[Finding, ...]:
    if isinstance(place.said, Inventory):
        return inventories.read(declared, place.said, place.at)
    found = prometheus.read(declared, source.name, place.said)
    over = len(found) - prometheus.JOB_LIMIT
    place.notice = (
        f"{source.name} has {len(found)} jobs, of which {prometheus.JOB_LIMIT} are services; "
        "choose them by discover: {prometheus: {jobs: […]}}"
        if over > 0
        else ""
    )
    return found[: prometheus.JOB_LIMIT]


def _signs(said: Said) -> tuple[object, ...]:
    """All of what a place said that says what its services are."""
    if not isinstance(said, Inventory):
        return tuple((each.job, each.labels) for each in said)
    inventory = said
    replicas = tuple(
        (each.name, each.workload, each.phase, each.exit_code, each.finished_at is None, each.ports)
        for each in inventory.replicas
    )
    if inventory.place.kind is PlaceKind.HOST:
        return tuple((each.name, each.phase, each.state) for each in inventory.replicas)
    if inventory.place.kind is PlaceKind.CLUSTER:
        return tuple((each.name, each.kind, each.labels) for each in inventory.workloads)
    labels = tuple(each.labels for each in inventory.replicas)
    workloads = tuple((each.name, each.wanted) for each in inventory.workloads)
    return inventory.endpoint, replicas, labels, workloads
