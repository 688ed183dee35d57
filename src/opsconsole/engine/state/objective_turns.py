"""Events of objectives: missed, met again, and a budget that is spent too fast.

Invariant: an event is made of a change that was seen and has held for ``HELD`` seconds, so that a
figure about its target fills no timeline; it is dated when the change began. What is missed already
when it is first known is no change, and while nobody knows nothing changes.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.model.events import Event, EventCode
from opsconsole.model.objectives import Attainment
from opsconsole.model.snapshot import ServiceView
from opsconsole.model.state import State

HELD: Final = 30.0
"""Seconds for which an objective has to be so before it is said."""


@dataclass(slots=True)
class _Standing:
    """What was said of one thing last, and what it is now, ``since`` when; None: not known."""

    said: bool | None
    now: bool | None
    since: float

    def turned(self, now: bool | None, at: float) -> bool:
        """Take in what it is ``at`` a moment; whether that is to be said now."""
        if now is None:
            return False
        if now is not self.now:
            self.now, self.since = now, at
        if now is self.said or at - self.since < HELD:
            return False
        self.said = now
        return True


class ObjectiveTurns:
    """What was seen of each objective."""

    def __init__(self) -> None:
        self._met: dict[tuple[str, str], _Standing] = {}
        self._calm: dict[tuple[str, str], _Standing] = {}

    def events(self, services: Iterable[ServiceView], now: float) -> list[Event]:
        """What turned, by ``services`` as they are at ``now``."""
        known: set[tuple[str, str]] = set()
        made: list[Event] = []
        for service in services:
            known.update((service.name, each.objective) for each in service.objectives)
            if not service.stale:
                for each in service.objectives:
                    made += self._noted(each, now)
        for of in (self._met, self._calm):
            for key in of.keys() - known:
                del of[key]
        return made

    def _noted(self, item: Attainment, now: float) -> Iterator[Event]:
        key = (item.service, item.objective)
        met = self._met.get(key)
        if met is None and (item.met is not None or item.early):
            # Early is the good it was until then: from there it can be seen to be missed.
            first = True if item.met is None else item.met
            self._met[key] = _Standing(first, first, now)
        elif met is not None and met.turned(item.met, now):
            code = EventCode.OBJECTIVE_MET if item.met else EventCode.OBJECTIVE_MISSED
            yield _event(met.since, code, item, State.OK if item.met else State.DEGRADED)
        if item.burn_rate is None:
            return
        calm = self._calm.setdefault(key, _Standing(not item.burning, not item.burning, now))
        if calm.turned(not item.burning, now) and item.burning:
            yield _event(calm.since, EventCode.BUDGET_BURNS, item, State.DEGRADED, item.burning)


def _event(at: float, code: EventCode, item: Attainment, state: State, detail: str = "") -> Event:
    return Event(
        at, code, detail, service=item.service, subject=item.service, state=state,
        name=item.objective,
    )  # fmt: skip
