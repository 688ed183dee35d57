"""Files that outlive a crash: replaced whole, made whole, appended to by whole records.

Invariant: a reader, also after a kill or a loss of power at any instant, finds what was there
before or what was to be there, never a part of it; when a call returns, it is on the
disk. The last component of a path is never followed where it is a symbolic link, unless
``follow`` says so, another user's link never (``links``), and only a regular file is opened: a
fifo, a device or a socket in its place is refused at once and never waited for.

Everything here blocks and raises OSError. ``folder`` is the descriptor of the folder that a bare
name is looked up in; without one, the path's own parent is opened once and used throughout.
"""

import contextlib
import errno
import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from opsconsole import links

PATIENCE: Final = 5.0
"""Seconds that a writer waits for another one's short lock."""

_PAUSE: Final = 0.01
_PIECE: Final = 256 * 1024


class SpecialFileError(OSError):
    """A fifo, a device, a socket or a folder is where a regular file was wanted."""

    def __init__(self, path: Path | str) -> None:
        super().__init__(errno.EINVAL, "not a regular file", str(path))


def open_file(
    path: Path | str,
    flags: int,
    mode: int | None = None,
    *,
    folder: int | None = None,
    follow: bool = False,
    owners_links: bool = False,
) -> int:
    """A descriptor of the regular file ``path``.

    With ``mode`` it is made where it is not there, with exactly that mode whatever the umask. With
    ``owners_links`` another user's link is followed to what belongs to that user.
    """
    flags |= os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY | os.O_NOFOLLOW
    if folder is not None:
        return _opened(path, flags, mode, folder)
    with links.located(str(path), follow=follow, foreign=owners_links) as found:
        try:
            descriptor = _opened(found.name, flags, mode, found.folder)
        except OSError as error:
            error.filename = str(path)
            raise
        for owner in found.led_by - {os.fstat(descriptor).st_uid}:
            os.close(descriptor)
            raise links.ForeignLinkError(owner, "on the way", str(path))
        return descriptor


def _opened(name: Path | str, flags: int, mode: int | None, folder: int) -> int:
    if mode is not None:
        try:
            descriptor = os.open(name, flags | os.O_CREAT | os.O_EXCL, mode, dir_fd=folder)
        except FileExistsError:
            pass
        else:
            os.fchmod(descriptor, mode)
            return descriptor
    try:
        descriptor = os.open(name, flags, dir_fd=folder)
    except OSError as error:
        if error.errno == errno.ENXIO:  # a fifo that nobody reads
            raise SpecialFileError(name) from error
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise SpecialFileError(name)
    return descriptor


def read(path: Path | str, limit: int, *, folder: int | None = None, follow: bool = False) -> bytes:
    """All of a file of at most ``limit`` bytes; EFBIG for a longer one."""
    descriptor = open_file(path, os.O_RDONLY, folder=folder, follow=follow)
    try:
        return read_all(descriptor, limit)
    finally:
        os.close(descriptor)


def read_all(descriptor: int, limit: int) -> bytes:
    """All of an opened file of at most ``limit`` bytes, from its beginning; EFBIG if longer."""
    parts: list[bytes] = []
    size = 0
    while part := os.pread(descriptor, min(_PIECE, limit + 1 - size), size):
        parts.append(part)
        size += len(part)
        if size > limit:
            raise OSError(errno.EFBIG, f"larger than {limit} bytes")
    return b"".join(parts)


def replace(
    path: Path | str,
    data: bytes,
    mode: int,
    *,
    owner: tuple[int, int] | None = None,
    folder: int | None = None,
    beside: str = "",
) -> None:
    """Put ``data`` in place of ``path``, with ``mode`` and, where given, user and group id.

    ``beside`` is the name under which it is made ready; a kill may leave that name behind.
    """
    with _place(path, folder) as (parent, name):
        temporary = beside or f".{name}.{os.urandom(4).hex()}"
        with _new_file(temporary, parent, data, mode, owner):
            os.replace(temporary, name, src_dir_fd=parent, dst_dir_fd=parent)
        os.fsync(parent)


def create(path: Path | str, data: bytes, mode: int, *, folder: int | None = None) -> None:
    """Make the file ``path`` whole; FileExistsError where anything has that name."""
    with _place(path, folder) as (parent, name):
        temporary = f".{name}.{os.urandom(4).hex()}"
        with _new_file(temporary, parent, data, mode, None):
            os.link(temporary, name, src_dir_fd=parent, dst_dir_fd=parent, follow_symlinks=False)
            os.unlink(temporary, dir_fd=parent)
        os.fsync(parent)


def replace_link(path: Path | str, leads_to: str) -> None:
    """Put a symbolic link to ``leads_to`` in place of ``path``, in one step."""
    with _place(path, None) as (parent, name):
        temporary = f".{name}.{os.urandom(4).hex()}"
        os.symlink(leads_to, temporary, dir_fd=parent)
        try:
            os.replace(temporary, name, src_dir_fd=parent, dst_dir_fd=parent)
        except OSError:
            _remove(temporary, parent)
            raise
        os.fsync(parent)


def append(descriptor: int, record: bytes) -> None:
    """Append ``record`` whole or not at all, to a file opened with O_APPEND.

    The caller holds the file's lock, or is the only one to write to it.
    """
    size = os.fstat(descriptor).st_size
    try:
        write_all(descriptor, record)
        os.fsync(descriptor)
    except OSError:
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, size)
        raise


def write_all(descriptor: int, data: bytes | memoryview) -> None:
    """Write all of ``data``: write(2) may stop short on a disk that is filling up."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def check_database(path: Path) -> None:
    """Return where ``path`` and what SQLite keeps beside it are regular files, or not there.

    SQLite opens them by their paths and would write through a link. It is not opened here: closing
    it drops the locks that SQLite holds on it for this process
    (https://sqlite.org/howtocorrupt.html, 2.2).
    """
    with links.located(str(path)) as found:
        for side in ("", "-wal", "-shm", "-journal"):
            with contextlib.suppress(FileNotFoundError):
                status = os.stat(found.name + side, dir_fd=found.folder, follow_symlinks=False)
                if not stat.S_ISREG(status.st_mode):
                    raise SpecialFileError(f"{path}{side}")


def lock(descriptor: int, *, patience: float = 0.0, shared: bool = False) -> bool:
    """Take the flock(2) of an opened file; False when another has it after ``patience`` seconds.

    It ends with the last process that holds the descriptor, however that process dies.
    """
    ends = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= ends:
                return False
            time.sleep(_PAUSE)
        else:
            return True


def must_lock(descriptor: int) -> None:
    """Take the flock(2) of an opened file; EAGAIN when another has it after ``PATIENCE``."""
    if not lock(descriptor, patience=PATIENCE):
        raise OSError(errno.EAGAIN, f"another process has held its lock for {PATIENCE:g} s")


def sync_folder(path: Path | str) -> None:
    """Wait until what was made, renamed or removed in the folder is on the disk."""
    descriptor = links.open_folder(str(path))
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _place(path: Path | str, folder: int | None) -> Iterator[tuple[int, str]]:
    """The descriptor of the folder of ``path`` and the name in it."""
    if folder is not None:
        yield folder, str(path)
        return
    parent, name = os.path.split(path)
    descriptor = links.open_folder(parent or ".")
    try:
        yield descriptor, name
    finally:
        os.close(descriptor)


@contextmanager
def _new_file(
    name: str, folder: int, data: bytes, mode: int, owner: tuple[int, int] | None
) -> Iterator[None]:
    """A new file on the disk for the length of the block, which gives it its name; else removed."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(name, flags, 0o600, dir_fd=folder)
    try:
        try:
            if owner is not None:
                os.fchown(descriptor, *owner)
            os.fchmod(descriptor, mode)
            write_all(descriptor, data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        yield
    except BaseException:
        _remove(name, folder)
        raise


def _remove(name: str, folder: int) -> None:
    with contextlib.suppress(OSError):
        os.unlink(name, dir_fd=folder)
