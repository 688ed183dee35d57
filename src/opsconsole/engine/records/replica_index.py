"""What a name of the configuration stands for. Pure.

Invariant: a name stands for one replica, or one workload, whose name may be written without the
part before its slash. Similar names never match, and a name that stands for several things stands
for none until the configuration says which.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import field

from opsconsole.dataclass import dataclass
from opsconsole.model.running.workloads import Inventory, Place, Replica, Workload


@dataclass(frozen=True, slots=True)
class Found:
    """What a name stands for; ``several`` are the candidates, if more than one."""

    replicas: tuple[Replica, ...] = ()
    workloads: tuple[Workload, ...] = ()
    several: tuple[str, ...] = ()

    @property
    def nothing(self) -> bool:
        """Whether nothing has that name."""
        return self == Found()


@dataclass(slots=True)
class _Group:
    """One workload with its replicas, wherever they run."""

    name: str
    place: Place
    workload: Workload | None = None
    replicas: dict[str, Replica] = field(default_factory=dict)

    def within(self, place: str) -> bool:
        """Whether it is in the named place; '' is any."""
        places = {self.place.name, *(each.place.name for each in self.replicas.values())}
        return not place or place in places


class ReplicaIndex:
    """The replicas and workloads of all places, by every name that they have."""

    def __init__(self, inventories: Iterable[Inventory]) -> None:
        self._replicas: defaultdict[str, dict[str, Replica]] = defaultdict(dict)
        self._groups: dict[str, _Group] = {}
        for inventory in inventories:
            for workload in inventory.workloads:
                self._group(workload.id, workload.name, workload.place).workload = workload
            for replica in inventory.replicas:
                self._replicas[replica.name][replica.id] = replica
                if replica.workload:
                    group = self._group(replica.workload_id, replica.workload, replica.place)
                    group.replicas[replica.id] = replica
        self._named: defaultdict[str, list[_Group]] = defaultdict(list)
        for group in self._groups.values():
            for name in {group.name, group.name.rpartition("/")[2]}:
                self._named[name].append(group)

    def find(self, name: str, place: str = "") -> Found:
        """What has the name ``name``, in the named place or in any."""
        alone = [each for each in self._replicas.get(name, {}).values() if _in(each, place)]
        if alone:
            if len(alone) == 1:
                return Found(replicas=(alone[0],))
            return Found(several=tuple(f"{each.name} on {each.place.name}" for each in alone))
        groups = [each for each in self._named.get(name, ()) if each.within(place)]
        groups = [each for each in groups if each.name == name] or groups
        if len(groups) > 1:
            return Found(several=tuple(f"{each.name} on {each.place.name}" for each in groups))
        return Found(
            replicas=tuple(
                each for group in groups for each in group.replicas.values() if _in(each, place)
            ),
            workloads=tuple(group.workload for group in groups if group.workload is not None),
        )

    def _group(self, id_: str, name: str, place: Place) -> _Group:
        return self._groups.setdefault(id_, _Group(name, place))


def _in(replica: Replica, place: str) -> bool:
    return not place or replica.place.name == place
