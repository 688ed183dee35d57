"""Notes on the timeline: of every console, and of this one where they cannot be kept."""

from pathlib import Path

from opsconsole.engine.desks.note_watch import EARLIER, NoteWatch
from opsconsole.errors import StateError
from opsconsole.model.events import Event, EventKind
from opsconsole.operations.notes import NoteBook
from opsconsole.operations.state_place import FolderPlace
from opsconsole.render.timeline.words import words
from tests.fakes import FakeClock


class Broken:
    """A folder that cannot be used."""

    def write(self, text: str, service: str, at: float) -> object:
        raise StateError("the note was not kept", remedy="make room")

    def unread(self) -> tuple[Event, ...]:
        raise StateError("cannot read the journal")

    def close(self) -> None:
        """Nothing is held."""


async def test_a_note_is_told_once_by_the_console_that_wrote_it_and_by_others(
    tmp_path: Path, clock: FakeClock
) -> None:
    mine: list[Event] = []
    theirs: list[Event] = []
    folder = tmp_path / "state"
    watch = NoteWatch(NoteBook(FolderPlace(folder)), clock, mine.append)
    other = NoteWatch(NoteBook(FolderPlace(folder)), clock, theirs.append)
    await other.follow()
    await watch.write("rolled back", "api")
    await watch.follow()
    await other.follow()
    assert mine == theirs
    (event,) = mine
    assert (event.kind, event.service, event.at) == (EventKind.NOTE, "api", clock.now())
    assert words(event).endswith(": rolled back")
    watch.close()
    other.close()


async def test_a_note_that_cannot_be_kept_is_on_this_console_with_the_reason(
    clock: FakeClock,
) -> None:
    told: list[Event] = []
    watch = NoteWatch(Broken(), clock, told.append)
    await watch.write("rolled \x1b[31mback", "api")
    assert [words(each) for each in told] == [
        "rolled ␛[31mback",
        "the note is on this console alone: the note was not kept; make room",
    ]
    watch.close()


async def test_notes_that_cannot_be_read_are_said_once(clock: FakeClock) -> None:
    told: list[Event] = []
    watch = NoteWatch(Broken(), clock, told.append)
    await watch.follow()
    await watch.follow()
    assert [words(each) for each in told] == [
        "notes of other consoles are not seen: cannot read the journal"
    ]
    watch.close()


async def test_of_many_old_notes_the_latest_are_told(tmp_path: Path, clock: FakeClock) -> None:
    book = NoteBook(FolderPlace(tmp_path / "state"))
    for number in range(EARLIER + 50):
        book.write(str(number), "", float(number))
    book.close()
    told: list[Event] = []
    watch = NoteWatch(NoteBook(FolderPlace(tmp_path / "state")), clock, told.append)
    await watch.follow()
    assert len(told) == EARLIER
    assert words(told[-1]).endswith(f": {EARLIER + 49}")
    watch.close()
