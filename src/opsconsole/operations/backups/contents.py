"""Copying the contents of files: whole, hashed, holes kept, never through a symlink.

Invariant: a copy returns only when every byte that was read has been written, and its hash is
of the logical contents, holes counted as zeros.
"""

import errno
import hashlib
import os
import time
from collections.abc import Iterable, Iterator
from typing import Final

from opsconsole.durable import write_all
from opsconsole.operations.backups.faults import BackupError

CHUNK: Final = 1 << 20
PRIVATE_FILE: Final = 0o600
PRIVATE_DIR: Final = 0o700

_ZEROS: Final = bytes(CHUNK)
_BLOCK: Final = 4096
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_WRITE: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Deadline:
    """The moment (``time.monotonic``) by which copying has to end; None for no limit."""

    def __init__(self, ends: float | None = None) -> None:
        self.ends = ends

    def check(self) -> None:
        """Return while there is time. Raises BackupError."""
        if self.ends is not None and time.monotonic() > self.ends:
            raise BackupError(
                "copying was not done in time", remedy="give the action a longer deadline"
            )


def open_to_read(name: bytes, folder: int) -> int:
    """A descriptor of a file in ``folder``; a fifo does not block, a symlink is an error."""
    return os.open(name, _READ, dir_fd=folder)


def open_new(name: bytes | str, folder: int) -> int:
    """A descriptor of a file that was not there before, 0600 from its first moment."""
    descriptor = os.open(name, _WRITE, PRIVATE_FILE, dir_fd=folder)
    os.fchmod(descriptor, PRIVATE_FILE)
    return descriptor


def open_folder(name: bytes | str, folder: int) -> int:
    """A descriptor of a folder in ``folder``; its name must not be a symlink."""
    return os.open(name, _FOLDER, dir_fd=folder)


def make_folder(name: bytes | str, folder: int) -> None:
    """Make a folder that was not there before, 0700 from its first moment."""
    os.mkdir(name, PRIVATE_DIR, dir_fd=folder)


def write_new(name: str, folder: int, data: bytes) -> None:
    """Write ``data`` to a file that was not there before, on the disk when this returns."""
    descriptor = open_new(name, folder)
    try:
        write_all(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def copy_file(source: int, target: int, deadline: Deadline) -> tuple[int, str]:
    """Copy ``source`` whole to the empty file ``target``; size in bytes and SHA-256.

    Only what is data is written, so that holes stay holes.
    """
    digest = hashlib.sha256()
    size = 0
    for is_data, start, end in extents(source, os.fstat(source).st_size):
        if not is_data:
            _hash_zeros(digest, end - start, deadline)
            size = end
            continue
        size = start
        os.lseek(target, start, os.SEEK_SET)
        for chunk in _chunks(source, start, end, deadline):
            digest.update(chunk)
            write_all(target, chunk)
            size += len(chunk)
        if size < end:
            break  # it became shorter; the caller compares before and after
    os.ftruncate(target, size)
    return size, digest.hexdigest()


def copy_chunks(chunks: Iterable[bytes], target: int, deadline: Deadline) -> tuple[int, str]:
    """Write a stream to the empty file ``target``, blocks of zeros as holes."""
    digest = hashlib.sha256()
    size = 0
    for chunk in chunks:
        deadline.check()
        digest.update(chunk)
        for start in range(0, len(chunk), _BLOCK):
            block = memoryview(chunk)[start : start + _BLOCK]
            if block != _ZEROS[: len(block)]:
                os.lseek(target, size + start, os.SEEK_SET)
                write_all(target, block)
        size += len(chunk)
    os.ftruncate(target, size)
    return size, digest.hexdigest()


def hash_file(source: int, deadline: Deadline) -> tuple[int, str]:
    """Size in bytes and SHA-256 of the logical contents of ``source``."""
    digest = hashlib.sha256()
    size = 0
    for is_data, start, end in extents(source, os.fstat(source).st_size):
        if not is_data:
            _hash_zeros(digest, end - start, deadline)
            size = end
            continue
        for chunk in _chunks(source, start, end, deadline):
            digest.update(chunk)
            size += len(chunk)
    return size, digest.hexdigest()


def read_file(source: int, deadline: Deadline) -> Iterator[bytes]:
    """The logical contents of ``source`` in pieces, holes as zeros."""
    yield from _chunks(source, 0, os.fstat(source).st_size, deadline)


def extents(descriptor: int, size: int) -> Iterator[tuple[bool, int, int]]:
    """Data and holes of a file in order, as (is data, start, end), up to ``size`` bytes."""
    position = 0
    while position < size:
        try:
            start = min(size, os.lseek(descriptor, position, os.SEEK_DATA))
        except OSError as error:
            if error.errno == errno.ENXIO:  # nothing but a hole is left
                yield False, position, size
                return
            if error.errno in (errno.EINVAL, errno.EOPNOTSUPP):  # no holes on this filesystem
                yield True, position, size
                return
            raise
        if start > position:
            yield False, position, start
        if start >= size:
            return
        position = min(size, os.lseek(descriptor, start, os.SEEK_HOLE))
        yield True, start, position


def _chunks(source: int, start: int, end: int, deadline: Deadline) -> Iterator[bytes]:
    while start < end:
        deadline.check()
        chunk = os.pread(source, min(CHUNK, end - start), start)
        if not chunk:
            return
        yield chunk
        start += len(chunk)


def _hash_zeros(digest: "hashlib._Hash", count: int, deadline: Deadline) -> None:
    while count > 0:
        deadline.check()
        part = min(CHUNK, count)
        digest.update(memoryview(_ZEROS)[:part])
        count -= part
