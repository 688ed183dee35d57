"""Services in groups: by heading, environment, place or team.

Invariant: every service is in exactly one group. Another environment than the console's own is one
group, however the others are grouped. Of a service that did not change nothing is worked out again.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.model.snapshot import ServiceView, Snapshot
from opsconsole.render.service.standing import Standing, is_well, seen_standing

FEW: Final = 20
"""Up to so many services are listed one by one, unless the user groups them."""

HIGH: Final = "high"
_ELSEWHERE: Final = {
    "group": "without a group",
    "environment": "",
    "place": "nowhere known",
    "team": "without a team",
}


class Grouping(StrEnum):
    """What services are put together by."""

    GROUP = "group"
    ENVIRONMENT = "environment"
    PLACE = "place"
    TEAM = "team"
    NONE = "none"


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """``kind`` is what its ``name`` names. ``well`` are the members that are ok, the others in
    ``trouble``. ``danger`` is set for another environment than the console's own.
    """

    kind: Grouping
    name: str
    trouble: tuple[ServiceView, ...]
    well: tuple[ServiceView, ...]
    danger: str = ""

    @property
    def key(self) -> str:
        """The key of its row; no service can be called so."""
        return f":{self.kind} {self.name}"

    @property
    def tally(self) -> Mapping[Standing, int]:
        """How many of its members stand how."""
        counts = Counter(map(seen_standing, self.trouble))
        counts[Standing.OK] = len(self.well)
        return counts

    @property
    def worst(self) -> Standing:
        """How the worst of its members stands."""
        standings = map(seen_standing, self.trouble)
        return max(standings, key=lambda each: each.urgency, default=Standing.OK)

    @property
    def may_fold(self) -> bool:
        """Whether what is not well in it may be a count: elsewhere, where it is not dangerous."""
        return not self.trouble or (bool(self.danger) and self.danger != HIGH)


class Groups:
    """The groups of snapshots that follow one another."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[ServiceView, bool, tuple[Grouping, str]]] = {}
        self._known_by: tuple[Grouping, str] | None = None
        self._of: tuple[object, ...] = ()
        self._groups: tuple[Group, ...] = ()

    def of(self, snapshot: Snapshot, by: Grouping) -> tuple[Group, ...]:
        """The groups by what ``by`` says: the worst first, then those with most that is not ok."""
        asked = (snapshot.services, snapshot.environments, snapshot.environment.name, by)
        if len(self._of) != len(asked) or any(
            before is not now for before, now in zip(self._of, asked, strict=True)
        ):
            self._of = asked
            self._groups = tuple(self._made(snapshot, by))
        return self._groups

    def _made(self, snapshot: Snapshot, by: Grouping) -> Iterable[Group]:
        own = snapshot.environment.name
        if self._known_by != (by, own):
            self._known, self._known_by = {}, (by, own)
        known, kept = self._known, {}
        members: dict[tuple[Grouping, str], tuple[list[ServiceView], list[ServiceView]]] = {}
        for service in snapshot.services:
            seen = known.get(service.name)
            if seen is None or seen[0] is not service:
                seen = (service, is_well(service), _group_of(service, by, own))
            kept[service.name] = seen
            _, well, place = seen
            if place not in members:
                members[place] = ([], [])
            members[place][well].append(service)
        self._known = kept
        dangers = {each.name: each.danger for each in snapshot.environments}
        groups = (
            Group(kind, name, tuple(trouble), tuple(well), _danger(kind, name, own, dangers))
            for (kind, name), (trouble, well) in members.items()
        )
        return sorted(groups, key=lambda group: _rank(group, own))


def _danger(kind: Grouping, name: str, own: str, dangers: Mapping[str, str]) -> str:
    return dangers.get(name, HIGH) if kind is Grouping.ENVIRONMENT and name != own else ""


def _rank(group: Group, own: str) -> tuple[int, int, int, str]:
    elsewhere = group.kind is Grouping.ENVIRONMENT and group.name != own
    return (-group.worst.urgency, -len(group.trouble), int(elsewhere), group.name)


def _group_of(service: ServiceView, by: Grouping, own: str) -> tuple[Grouping, str]:
    """The kind and the name of the group that it is in."""
    if by is Grouping.NONE:
        return by, ""
    if by is Grouping.ENVIRONMENT or service.environment:
        return Grouping.ENVIRONMENT, service.environment or own
    name = service.group
    if by is Grouping.TEAM:
        name = service.team
    elif by is Grouping.PLACE:
        name = ", ".join(service.places[:2]) if len(service.places) < 3 else "many places"
    return by, name or _ELSEWHERE[by]


def usual(services: Sequence[ServiceView], groups: Sequence[Group]) -> bool:
    """Whether ``groups`` are shown where the user has not said so: not of few, not of one."""
    return len(services) > FEW and len(groups) > 1
