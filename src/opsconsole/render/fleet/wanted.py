"""The filter of services: conditions such as ``env:staging`` beside plain text.

Invariant: reading a filter never raises; what is no condition is matched as text. All conditions
must hold, and so must the text. ``!`` before one of them inverts it.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass  # noqa: TID251 - not of slots
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Final

from opsconsole.model.alerting.alerts import Alert, AlertState
from opsconsole.model.snapshot import ServiceView, Snapshot
from opsconsole.render.ink.matching import Filter
from opsconsole.render.ink.once import once_for_the_same
from opsconsole.render.service.standing import seen_standing
from opsconsole.render.service.table import search_text

_CONDITION: Final = re.compile(r"(!?)(env|group|team|place|state|alert):(\S+)")

_Values = Callable[[ServiceView], Sequence[str]]


@dataclass(frozen=True)
class Wanted:
    """A filter as typed; an empty one matches everything."""

    text: str = ""

    @cached_property
    def conditions(self) -> tuple[tuple[bool, str, tuple[str, ...]], ...]:
        """Whether each is inverted, what it is about, and the patterns of which one must match."""
        return tuple(
            (bool(mark), about, tuple(f"{each}*" for each in values.lower().split(",") if each))
            for mark, about, values in _CONDITION.findall(self.text)
        )

    @cached_property
    def plain(self) -> Filter:
        """The text beside the conditions."""
        return Filter(" ".join(_CONDITION.sub(" ", self.text).split()))

    @property
    def empty(self) -> bool:
        """Whether it matches everything."""
        return not self.conditions and self.plain.empty

    def of(self, snapshot: Snapshot) -> list[ServiceView]:
        """The services that match."""
        own = snapshot.environment.name
        alerts = _firing(snapshot.alerts)
        values: Mapping[str, _Values] = {
            "env": lambda each: (each.environment or own,),
            "group": lambda each: (each.group,),
            "team": lambda each: (each.team,),
            "place": lambda each: each.places,
            "state": lambda each: (seen_standing(each).value,),
            "alert": lambda each: alerts.get(each.name, ()),
        }
        return [each for each in snapshot.services if self._holds(each, values)]

    def likeliest_first(self, services: Sequence[ServiceView]) -> list[ServiceView]:
        """Those with the text at the beginning of a word of their name before the others."""
        return sorted(services, key=lambda each: not self.plain.begins_a_word(each.name))

    def _holds(self, service: ServiceView, values: Mapping[str, _Values]) -> bool:
        for inverted, about, patterns in self.conditions:
            found = values[about](service)
            holds = any(fnmatchcase(one.lower(), each) for one in found for each in patterns)
            if holds is inverted:
                return False
        return self.plain.empty or self.plain.matches(search_text(service))


@once_for_the_same
def _firing(alerts: tuple[Alert, ...]) -> Mapping[str, Sequence[str]]:
    """The names of the alerts that fire, by service."""
    names: defaultdict[str, list[str]] = defaultdict(list)
    for alert in alerts:
        if alert.state is AlertState.FIRING and alert.service:
            names[alert.service].append(alert.name)
    return names
