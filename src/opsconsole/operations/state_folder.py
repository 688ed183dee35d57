"""Where the console keeps its own state on disk, and with whom it is shared.

Invariant: the folder is never writable by everybody; it is this user's alone (0700), or belongs
to a group whose members share locks, journal and audit (2770). Layout:

* ``journal.db``      operations, steps, audit, promises, notes, verdicts seen, runs of runbooks
* ``locks/``          one lock for each service, with a JSON file beside it
* ``runners/``        one lock for each operation and each run of a runbook, while it is carried out
* ``present/``        one file for each console that is open, locked by it
* ``mandates/``       for each user what that user's processes carry out, 0700
* ``logs/``           what a runner or a keeper printed, 0600
* ``recordings/``     what the flight recorder keeps (SQLite), with a lock for each
"""

import os
import stat
from pathlib import Path
from typing import Final

from opsconsole import links
from opsconsole.config.settings import Settings
from opsconsole.errors import StateError

FOLDERS: Final = ("locks", "runners", "mandates", "logs")

_PRIVATE: Final = 0o700
_SHARED: Final = 0o2770


def state_folder(settings: Settings) -> Path:
    """Where the folder of ``settings`` is; nothing is made or looked at."""
    if settings.state_dir:
        return Path(settings.state_dir).expanduser().absolute()
    home = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(home).absolute() / "opsconsole"


def prepare(folder: Path, *, shared: bool) -> Path:
    """Make ``folder`` and what is in it, or check what is there. Raises StateError.

    A folder that is made here is for a group when ``shared``; one that is there keeps its mode.
    """
    try:
        # Nothing is made where another user's link leads.
        there = next(each for each in (folder, *folder.parents) if each.exists())
        _check_kind(there)
        os.close(links.open_folder(str(there)))
        if not folder.exists():
            folder.parent.mkdir(parents=True, exist_ok=True)
            folder.mkdir(exist_ok=True)
            folder.chmod(_SHARED if shared else _PRIVATE)
        _check(folder)
        for name in FOLDERS:
            part = folder / name
            if not part.exists():
                part.mkdir(exist_ok=True)
                part.chmod(_SHARED if is_shared(folder) else _PRIVATE)
            # A folder, and nobody else's link is on the way.
            os.close(links.open_folder(str(part)))
    except OSError as error:
        raise StateError(
            f"cannot use the state folder {folder}: {error.strerror}",
            remedy="set state_dir to a folder that this user may write",
        ) from error
    return folder


def is_shared(folder: Path) -> bool:
    """Whether a group writes here too."""
    return bool(folder.stat().st_mode & stat.S_IWGRP)


def file_mode(folder: Path) -> int:
    """The mode of a file in ``folder``: 0660 where it is shared, else 0600."""
    return 0o660 if is_shared(folder) else 0o600


def _check_kind(folder: Path) -> None:
    if not folder.is_dir():
        raise StateError(f"{folder} is not a folder", remedy="set state_dir to a folder")


def _check(folder: Path) -> None:
    _check_kind(folder)
    status = folder.stat()
    shared = status.st_mode & stat.S_IWGRP
    if status.st_uid not in {0, os.geteuid()} and not shared:
        raise StateError(
            f"the state folder {folder} belongs to user {status.st_uid}",
            remedy="set state_dir to a folder of this user, or share one with a group",
        )
    if status.st_mode & stat.S_IWOTH:
        raise StateError(
            f"everybody may write to the state folder {folder}", remedy=f"chmod o-w {folder}"
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise StateError(
            f"this user may not write to the state folder {folder}",
            remedy="join its group, or set state_dir to another folder",
        )
