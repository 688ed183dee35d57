"""Replacing one name by another in one step, and back.

Invariant: at every instant the name is the old thing or the fresh thing, complete; where the
filesystem cannot exchange two names there is an instant without either, which ``undo`` and
``finish`` repair. Both look at what is there, by device and inode, so that each may be called at
any time, after any crash, more than once. Nothing old is ever deleted.
"""

import ctypes
import errno
import os
from collections.abc import Callable
from functools import cache
from typing import Final

from opsconsole import links
from opsconsole.dataclass import dataclass

_NOREPLACE: Final = 1
_EXCHANGE: Final = 2
_UNSUPPORTED: Final = frozenset({errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP})

Identity = tuple[int, int]
"""Device and inode."""


@dataclass(frozen=True, slots=True)
class Target:
    """A path that is being replaced. ``fresh`` is None before it is extracted, ``old`` when
    nothing was there. ``staging`` and ``before`` are names beside the path.
    """

    path: bytes
    staging: bytes
    before: bytes
    fresh: Identity | None = None
    old: Identity | None = None

    @property
    def parent(self) -> bytes:
        """The folder that all three names are in."""
        return os.path.dirname(self.path) or b"/"

    @property
    def name(self) -> bytes:
        """The last part of the path."""
        return os.path.basename(self.path)


def open_parent(target: Target) -> int:
    """A descriptor of the target's folder; this user's and root's links above it are followed."""
    return links.open_folder(os.fsdecode(target.parent))


def identity(name: bytes, folder: int) -> Identity | None:
    """What is at ``name``, None when nothing is."""
    try:
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def is_switched(target: Target, folder: int) -> bool:
    """Whether the fresh thing is at the path."""
    return target.fresh is not None and identity(target.name, folder) == target.fresh


def switch(target: Target, folder: int) -> None:
    """Put the fresh thing at the path, and keep the old one as ``before``. Raises OSError."""
    if target.old is None:
        move(target.staging, target.name, folder)
    elif exchange(target.name, target.staging, folder):
        move(target.staging, target.before, folder)
    else:
        move(target.name, target.before, folder)
        move(target.staging, target.name, folder)
    os.fsync(folder)


def undo(target: Target, folder: int) -> None:
    """Put the old thing back at the path, the fresh one at ``staging``. Raises OSError."""
    kept = _where(target.old, (target.before, target.staging), folder)
    if is_switched(target, folder):
        if target.old is None:
            move(target.name, target.staging, folder)
        elif kept is not None:
            _put_back(target, kept, folder)
    elif kept is not None and identity(target.name, folder) is None:
        move(kept, target.name, folder)
    os.fsync(folder)


def finish(target: Target, folder: int) -> None:
    """Complete a switch that was cut off after the path was replaced. Raises OSError."""
    if target.old is not None and identity(target.staging, folder) == target.old:
        move(target.staging, target.before, folder)
        os.fsync(folder)


def move(source: bytes, target: bytes, folder: int) -> None:
    """Rename, never over something that is there. Raises OSError."""
    try:
        _renameat2(source, target, folder, _NOREPLACE)
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise
        if identity(target, folder) is not None:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target) from error
        os.rename(source, target, src_dir_fd=folder, dst_dir_fd=folder)


def exchange(one: bytes, other: bytes, folder: int) -> bool:
    """Exchange two names in one step; False where the filesystem cannot. Raises OSError."""
    try:
        _renameat2(one, other, folder, _EXCHANGE)
    except OSError as error:
        if error.errno in _UNSUPPORTED:
            return False
        raise
    return True


def _put_back(target: Target, kept: bytes, folder: int) -> None:
    if not exchange(target.name, kept, folder):
        aside = target.staging + b"~"
        move(target.name, aside, folder)
        move(kept, target.name, folder)
        move(aside, target.staging, folder)
    elif kept != target.staging:
        move(kept, target.staging, folder)


def _where(wanted: Identity | None, names: tuple[bytes, ...], folder: int) -> bytes | None:
    if wanted is None:
        return None
    return next((name for name in names if identity(name, folder) == wanted), None)


def _renameat2(source: bytes, target: bytes, folder: int, flags: int) -> None:
    function = _libc_renameat2()
    if function is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    if function(folder, source, folder, target, flags) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), source, None, target)


@cache
def _libc_renameat2() -> Callable[[int, bytes, int, bytes, int], int] | None:
    """renameat2(2) as glibc 2.28 and musl 1.2.6 have it; None where it is not."""
    try:
        function = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return None
    function.argtypes = [
        ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint,
    ]  # fmt: skip
    function.restype = ctypes.c_int
    found: Callable[[int, bytes, int, bytes, int], int] = function
    return found
