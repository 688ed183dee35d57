"""One thing that happened, as two consoles saw it. Pure.

Invariant: what one console saw is the same as what another saw when both say the same about the
same subject at nearly the same time; each sighting stands for one other at most, so that a service
that flaps is not said to have failed once.
"""

from collections.abc import Iterable
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.model.events import Event, EventKind

APART: Final = 60.0
"""Seconds between two consoles' sightings of the same: their looks are that far apart at most."""

_SEEN: Final = frozenset(
    {EventKind.HEALTH, EventKind.ALERT, EventKind.SOURCE, EventKind.VERSION, EventKind.RESTART}
    | {EventKind.OPERATION, EventKind.RUNBOOK, EventKind.CONTAINER, EventKind.IMAGE}
    | {EventKind.CERTIFICATE, EventKind.OBJECTIVE}
)
"""Kinds whose events each console makes of its own looks; others are shared as they are."""

_Subject = tuple[EventKind, str, str, str]


@dataclass(slots=True)
class _Sighting:
    event: Event
    said: tuple[object, ...]
    taken: bool = False


class Known:
    """Events that are known, to which others are compared in the order of their times."""

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self._seen: dict[_Subject, list[_Sighting]] = {}
        for event in events:
            self.add(event)

    def add(self, event: Event) -> None:
        """Know ``event`` from now on."""
        if event.kind in _SEEN:
            self._seen.setdefault(_subject(event), []).append(_Sighting(event, _said(event)))

    def take(self, event: Event) -> None:
        """Let the known ``event``, which somebody repeats, stand for no other."""
        for each in self._seen.get(_subject(event), ()):
            if each.event == event:
                each.taken = True

    def same(self, event: Event) -> Event | None:
        """The known event that is this one, which then stands for no other; None for news.

        What was known to be before it stands for nothing that comes after it.
        """
        of_subject = self._seen.get(_subject(event), ())
        said = _said(event)
        near = [
            each
            for each in of_subject
            if not each.taken and each.said == said and abs(each.event.at - event.at) <= APART
        ]
        found = min(near, key=lambda each: abs(each.event.at - event.at), default=None)
        for each in of_subject:
            if each is found or each.event.at <= event.at:
                each.taken = True
        return None if found is None else found.event


def _subject(event: Event) -> _Subject:
    return event.kind, event.service, event.subject, event.place


def _said(event: Event) -> tuple[object, ...]:
    if event.kind is EventKind.OPERATION:
        # The journal's own moment. Versions that did not name the action recorded it too.
        return event.code, event.state, event.after, round(event.at, 3)
    return event.code, event.state, event.after, event.action, event.name, event.by, event.memory
