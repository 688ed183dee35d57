"""Opening configuration files.

Invariant: only a regular file of at most ``LIMIT`` bytes of UTF-8 is read, and what is checked
about it is checked on the opened descriptor, so that it cannot be swapped in between.
"""

import os
from pathlib import Path
from typing import Final

from opsconsole import durable
from opsconsole.dataclass import dataclass
from opsconsole.ownership import Loose, looseness, looseness_of

LIMIT: Final = 1024 * 1024
"""Bytes of one configuration file."""


@dataclass(frozen=True, slots=True)
class FileText:
    """What a file holds. ``loose`` says how others could change it, '' when they cannot."""

    text: str
    loose: str = ""
    remedy: str = ""


class FileError(Exception):
    """The file cannot be read as a configuration; says why. ``line`` is 0 when not known."""

    def __init__(self, message: str, *, remedy: str = "", line: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.line = line


def read_text(path: Path) -> FileText:
    """Read ``path`` whole. Raises FileError."""
    try:
        descriptor = durable.open_file(path, os.O_RDONLY, follow=True)
    except durable.SpecialFileError:
        raise FileError("is not a regular file") from None
    except OSError as error:
        raise FileError(f"cannot be opened: {error.strerror}") from None
    with os.fdopen(descriptor, "rb") as stream:
        status = os.fstat(stream.fileno())
        raw = stream.read(LIMIT + 1)
    if len(raw) > LIMIT:
        raise FileError(f"is larger than {LIMIT // 1024} KiB")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise FileError("is not UTF-8 text", line=line) from None
    loose = _loose(status, path)
    return FileText(text, loose.how, loose.remedy)


def _loose(status: os.stat_result, path: Path) -> Loose:
    """How others could change the opened file, or put another in its place."""
    try:
        found = looseness_of(status, path) or looseness(path)
    except OSError as error:
        raise FileError(f"cannot be looked at: {error.strerror}") from None
    return found or Loose("", "")
