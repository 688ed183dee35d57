"""Whether a disk has room, asked before anything is written to it.

Invariant: 1.2 times what is needed must be free, in bytes and in inodes. A filesystem that
counts no inodes (btrfs) is asked for bytes alone.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.operations.backups.faults import BackupError, SpaceError, because, shown

MARGIN: Final = 1.2

_BLOCK: Final = 4096
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_UNITS: Final = ("B", "kB", "MB", "GB", "TB")
_STEP: Final = 1000


@dataclass(frozen=True, slots=True)
class Need:
    """What is going to be written: bytes on the disk, and files and folders."""

    bytes: int = 0
    inodes: int = 0

    def __add__(self, other: "Need") -> "Need":
        return Need(self.bytes + other.bytes, self.inodes + other.inodes)


@dataclass(frozen=True, slots=True)
class Free:
    """What a filesystem has left for this user; ``inodes`` None when it does not count them."""

    bytes: int
    inodes: int | None


def on_disk(size: int) -> int:
    """``size`` bytes as whole blocks."""
    return -(-size // _BLOCK) * _BLOCK


def free_at(folder: bytes | str | int) -> Free:
    """What is free where ``folder`` is. Raises OSError."""
    status = os.statvfs(folder)
    return Free(status.f_bavail * status.f_frsize, status.f_favail if status.f_files else None)


def free_near(folder: Path) -> Free:
    """What is free at ``folder``, or where it would be made. Raises OSError."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return free_at(bytes(folder))


def require(need: Need, folder: bytes | str, what: str, margin: float = MARGIN) -> None:
    """Return when ``margin`` times ``need`` is free at ``folder``. Raises SpaceError."""
    free = free_at(folder)
    enough = free.bytes >= need.bytes * margin
    if not enough or (free.inodes is not None and free.inodes < need.inodes * margin):
        raise SpaceError(_sentence(what, need, free, folder), remedy="make room first")


@contextmanager
def reporting_full(what: str, need: Need, folder: bytes | str) -> Iterator[None]:
    """Say need and free when the disk fills up in the block; other OSErrors by their own words."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            where = f" at {shown(os.fsencode(error.filename))}" if error.filename else ""
            raise BackupError(f"{what} failed{where}: {because(error)}") from error
        sentence = f"the disk filled up: {_sentence(what, need, free_at(folder), folder)}"
        raise SpaceError(sentence, remedy="make room first") from error


def size_text(size: int) -> str:
    """``1.2 GB``, ``512 B``; decimal units."""
    value = float(size)
    for unit in _UNITS[:-1]:
        if value < _STEP - 0.05:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= _STEP
    return f"{value:.1f} {_UNITS[-1]}"


def files_text(count: int) -> str:
    """``1 file``, ``2 files``."""
    return "1 file" if count == 1 else f"{count} files"


def _sentence(what: str, need: Need, free: Free, folder: bytes | str) -> str:
    inodes = "" if free.inodes is None else f" and {free.inodes} files"
    return (
        f"{what} needs {size_text(round(need.bytes * MARGIN))} and "
        f"{round(need.inodes * MARGIN)} files, free at {shown(folder)} are "
        f"{size_text(free.bytes)}{inodes}"
    )
