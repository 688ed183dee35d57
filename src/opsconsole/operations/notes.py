"""Notes of people on the timeline, shared by every console that has the same state.

Invariant: a note is kept whole or not at all and is never changed. A note changes nothing in the
world, so it is refused in no mode.
"""

from typing import Final

from opsconsole.errors import StateError
from opsconsole.model.events import Event, EventCode
from opsconsole.operations.journal.records import Note, Scope
from opsconsole.operations.state_place import LateJournal, StatePlace
from opsconsole.operations.who import Who, whoami
from opsconsole.text import sanitize

TEXT_LIMIT: Final = 500
"""Characters of one note."""

MARK: Final = "!"
"""What a note begins with that is to be handed over."""


class NoteBook:
    """The notes of one state; its journal is opened when it is first needed."""

    def __init__(self, state: StatePlace, scope: Scope | None = None) -> None:
        self._journal = LateJournal(state, scope)
        self._read = 0

    def add(self, text: str, service: str, at: float, who: Who) -> Note:
        """Keep a note. Raises StateError."""
        note = Note(at, who.name, sanitize(text, limit=TEXT_LIMIT), service, who.host)
        try:
            self._journal.open().add_note(note)
        except StateError as error:
            raise StateError(f"the note was not kept: {error.what}", remedy=error.remedy) from error
        return note

    def write(self, text: str, service: str, at: float) -> Note:
        """Keep a note of the user who runs this process. Raises StateError."""
        return self.add(text, service, at, whoami())

    def unread(self) -> tuple[Event, ...]:
        """Notes since the last call, at the first the newest ones, oldest first.

        Nothing is made where there is no journal. Raises StateError.
        """
        if not self._journal.is_there():
            return ()
        found = self._journal.open().notes(self._read)
        if found:
            self._read = found[-1][0]
        return tuple(event_of(note) for _, note in found)

    def close(self) -> None:
        """Release the journal; idempotent."""
        self._journal.close()


def event_of(note: Note) -> Event:
    """A note on the timeline; one that begins with ``!`` is handed over."""
    said = f"{note.who}: {note.text}" if note.who else note.text
    name = MARK if note.text.startswith(MARK) else ""
    return Event(note.at, EventCode.NOTE, said, service=note.service, name=name)


def read_notes(state: StatePlace, scope: Scope | None = None) -> tuple[Event, ...]:
    """The newest notes of a state on the timeline, by when they were made. Raises StateError."""
    book = NoteBook(state, scope)
    try:
        return tuple(sorted(book.unread(), key=lambda event: event.at))
    finally:
        book.close()
