"""Shows the notes of every console on this console's timeline.

Invariant: notes are read and written in a thread with a deadline, never on the engine's loop. A
note that could not be kept is on this console's timeline all the same, with the reason.
"""

from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

from opsconsole.clock import Clock
from opsconsole.errors import StateError
from opsconsole.model.events import Event, EventCode
from opsconsole.model.state import State
from opsconsole.text import sanitize
from opsconsole.threads import BoundedExecutor, QueueFullError

DEADLINE: Final = 5.0
"""Deadline for one look at the notes, in seconds."""

NOTE_LIMIT: Final = 500

EARLIER: Final = 200
"""Number of older notes that are shown at the start."""


class Notes(Protocol):
    """Where notes are kept; ``operations.notes`` has the real one. Raises StateError."""

    def write(self, text: str, service: str, at: float) -> object:
        """Keep a note, written by the user of this process."""
        ...

    def unread(self) -> tuple[Event, ...]:
        """Notes since the last call, of every console."""
        ...

    def close(self) -> None:
        """Release everything that is held."""
        ...


class NoteWatch:
    """Follows ``notes``; ``add_event`` takes the events. Lives on the engine's loop."""

    def __init__(
        self, notes: Notes | None, clock: Clock, add_event: Callable[[Event], object]
    ) -> None:
        self._notes = notes
        self._clock = clock
        self._add_event = add_event
        self._executor = BoundedExecutor("notes", 1)
        self._trouble = ""
        self._given: deque[tuple[str, str]] = deque()

    def take(self, text: str, service: str) -> None:
        """Queue a note to be kept at the next look. Call it from any thread."""
        self._given.append((text, service))

    async def write(self, text: str, service: str) -> None:
        """Keep a note; it is on the timeline once it is kept."""
        at = self._clock.now()
        trouble = ""
        if self._notes is not None:
            notes = self._notes
            try:
                await self._executor.run(lambda: notes.write(text, service, at), deadline=DEADLINE)
                await self.follow()
                return
            except (StateError, TimeoutError, QueueFullError) as error:
                trouble = str(error)
        said = sanitize(text, limit=NOTE_LIMIT)
        self._add_event(Event(at, EventCode.NOTE, said, service=service))
        if trouble:
            self._add_event(Event(at, EventCode.NOTE_UNSHARED, trouble, "", "notes", State.UNKNOWN))

    async def follow(self) -> None:
        """Keep the queued notes, and show the notes written since the last look."""
        while self._given:
            await self.write(*self._given.popleft())
        if self._notes is None:
            return
        try:
            notes = await self._executor.run(self._notes.unread, deadline=DEADLINE)
        except (StateError, TimeoutError, QueueFullError) as error:
            self._lost(str(error))
            return
        self._trouble = ""
        for note in notes[-EARLIER:]:
            self._add_event(note)

    def close(self) -> None:
        """Release the thread."""
        self._executor.close()
        if self._notes is not None:
            self._notes.close()

    def _lost(self, said: str) -> None:
        if said != self._trouble:
            at = self._clock.now()
            self._add_event(Event(at, EventCode.NOTES_UNSEEN, said, "", "notes", State.UNKNOWN))
        self._trouble = said
