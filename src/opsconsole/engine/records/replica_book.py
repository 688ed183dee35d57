"""What engines report, and which of it belongs to which name of the configuration.

Invariant: each engine's data has the age of its own last answer, by its own interval. A name that
is not found is missing only if every engine that may have it has answered recently; else nothing is
known about it.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from opsconsole.config.settings import Settings
from opsconsole.dataclass import dataclass
from opsconsole.engine.judge.service import Judgement
from opsconsole.engine.records.replica_index import Found, ReplicaIndex
from opsconsole.model.running.workloads import EngineView, Inventory, Place, Replica, Workload
from opsconsole.model.state import State

Wanted = tuple[str, str]
"""A name of a replica or of a workload, and the name of its engine; '' is any."""

UNREAD: Final = "has not answered"


@dataclass(frozen=True, slots=True)
class Lack:
    """A name that stands for nothing, or for several things (``ambiguous``), and the result of
    that.

    ``unread``: nobody is asked who could know it. ``never``: nor has anybody answered so far.
    """

    name: str
    judgement: Judgement
    ambiguous: bool = False
    unread: bool = False
    never: bool = False


@dataclass(frozen=True, slots=True)
class Copies:
    """What runs of one service, as the engines last reported.

    ``times`` are when each place answered, ``stale`` the places that have not answered recently.
    ``meant``: somebody declared that it runs, so that its end is a failure; what was found only
    ran.
    """

    replicas: tuple[Replica, ...]
    workloads: tuple[Workload, ...]
    lacking: tuple[Lack, ...]
    times: Mapping[str, float]
    stale: frozenset[str]
    meant: bool = True

    def is_stale(self, place: Place) -> bool:
        """Whether the last answer of ``place`` is too old to count."""
        return place.name in self.stale

    def answered_at(self, place: Place) -> float | None:
        """When ``place`` answered last."""
        return self.times.get(place.name)


class ReplicaBook:
    """The engines that ``settings`` name, with their last reports.

    No interval is taken for shorter than ``least`` seconds.
    """

    def __init__(
        self, settings: Settings, before: "ReplicaBook | None" = None, *, least: float = 0.0
    ) -> None:
        self._intervals = {
            name: max(every, least) for name, every in settings.tells_replicas.items()
        }
        self._engines = tuple(settings.engines)
        self._views: dict[str, EngineView] = {}
        if before is not None:
            for name, view in before._views.items():
                if name in self._intervals:
                    self._views[name] = view.every(self._intervals[name])
        self._stale: frozenset[str] = frozenset()
        self._index = self._indexed()
        self.engines = tuple(self._views.values())

    @property
    def answered(self) -> bool:
        """Whether any engine has ever answered."""
        return bool(self._views)

    def note(self, inventory: Inventory, at: float) -> bool:
        """Take in what an engine reported; False if it is no longer configured."""
        name = inventory.place.name
        interval = self._intervals.get(name)
        if interval is None:
            return False
        before = self._views.get(name)
        self._views[name] = EngineView(inventory, at, interval)
        self._stale -= {name}
        self.engines = tuple(self._views[each] for each in self._intervals if each in self._views)
        if before is None or before.inventory is not inventory:
            self._index = self._indexed()
        return True

    def expire(self, now: float) -> bool:
        """Whether the set of engines without a recent answer changed."""
        stale = frozenset(name for name, view in self._views.items() if view.stale(now))
        changed, self._stale = stale != self._stale, stale
        return changed

    def find(self, wanted: Wanted) -> Found:
        """What a name stands for."""
        return self._index.find(*wanted)

    def copies(self, wanted: Iterable[Wanted], *, meant: bool = True) -> Copies:
        """What runs of everything in ``wanted``, each once, in order."""
        replicas: dict[str, Replica] = {}
        workloads: dict[str, Workload] = {}
        lacking: list[Lack] = []
        for each in dict.fromkeys(wanted):
            found = self.find(each)
            replicas.update((one.id, one) for one in found.replicas)
            workloads.update((one.id, one) for one in found.workloads)
            if found.nothing or found.several:
                lacking.append(self.lack(each, meant=meant))
        times = {name: view.taken_at for name, view in self._views.items()}
        return Copies(
            tuple(replicas.values()),
            tuple(workloads.values()),
            tuple(lacking),
            times,
            self._stale,
            meant,
        )

    def lack(self, wanted: Wanted, *, meant: bool = True) -> Lack:
        """What to report for a name that does not stand for exactly one thing."""
        name, engine = wanted
        several = self.find(wanted).several
        if several:
            which = " or ".join((", ".join(several[:-1]), several[-1]))
            said = f"{name} may be {which}: name its project or its engine"
            return Lack(name, Judgement(State.UNKNOWN, said), ambiguous=True)
        named = [engine] if engine else self._engines
        asked = [each for each in named if each in self._intervals]
        if not asked:
            said = f"no engine is read that could know {name}"
            return Lack(name, Judgement(State.UNKNOWN, said), unread=True, never=True)
        silent = [each for each in asked if each not in self._views or each in self._stale]
        if silent:
            never = not any(each in self._views for each in silent)
            said = f"{', '.join(silent)} {UNREAD}"
            return Lack(name, Judgement(State.UNKNOWN, said), never=never)
        unread = self._unread(name, asked)
        if unread:
            return Lack(name, Judgement(State.UNKNOWN, unread))
        if not meant:
            return Lack(
                name, Judgement(State.UNKNOWN, f"gone: {', '.join(asked)} has no {name} now")
            )
        return Lack(name, Judgement(State.DOWN, f"nothing is called {name} on {', '.join(asked)}"))

    def _unread(self, name: str, asked: Iterable[str]) -> str:
        """Why ``NAMESPACE/KIND/NAME`` may be there all the same; '' where its kind was read."""
        parts = name.split("/")
        for engine in asked:
            for each in self._views[engine].inventory.unread:
                if len(parts) == 3 and each.what == f"{parts[1]}s":
                    return f"{engine} does not show its {each.what}: {each.fault.kind}"
        return ""

    def _indexed(self) -> ReplicaIndex:
        return ReplicaIndex(view.inventory for view in self._views.values())
