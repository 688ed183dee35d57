"""Who else could change a file that is obeyed: a configuration, a program, a state folder.

Invariant: OpenSSH's rule (``misc.c``, ``safe_path``): what is obeyed, and every folder above it,
belongs to this user or to root and is written by nobody else. A folder in which only owners may
rename and remove (the sticky bit, as in ``/tmp``) does for what is in it.
"""

import os
import stat
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Loose:
    """How others could change it: ``/opt/x can be written by others (mode 0775)``, and the cure."""

    how: str
    remedy: str


def looseness_of(status: os.stat_result, path: Path) -> Loose | None:
    """How others could write what has ``status`` itself; None when they cannot."""
    mode = stat.S_IMODE(status.st_mode)
    if status.st_uid not in {0, os.geteuid()}:
        return Loose(f"belongs to user {status.st_uid}", f"chown {os.geteuid()} {path}")
    if mode & 0o022:
        return Loose(f"can be written by others (mode {mode:04o})", f"chmod go-w {path}")
    return None


def looseness(path: Path) -> Loose | None:
    """How others could change or replace what is at ``path``; None when they cannot.

    Where ``path`` is a symbolic link, the folders of both of its ends count. Raises OSError.
    """
    whole = path.resolve(strict=True)
    found = looseness_of(whole.stat(), whole)
    if found is not None:
        return Loose(f"{whole} {found.how}", found.remedy)
    return _above(whole) or _above(path.parent.resolve(strict=True) / path.name)


def _above(path: Path) -> Loose | None:
    """How others could put something else in the place of ``path``, by its folders."""
    for folder in path.parents:
        status = folder.stat()
        if status.st_uid == 0 and status.st_mode & stat.S_ISVTX:
            continue
        found = looseness_of(status, folder)
        if found is not None:
            return Loose(f"its folder {folder} {found.how}", found.remedy)
    return None
