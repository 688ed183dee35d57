"""Who else could change a file that is obeyed: a configuration, a program, a state folder.

Invariant: OpenSSH's rule (``misc.c``, ``safe_path``): what is obeyed, and every folder above it,
belongs to this user or to root and is written by nobody else; so it is with each symbolic link on
the way and the folders that it is in. A folder in which only owners may rename and remove (the
sticky bit, as in ``/tmp``) does for what is in it. A group that is this user's own, with nobody
else in it, is nobody else, as in Debian's OpenSSH (``user-group-modes.patch``): where each user has
one, the umask is 002.
"""

import errno
import grp
import os
import pwd
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Protocol

from opsconsole.dataclass import dataclass

_MOST_LINKS: Final = 40


@dataclass(frozen=True, slots=True)
class Loose:
    """How others could change it: ``/opt/x can be written by others (mode 0775)``, and the cure."""

    how: str
    remedy: str


class Status(Protocol):
    """Who may do what with a file."""

    @property
    def st_mode(self) -> int: ...
    @property
    def st_uid(self) -> int: ...
    @property
    def st_gid(self) -> int: ...


class Ground(Protocol):
    """Where files are: this host, or another one. Raises OSError."""

    @property
    def user(self) -> int:
        """The id of the user that one is there."""
        ...

    def is_own_group(self, group: int) -> bool:
        """Whether ``group`` is this user's own and has nobody else in it."""
        ...

    def lstat(self, path: Path) -> Status:
        """Of a file, or of the link itself."""
        ...

    def readlink(self, path: Path) -> Path:
        """What a link says."""
        ...


class _Here(Ground):
    """This host."""

    @property
    def user(self) -> int:
        return os.geteuid()

    def is_own_group(self, group: int) -> bool:
        return _is_own_group(group)

    def lstat(self, path: Path) -> Status:
        return path.lstat()

    def readlink(self, path: Path) -> Path:
        return path.readlink()


_HERE: Final = _Here()


def looseness_of(status: Status, path: Path, ground: Ground = _HERE) -> Loose | None:
    """How others could write what has ``status`` itself; None when they cannot."""
    mode = stat.S_IMODE(status.st_mode)
    if status.st_uid not in {0, ground.user}:
        return Loose(f"belongs to user {status.st_uid}", f"chown {ground.user} {path}")
    if mode & 0o002 or (mode & 0o020 and not ground.is_own_group(status.st_gid)):
        return Loose(f"can be written by others (mode {mode:04o})", f"chmod go-w {path}")
    return None


def looseness(path: Path, ground: Ground = _HERE) -> Loose | None:
    """How others could change or replace what is at ``path``; None when they cannot.

    Raises OSError.
    """
    for place in passed(path.absolute(), ground):
        status = ground.lstat(place)
        is_link = stat.S_ISLNK(status.st_mode)
        # A link has no mode of its own, and is written by anyone who may write to its folder.
        found = looseness_of(status, place, ground) if not is_link else None
        if is_link and status.st_uid not in {0, ground.user}:
            found = Loose(f"is a link of user {status.st_uid}", f"replace the link {place}")
        if found is not None:
            return Loose(f"{place} {found.how}", found.remedy)
        found = _above(place, ground)
        if found is not None:
            return found
    return None


def _is_own_group(group: int) -> bool:
    """Whether ``group`` is this user's own and has nobody else in it. Root's never counts."""
    user = os.geteuid()
    try:
        account, found = pwd.getpwuid(user), grp.getgrgid(group)
    except KeyError:
        return False
    return (
        user != 0
        and (account.pw_gid, account.pw_name) == (group, found.gr_name)
        and set(found.gr_mem) <= {account.pw_name}
        and all(each.pw_uid == user for each in pwd.getpwall() if each.pw_gid == group)
    )


def passed(path: Path, ground: Ground = _HERE) -> Iterator[Path]:
    """What ``path`` leads to, then each link on the way, by paths without links above them.

    Raises OSError.
    """
    links: list[Path] = []
    done, left = Path("/"), list(reversed(path.parts[1:]))
    while left:
        part = left.pop()
        here = done.parent if part == ".." else done / part
        if part == ".." or not _is_link(here, ground):
            done = here
            continue
        links.append(here)
        if len(links) > _MOST_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
        leads_to = ground.readlink(here)
        if leads_to.is_absolute():
            done = Path("/")
        left += reversed(leads_to.parts[leads_to.is_absolute() :])
    yield done
    yield from links


def _is_link(path: Path, ground: Ground) -> bool:
    try:
        return stat.S_ISLNK(ground.lstat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def _above(path: Path, ground: Ground) -> Loose | None:
    """How others could put something else in place of ``path``, by its folders."""
    for folder in path.parents:
        status = ground.lstat(folder)
        if status.st_uid == 0 and status.st_mode & stat.S_ISVTX:
            continue
        found = looseness_of(status, folder, ground)
        if found is not None:
            return Loose(f"its folder {folder} {found.how}", found.remedy)
    return None
