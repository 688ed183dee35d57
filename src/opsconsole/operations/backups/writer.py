"""Writing a backup: it is there whole and verified, or it is not there.

Invariant: everything is written to ``backup-<id>.tmp``, reaches the disk (files, then folders),
then the manifest, then the manifest's own hash; it is read back and verified, and only then
renamed. Folders are 0700 and files 0600 from their first moment.
"""

import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack, closing
from dataclasses import field, replace
from typing import Final

from opsconsole import __version__
from opsconsole.dataclass import dataclass
from opsconsole.operations.backups.contents import (
    Deadline,
    make_folder,
    open_folder,
    open_new,
    write_new,
)
from opsconsole.operations.backups.manifest import (
    DATA,
    DIGEST,
    FILES,
    MANIFEST,
    Entry,
    EntryType,
    LeftOut,
    Manifest,
    Origin,
    data_name,
    encode,
)
from opsconsole.operations.backups.manifest_reader import check_entries
from opsconsole.operations.backups.space import MARGIN, Need, reporting_full, require
from opsconsole.operations.backups.store import PREFIX, UNFINISHED, Store
from opsconsole.operations.backups.verifier import digest_line, verify_open

TOOL: Final = f"opsconsole {__version__}"

_NO_LIMIT: Final = Deadline()


@dataclass(frozen=True, slots=True)
class Header:
    """What a backup is of; ``roots`` are absolute paths, or names for what is no path here."""

    id: str
    service: str
    roots: tuple[bytes, ...]
    origin: Origin = FILES
    secret: bool = False
    host: str = field(default_factory=lambda: os.uname().nodename)


class BackupWriter:
    """A backup that is being written. ``deadline`` ends every copy into it."""

    def __init__(self, header: Header, folder: int, deadline: Deadline) -> None:
        self.roots = header.roots
        self.deadline = deadline
        self._header = header
        self._store = folder
        self._name = f"{PREFIX}{header.id}{UNFINISHED}"
        self._entries: list[Entry] = []
        self._left_out: list[LeftOut] = []
        self._count = 0
        self._open = ExitStack()
        make_folder(self._name, folder)
        with self._open:
            self._folder = self._enter(self._name, folder)
            make_folder(DATA, self._folder)
            self._data = self._enter(DATA, self._folder)
            self._open = self._open.pop_all()

    def add(self, entry: Entry) -> int:
        """Add an entry, whose contents were written just before, and return its index."""
        self._entries.append(entry)
        return len(self._entries) - 1

    @property
    def entries(self) -> tuple[Entry, ...]:
        """What was added so far."""
        return tuple(self._entries)

    def changed_meanwhile(self, entries: Iterable[Entry]) -> None:
        """Say of ``entries`` that they changed while they were copied."""
        for entry in entries:
            self._entries[self._entries.index(entry)] = replace(entry, fuzzy=True)

    def leave_out(self, left_out: LeftOut) -> None:
        """Say of something that it is not in the backup."""
        self._left_out.append(left_out)

    def contents(self, copy: Callable[[int], tuple[int, str]]) -> tuple[int, str]:
        """Let ``copy`` write the next file's contents to a descriptor; its size and SHA-256."""
        self._count += 1
        target = open_new(data_name(self._count), self._data)
        try:
            copied = copy(target)
            # Starts writing back: the fsync of each file later finds little left to do.
            os.posix_fadvise(target, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(target)
        return copied

    def forget_contents(self) -> None:
        """Remove the contents written last, which no entry has taken."""
        os.unlink(data_name(self._count), dir_fd=self._data)
        self._count -= 1

    def commit(self) -> Manifest:
        """Bring everything to the disk, verify it and give it its name."""
        manifest = self._manifest()
        check_entries(manifest)
        for number in range(1, self._count + 1):
            self.deadline.check()
            self._sync(data_name(number))
        os.fsync(self._data)
        raw = encode(manifest)
        write_new(MANIFEST, self._folder, raw)
        write_new(DIGEST, self._folder, digest_line(hashlib.sha256(raw).hexdigest()))
        os.fsync(self._folder)
        verify_open(self._folder, self._header.id, self.deadline)
        final = f"{PREFIX}{self._header.id}"
        os.rename(self._name, final, src_dir_fd=self._store, dst_dir_fd=self._store)
        os.fsync(self._store)
        return manifest

    def close(self) -> None:
        """Release the descriptors."""
        self._open.close()

    def _enter(self, name: str, folder: int) -> int:
        opened = open_folder(name, folder)
        self._open.callback(os.close, opened)
        return opened

    def _manifest(self) -> Manifest:
        header = self._header
        entries = self._entries
        if header.secret:
            entries = [_kept_private(entry) for entry in entries]
        return Manifest(
            id=header.id,
            service=header.service,
            host=header.host,
            tool=TOOL,
            created_ns=time.time_ns(),
            roots=header.roots,
            entries=tuple(entries),
            left_out=tuple(self._left_out),
            origin=header.origin,
            secret=header.secret,
        )

    def _sync(self, name: str) -> None:
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self._data)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def make_backup(
    store: Store,
    header: Header,
    need: Need,
    fill: Callable[[BackupWriter], None],
    *,
    deadline: Deadline = _NO_LIMIT,
    margin: float = MARGIN,
) -> Manifest:
    """Write one backup of what ``fill`` adds, and return what it holds.

    Raises BackupError, SpaceError and BusyError; then nothing is left of it.
    """
    what = f"the backup of {header.service}"
    with store.writing() as folder, reporting_full(what, need, bytes(store.path)):
        require(need, bytes(store.path), what, margin)
        try:
            with closing(BackupWriter(header, folder, deadline)) as writer:
                fill(writer)
                return writer.commit()
        except BaseException:
            _discard(f"{PREFIX}{header.id}{UNFINISHED}", folder)
            raise


def _discard(name: str, folder: int) -> None:
    """Remove what was written of a backup that will not be one."""
    if name in os.listdir(folder):
        shutil.rmtree(name, dir_fd=folder)


def _kept_private(entry: Entry) -> Entry:
    """A secret's mode without what others may do."""
    if entry.type is EntryType.SYMLINK:
        return entry
    return replace(entry, mode=entry.mode & 0o700)
