"""The timeline in memory.

Invariant: bounded; oldest first; the tuple given out is the same object until something is added.
"""

from collections import deque
from collections.abc import Iterable
from typing import Final

from opsconsole.model.events import Event

KEPT: Final = 1000


class EventLog:
    """The last ``KEPT`` events."""

    def __init__(self, kept: int = KEPT) -> None:
        self._events: deque[Event] = deque(maxlen=kept)
        self._view: tuple[Event, ...] | None = ()
        self._preloaded: frozenset[Event] = frozenset()

    def preload(self, events: Iterable[Event]) -> None:
        """Put earlier events in front of those added since; a repeated event is kept once."""
        present = set(self._events)
        earlier = [event for event in events if event not in present]
        self._preloaded = frozenset(earlier)
        self._events = deque((*earlier, *self._events), maxlen=self._events.maxlen)
        self._view = None

    def add(self, event: Event | None) -> None:
        """Append an event; None and events already recorded are ignored."""
        if event is not None and event not in self._preloaded:
            self._events.append(event)
            self._view = None

    def view(self) -> tuple[Event, ...]:
        """All kept events, in the order in which they were added."""
        if self._view is None:
            self._view = tuple(self._events)
        return self._view
