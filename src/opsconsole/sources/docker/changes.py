"""What changed between two lists of containers, for what the event stream does not report.

Invariant: a container that is created again under its name with another image is one event, a
change of image; an end that the stream reported is not reported again. What is remembered is
bounded.
"""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.model.events import Event, EventCode
from opsconsole.model.running.workloads import Phase, Replica

_REMEMBERED: Final = 20_000
_CLOCK_SLACK: Final = 2.0

REPLACED_WITHIN: Final = 10.0
"""Seconds from the end of a container to the start of the one for which it was ended: what an
engine needs to remove one and start the next. What ended longer before ended for another reason."""


@dataclass(frozen=True, slots=True)
class _Known:
    """The container last seen under a name."""

    id: str
    image: str
    image_id: str
    phase: Phase


class Changes:
    """Compares each list with those before it."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._deaths: OrderedDict[str, float] = OrderedDict()
        self._unordered: set[str] = set()
        self._unreported: dict[str, float] = {}

    def heard_death(self, container_id: str, at: float, *, ordered: bool = True) -> None:
        """Note that the stream reported a container's end, ``at`` on the steady clock.

        It was ``ordered`` where the engine was asked to send a signal.
        """
        self._deaths[container_id] = at
        (self._unordered.discard if ordered else self._unordered.add)(container_id)
        while len(self._deaths) > _REMEMBERED:
            self._unordered.discard(self._deaths.popitem(last=False)[0])

    def observe(self, containers: Iterable[Replica], now: float) -> list[Event]:
        """Events for what is different. An end is left to the stream for one more list."""
        events: list[Event] = []
        for container in containers:
            before = self._known.get(container.name)
            if before is not None:
                events.extend(self._image_change(before, container, now))
            events.extend(self._end(before, container, now))
            self._known[container.name] = _Known(
                container.id, container.image, container.image_id, container.phase
            )
            self._known.move_to_end(container.name)
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return events

    def _end(self, before: _Known | None, container: Replica, now: float) -> list[Event]:
        if container.phase is not Phase.ENDED:
            self._unreported.pop(container.id, None)
            return []
        at = container.finished_at or now
        ended = self._deaths.get(container.id, 0.0) >= at - _CLOCK_SLACK
        if container.id in self._unreported:
            at = self._unreported.pop(container.id)
            return [] if ended else [_death(container, at)]
        if before and before.id == container.id and before.phase is not Phase.ENDED and not ended:
            self._unreported[container.id] = at
        return []

    def _image_change(self, before: _Known, container: Replica, now: float) -> list[Event]:
        """An event when the name now stands for a container of another image.

        It began when the container before it was ended for it, where the stream reported that. A
        container that died by itself was ended for nothing.
        """
        if before.id == container.id or before.image_id == container.image_id:
            return []
        old, new = before.image, container.image
        if old == new:
            old, new = (
                f"{image} ({_short(id_)})"
                for image, id_ in ((old, before.image_id), (new, container.image_id))
            )
        started = container.started_at or now
        ended = started if before.id in self._unordered else self._deaths.get(before.id, started)
        return [
            Event(
                at=ended if 0.0 <= started - ended <= REPLACED_WITHIN else started,
                code=EventCode.IMAGE_CHANGED,
                subject=container.name,
                before=old,
                after=new,
            )
        ]


def _death(container: Replica, at: float) -> Event:
    return Event(
        at,
        EventCode.ENDED,
        subject=container.name,
        state=container.state,
        figure=container.exit_code or None,
        memory=container.oom_killed,
    )


def _short(image_id: str) -> str:
    return image_id.removeprefix("sha256:")[:12]
