"""Notes: whole or absent, seen by every console, kept in every mode."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from opsconsole.errors import StateError
from opsconsole.operations.notes import TEXT_LIMIT, NoteBook, read_notes
from opsconsole.operations.state_place import FolderPlace
from opsconsole.operations.who import whoami
from opsconsole.render.timeline.words import words

WRITER = """
import sys
from pathlib import Path
from opsconsole.operations.notes import NoteBook
from opsconsole.operations.state_place import FolderPlace
book = NoteBook(FolderPlace(Path(sys.argv[1])))
for number in range(50):
    book.write(f"{sys.argv[2]} {number} " + "x" * 300, "api", float(number))
"""


@pytest.fixture
def there(tmp_path: Path) -> FolderPlace:
    return FolderPlace(tmp_path / "state")


def said(there: FolderPlace) -> list[str]:
    """The words of every note."""
    return [words(event).partition(": ")[2] for event in read_notes(there)]


def test_a_note_of_one_console_is_read_by_another(there: FolderPlace) -> None:
    mine, other = NoteBook(there), NoteBook(there)
    assert other.unread() == ()
    assert not there.folder.exists(), "who only looks makes nothing"
    mine.write("rolled \x1b[31mback", "api", 12.0)
    (event,) = other.unread()
    assert words(event) == f"{whoami().name}: rolled ␛[31mback"
    assert (event.at, event.service) == (12.0, "api")
    assert other.unread() == ()
    mine.write("again", "", 13.0)
    assert [words(each).partition(": ")[2] for each in other.unread()] == ["again"]
    assert said(there) == ["rolled ␛[31mback", "again"]
    for book in (mine, other):
        book.close()
        book.close()


def test_a_long_note_is_cut(there: FolderPlace) -> None:
    book = NoteBook(there)
    note = book.write("y" * 5000, "", 1.0)
    book.close()
    assert len(note.text) < TEXT_LIMIT + 20
    assert note.text.count("…") == 1


def test_writers_at_once_lose_nothing(there: FolderPlace) -> None:
    book = NoteBook(there)
    book.write("first", "", 0.0)
    book.close()
    argv = [sys.executable, "-c", WRITER, str(there.folder)]
    writers = [subprocess.Popen([*argv, name]) for name in ("a", "b", "c")]
    assert [each.wait() for each in writers] == [0, 0, 0]
    told = [each.split(" x")[0] for each in said(there)]
    wanted = {f"{name} {number}" for name in "abc" for number in range(50)}
    assert set(told) == wanted | {"first"}
    assert len(told) == 151


def test_a_full_disk_is_said_and_leaves_what_was_there(there: FolderPlace) -> None:
    book = NoteBook(there)
    book.write("first", "", 1.0)
    program = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from opsconsole.operations.notes import NoteBook\n"
        "from opsconsole.operations.state_place import FolderPlace\n"
        "there = FolderPlace(Path(sys.argv[1]))\n"
        "book = NoteBook(there)\n"
        "book.unread()\n"
        "size = (there.folder / 'journal.db-wal').stat().st_size\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (size,) * 2)\n"
        "try:\n"
        "    book.write('second', '', 2.0)\n"
        "except Exception as error:\n"
        "    print(type(error).__name__, error)\n"
    )
    argv = [sys.executable, "-c", program, str(there.folder)]
    told = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    book.close()
    assert told.startswith("StateError the note was not kept"), told
    assert said(there) == ["first"]


def test_a_folder_that_everybody_may_write_is_not_used(there: FolderPlace) -> None:
    there.folder.mkdir()
    os.chmod(there.folder, 0o777)
    with pytest.raises(StateError):
        NoteBook(there).write("x", "", 1.0)
