"""Notes of every console, brought to this one's timeline.

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
"""Seconds for one look at them."""

NOTE_LIMIT: Final = 500

EARLIER: Final = 200
"""Notes of before this console that are told when it begins."""


class Notes(Protocol):
    """Where notes are kept; ``operations.notes`` has the real one. Raises StateError."""

    def write(self, text: str, service: str, at: float) -> object:
        """Keep a note of whoever runs this process."""
        ...

    def unread(self) -> tuple[Event, ...]:
        """Notes since the last call, of every console."""
        ...

    def close(self) -> None:
        """Give back what is held."""
        ...


class NoteWatch:
    """Follows ``notes``; ``tell`` puts an event on the timeline. On the engine's loop."""

    def __init__(self, notes: Notes | None, clock: Clock, tell: Callable[[Event], object]) -> None:
        self._notes = notes
        self._clock = clock
        self._tell = tell
        self._executor = BoundedExecutor("notes", 1)
        self._trouble = ""
        self._given: deque[tuple[str, str]] = deque()

    def take(self, text: str, service: str) -> None:
        """Have a note kept by the next look; from any thread."""
        self._given.append((text, service))

    async def write(self, text: str, service: str) -> None:
        """Keep a note; it is told once it is."""
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
        self._tell(Event(at, EventCode.NOTE, said, service=service))
        if trouble:
            self._tell(Event(at, EventCode.NOTE_UNSHARED, trouble, "", "notes", State.UNKNOWN))

    async def follow(self) -> None:
        """Keep what was given, and tell what was written, since the last look."""
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
            self._tell(note)

    def close(self) -> None:
        """Let the thread go."""
        self._executor.close()
        if self._notes is not None:
            self._notes.close()

    def _lost(self, said: str) -> None:
        if said != self._trouble:
            at = self._clock.now()
            self._tell(Event(at, EventCode.NOTES_UNSEEN, said, "", "notes", State.UNKNOWN))
        self._trouble = said
