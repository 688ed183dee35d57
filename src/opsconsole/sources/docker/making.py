"""Containers that were created again under their names, of other parts than before.

Invariant: names alone are reported, never values. What is remembered is bounded.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from opsconsole.model.events import Event, EventCode
from opsconsole.model.running.workloads import Replica
from opsconsole.sources.docker.containers import Inspected
from opsconsole.sources.marks import difference

_REMEMBERED: Final = 20_000


class Making:
    """Compares what each name's container is made of with the one before it."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, tuple[str, Mapping[str, str]]] = OrderedDict()

    def observe(
        self,
        containers: Iterable[Replica],
        facts: Callable[[str], Inspected | None],
        now: float,
    ) -> Iterator[Event]:
        """An event for each that was created again differently; one that was not inspected yet
        waits."""
        for container in containers:
            inspected = facts(container.id)
            if inspected is None:
                continue
            before = self._known.get(container.name)
            self._known[container.name] = container.id, inspected.made_of
            self._known.move_to_end(container.name)
            if before is None or before[0] == container.id or before[1] == inspected.made_of:
                continue
            yield _recreated(container, before[1], inspected.made_of, now)
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)


def _recreated(
    container: Replica, before: Mapping[str, str], after: Mapping[str, str], now: float
) -> Event:
    found = difference(before, after)
    return Event(
        container.started_at or now,
        EventCode.RECREATED,
        found.other,
        subject=container.name,
        before=found.gone,
        after=found.new,
    )
