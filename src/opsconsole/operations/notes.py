"""Notes of people on the timeline, shared by every console that has the same state folder.

Invariant: a note is appended whole or not at all and is never changed; what a writer that died
left unfinished is passed over by readers and fenced off by the next writer. A note changes nothing
in the world, so it is refused in no mode. Layout: ``notes.jsonl``, one JSON object a line:
``{"version": 1, "at": SECONDS, "who": NAME, "host": HOST, "service": NAME, "text": WORDS}``.
"""

import json
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from opsconsole import durable
from opsconsole.errors import StateError
from opsconsole.model.events import Event, EventCode
from opsconsole.operations.state_folder import file_mode, prepare
from opsconsole.operations.who import Who, whoami
from opsconsole.text import sanitize

FILE: Final = "notes.jsonl"
VERSION: Final = 1
TEXT_LIMIT: Final = 500
"""Characters of one note."""

READ_LIMIT: Final = 1 << 20
"""Bytes that are read at once; of a longer file the end."""

_NAME_LIMIT: Final = 200
_CUT: Final = 20
"""Characters with which a cut text says how much is missing."""


@dataclass(frozen=True, slots=True)
class Note:
    """What somebody wrote down at ``at``; ``service`` is '' for what concerns all of them."""

    at: float
    who: str
    text: str
    service: str = ""
    host: str = ""

    def event(self) -> Event:
        """The note on the timeline."""
        said = f"{self.who}: {self.text}" if self.who else self.text
        return Event(self.at, EventCode.NOTE, said, service=self.service)


class NoteBook:
    """The notes in ``folder``. ``shared``: a folder that is made here is for a group."""

    def __init__(self, folder: Path, *, shared: bool) -> None:
        self._folder = folder
        self._shared = shared
        self._offset: int | None = None

    @property
    def path(self) -> Path:
        """The file."""
        return self._folder / FILE

    def add(self, text: str, service: str, at: float, who: Who) -> Note:
        """Append a note durably. Raises StateError."""
        note = Note(at, who.name, sanitize(text, limit=TEXT_LIMIT), service, who.host)
        line = json.dumps(
            {
                "version": VERSION,
                "at": note.at,
                "who": note.who,
                "host": note.host,
                "service": note.service,
                "text": note.text,
            },
            ensure_ascii=False,
        )
        prepare(self._folder, shared=self._shared)
        try:
            self._append(line.encode() + b"\n")
        except OSError as error:
            raise StateError(
                f"the note was not kept in {self.path}: {error.strerror}",
                remedy="make room on its disk, or look at the folder's owner and mode",
            ) from error
        return note

    def write(self, text: str, service: str, at: float) -> Note:
        """Keep a note of whoever runs this process. Raises StateError."""
        return self.add(text, service, at, whoami())

    def unread(self) -> tuple[Note, ...]:
        """Notes since the last call, at the first all of them, oldest first. Raises StateError."""
        try:
            with os.fdopen(durable.open_file(self.path, os.O_RDONLY), "rb") as file:
                size = os.fstat(file.fileno()).st_size
                start = self._offset if self._offset is not None else max(0, size - READ_LIMIT)
                if start >= size:
                    self._offset = size
                    return ()
                file.seek(start)
                data = file.read(READ_LIMIT)
        except FileNotFoundError:
            self._offset = 0
            return ()
        except OSError as error:
            raise StateError(f"cannot read {self.path}: {error.strerror}") from error
        whole = data.rfind(b"\n") + 1
        if not whole and len(data) == READ_LIMIT:
            whole = len(data)
        self._offset = start + whole
        return tuple(_notes(data[:whole]))

    def _append(self, line: bytes) -> None:
        mode = file_mode(self._folder)
        descriptor = durable.open_file(self.path, os.O_RDWR | os.O_APPEND, mode)
        try:
            durable.must_lock(descriptor)
            durable.append(descriptor, b"\n" + line if durable.is_cut(descriptor) else line)
        finally:
            os.close(descriptor)
        durable.sync_folder(self._folder)


def read_notes(folder: Path) -> tuple[Note, ...]:
    """Every note in ``folder``, oldest first; none where there is no file. Raises StateError."""
    return tuple(sorted(NoteBook(folder, shared=False).unread(), key=lambda note: note.at))


def _notes(data: bytes) -> Iterator[Note]:
    for line in data.splitlines():
        note = _note(line)
        if note is not None:
            yield note


def _note(line: bytes) -> Note | None:
    """One line; None where it is not whole or not one of ours."""
    try:
        document = json.loads(line)
        at = float(document["at"])
        words = [str(document[name]) for name in ("who", "text", "service", "host")]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if not math.isfinite(at) or not words[1]:
        return None
    limits = (_NAME_LIMIT, TEXT_LIMIT + _CUT, _NAME_LIMIT, _NAME_LIMIT)
    clean = (sanitize(word, limit=limit) for word, limit in zip(words, limits, strict=True))
    return Note(at, *clean)
