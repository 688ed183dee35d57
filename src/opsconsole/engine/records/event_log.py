"""The timeline in memory.

Invariant: bounded; oldest first; the tuple given out is the same object until something is added.
"""

import math
from collections import deque
from collections.abc import Iterable
from typing import Final

from opsconsole.engine.judge.alike import Known
from opsconsole.model.events import Event

KEPT: Final = 1000
_DRIFT: Final = 0.5
"""Seconds by which two consoles date one event of an engine differently."""


class EventLog:
    """The last ``KEPT`` events."""

    def __init__(self, kept: int = KEPT) -> None:
        self._events: deque[Event] = deque(maxlen=kept)
        self._view: tuple[Event, ...] | None = ()
        self._preloaded: frozenset[Event] = frozenset()
        self._adopted = Known()
        self._before = Known()
        self._newest = -math.inf

    def preload(self, events: Iterable[Event]) -> None:
        """Put earlier events in front of those added since; a repeated event is kept once."""
        present = set(self._events)
        earlier = [event for event in events if event not in present]
        self._preloaded = frozenset(earlier)
        self._before = Known(earlier)
        self._newest = max((event.at for event in earlier), default=-math.inf)
        self._events = deque((*earlier, *self._events), maxlen=self._events.maxlen)
        self._view = None

    def adopt(self, recorded: Iterable[Event]) -> None:
        """Take in what another console recorded, in place of what was made here of the same."""
        there = set(self._events)
        news = [event for event in recorded if event not in there]
        if not news:
            return
        mine = Known(self._events)
        for event in recorded:
            mine.take(event)
        same = {event: mine.same(event) for event in news}
        replaced = {old for old in same.values() if old is not None}
        for event, old in same.items():
            if old is None:
                self._adopted.add(event)
        kept = [event for event in self._events if event not in replaced]
        found = sorted([*kept, *news], key=lambda event: event.at)
        self._events = deque(found, maxlen=self._events.maxlen)
        self._view = None

    def add(self, event: Event | None) -> None:
        """Append an event; None and events already recorded, here or elsewhere, are ignored."""
        if event is None or event in self._preloaded:
            return
        if event.at <= self._newest + _DRIFT and self._before.same(event) is not None:
            # It was learnt afterwards and had been recorded when it happened.
            return
        if self._adopted.same(event) is None:
            self._events.append(event)
            self._view = None

    def view(self) -> tuple[Event, ...]:
        """All kept events, in the order in which they were added."""
        if self._view is None:
            self._view = tuple(self._events)
        return self._view
