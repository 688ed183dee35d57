"""Notes: whole or absent, seen by every console, kept in every mode."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from opsconsole.errors import StateError
from opsconsole.operations.notes import TEXT_LIMIT, Note, NoteBook, read_notes
from opsconsole.operations.who import whoami
from opsconsole.render.event_words import words

WRITER = """
import sys
from pathlib import Path
from opsconsole.operations.notes import NoteBook
book = NoteBook(Path(sys.argv[1]), shared=False)
for number in range(50):
    book.write(f"{sys.argv[2]} {number} " + "x" * 300, "api", float(number))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state"


def test_a_note_of_one_console_is_read_by_another(folder: Path) -> None:
    mine, other = NoteBook(folder, shared=False), NoteBook(folder, shared=False)
    assert other.unread() == ()
    mine.write("rolled \x1b[31mback", "api", 12.0)
    (note,) = other.unread()
    assert note == Note(12.0, whoami().name, "rolled ␛[31mback", "api", whoami().host)
    assert words(note.event()) == f"{whoami().name}: rolled ␛[31mback"
    assert note.event().service == "api"
    assert other.unread() == ()
    mine.write("again", "", 13.0)
    assert [each.text for each in other.unread()] == ["again"]
    assert [each.text for each in read_notes(folder)] == ["rolled ␛[31mback", "again"]


def test_the_file_is_for_its_owner_alone(folder: Path) -> None:
    book = NoteBook(folder, shared=False)
    book.write("hello", "", 1.0)
    assert book.path.stat().st_mode & 0o777 == 0o600


def test_what_a_dead_writer_left_is_passed_over_and_fenced_off(folder: Path) -> None:
    book = NoteBook(folder, shared=False)
    book.write("first", "", 1.0)
    with book.path.open("ab") as file:
        file.write(b'{"version": 1, "at": 2.0, "te')
    reader = NoteBook(folder, shared=False)
    assert [each.text for each in reader.unread()] == ["first"]
    book.write("second", "", 3.0)
    assert [each.text for each in reader.unread()] == ["second"]


@pytest.mark.parametrize(
    "line",
    [b"", b"{}", b"[]", b"7", b"\xff\xfe", b'{"at": "x"}', b"[" * 5000, b'{"at": 1e999, "who": 1}'],
)
def test_lines_of_others_are_no_notes(folder: Path, line: bytes) -> None:
    book = NoteBook(folder, shared=False)
    book.write("mine", "", 1.0)
    with book.path.open("ab") as file:
        file.write(line + b"\n")
    assert [each.text for each in read_notes(folder)] == ["mine"]


def test_a_long_note_is_cut_and_a_note_on_file_is_not_trusted(folder: Path) -> None:
    book = NoteBook(folder, shared=False)
    book.write("y" * 5000, "", 1.0)
    document = {"at": 2.0, "who": "\x1b]0;x\x07", "text": "\x9b31mred", "service": "", "host": ""}
    with book.path.open("a") as file:
        file.write(json.dumps(document) + "\n")
    long, hostile = read_notes(folder)
    assert len(long.text) < TEXT_LIMIT + 20
    assert long.text.count("…") == 1
    assert "\x1b" not in hostile.who
    assert "\x9b" not in hostile.text


def test_writers_at_once_lose_nothing(folder: Path) -> None:
    NoteBook(folder, shared=False).write("first", "", 0.0)
    argv = [sys.executable, "-c", WRITER, str(folder)]
    writers = [subprocess.Popen([*argv, name]) for name in ("a", "b", "c")]
    assert [each.wait(30) for each in writers] == [0, 0, 0]
    told = [each.text.split(" x")[0] for each in read_notes(folder)]
    wanted = {f"{name} {number}" for name in "abc" for number in range(50)}
    assert set(told) == wanted | {"first"}
    assert len(told) == 151


def test_a_full_disk_is_said_and_leaves_what_was_there(folder: Path) -> None:
    book = NoteBook(folder, shared=False)
    book.write("first", "", 1.0)
    size = book.path.stat().st_size
    program = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from opsconsole.operations.notes import NoteBook\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)\n"
        "try:\n"
        "    NoteBook(Path(sys.argv[1]), shared=False).write('second', '', 2.0)\n"
        "except Exception as error:\n"
        "    print(type(error).__name__, error)\n"
    )
    argv = [sys.executable, "-c", program, str(folder), str(size + 20)]
    told = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    assert told.startswith("StateError the note was not kept"), told
    assert [each.text for each in read_notes(folder)] == ["first"]


def test_a_folder_that_everybody_may_write_is_not_used(folder: Path) -> None:
    folder.mkdir()
    os.chmod(folder, 0o777)
    with pytest.raises(StateError):
        NoteBook(folder, shared=False).write("x", "", 1.0)
