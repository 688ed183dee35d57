"""Reaching a file by its path, component by component, past no link that others could turn.

Invariant: a symbolic link that belongs neither to root nor to this user is not followed, wherever
in the path it stands and whatever it leads to: its owner would choose what this user reads or
writes. Each component is looked up in the descriptor of the folder before it, and a link is judged
on a descriptor of its own, so that none is exchanged between the look and the step.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from opsconsole.dataclass import dataclass

_ENTER: Final = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_HOLD: Final = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_MOST: Final = 40
"""Links on one way, as in the kernel."""


class ForeignLinkError(OSError):
    """Another user's symbolic link is on the way."""

    def __init__(self, owner: int, name: str, path: str) -> None:
        what = f"its link {name} belongs to user {owner} and is not followed"
        super().__init__(errno.ELOOP, what, path)


@dataclass(frozen=True, slots=True)
class Located:
    """A name in an open folder, which no link of another user led to but those of ``led_by``."""

    folder: int
    name: str
    led_by: frozenset[int] = frozenset()


@contextmanager
def located(path: str, *, follow: bool = False, foreign: bool = False) -> Iterator[Located]:
    """Where ``path`` is; the last component is resolved as well to ``follow``, and may be missing.

    With ``foreign`` other users' links are followed, and their owners returned. Raises OSError.
    """
    way = _Way(path, foreign=foreign)
    try:
        yield way.walked(follow=follow)
    finally:
        os.close(way.folder)


def open_folder(path: str) -> int:
    """A descriptor of the folder at ``path``, to be read, synchronised and looked up in."""
    with located(path, follow=True) as found:
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            return os.open(found.name, flags, dir_fd=found.folder)
        except OSError as error:
            error.filename = path
            raise


class _Way:
    """One path on its way; ``folder`` is where it has come to."""

    def __init__(self, path: str, *, foreign: bool) -> None:
        self._path, self._foreign = path, foreign
        self._owners: set[int] = set()
        self._links = 0
        self.folder = os.open("/" if path.startswith("/") else ".", _ENTER)

    def walked(self, *, follow: bool) -> Located:
        left = _parts(self._path)
        try:
            while left:
                name = left.pop()
                if not left and not follow:
                    return Located(self.folder, name, frozenset(self._owners))
                leads_to = self._link(name) if not left else self._entered(name)
                if leads_to is not None:
                    left += _parts(leads_to)
                elif not left:
                    return Located(self.folder, name, frozenset(self._owners))
        except OSError as error:
            error.filename = self._path
            raise
        return Located(self.folder, ".", frozenset(self._owners))

    def _entered(self, name: str) -> str | None:
        """Go into a folder; where ``name`` is a link, what it holds."""
        try:
            opened = os.open(name, _ENTER, dir_fd=self.folder)
        except NotADirectoryError:
            leads_to = self._link(name)
            if leads_to is None:
                raise
            return leads_to
        self._go(opened)
        return None

    def _link(self, name: str) -> str | None:
        """What the link of that name holds; None where it is none, or nothing is there."""
        try:
            link = os.open(name, _HOLD, dir_fd=self.folder)
        except FileNotFoundError:
            return None
        try:
            status = os.fstat(link)
            if not stat.S_ISLNK(status.st_mode):
                return None
            self._judge(status.st_uid, name)
            leads_to = os.readlink("", dir_fd=link)
        finally:
            os.close(link)
        if leads_to.startswith("/"):
            self._go(os.open("/", _ENTER))
        return leads_to

    def _judge(self, owner: int, name: str) -> None:
        self._links += 1
        if self._links > _MOST:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        if owner in {0, os.geteuid()}:
            return
        if not self._foreign:
            raise ForeignLinkError(owner, name, self._path)
        self._owners.add(owner)

    def _go(self, opened: int) -> None:
        os.close(self.folder)
        self.folder = opened


def _parts(path: str) -> list[str]:
    """The components of a path, the last one first."""
    return [part for part in reversed(path.split("/")) if part not in {"", "."}]
