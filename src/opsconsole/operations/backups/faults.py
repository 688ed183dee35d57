"""What can go wrong with a backup, each with its own class and its own sentence.

Invariant: every message names what it is about, in text that is safe for a terminal, and what
to do next where there is something to do.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from opsconsole.errors import OpsconsoleError
from opsconsole.text import sanitize, sanitize_bytes

_SHOWN = 300


class BackupError(OpsconsoleError):
    """A backup cannot be made, read or restored."""


class SpaceError(BackupError):
    """A disk has too little room; the message says need and free."""


class DamagedError(BackupError):
    """A backup is not what was written; nothing of it may be used."""


class SchemaError(BackupError):
    """A backup was written by a later version of this program."""


class UnknownBackupError(BackupError):
    """No whole backup has this id; the message names the newest that are whole."""


class HostileArchiveError(BackupError):
    """An archive holds something that would reach outside of it, or that cannot be meant."""


class BusyError(BackupError):
    """Another process is writing to the same folder of backups."""


def shown(path: bytes | str) -> str:
    """A file's name as it may be printed."""
    if isinstance(path, bytes):
        return sanitize_bytes(path, limit=_SHOWN)
    return sanitize(path, limit=_SHOWN)


def because(error: OSError) -> str:
    """The system's words for an error, in lower case."""
    return (error.strerror or type(error).__name__).lower()


@contextmanager
def reporting(what: str, remedy: str = "") -> Iterator[None]:
    """Turn an OSError within the block into a BackupError that begins with ``what``."""
    try:
        yield
    except OSError as error:
        raise BackupError(f"{what}: {because(error)}", remedy=remedy) from error
