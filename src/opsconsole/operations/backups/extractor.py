"""Making files and folders from a backup, below one name and nowhere else.

Invariant: every file, folder and link is made here, new, relative to the descriptor of a folder
that was made here; no symlink is followed, no hard link leads to what was not made here. Each
file's hash is compared again while it is copied. Set-user-id and set-group-id bits and
capabilities of files are not restored; that is noted.
"""

import os
from collections import Counter
from contextlib import closing
from typing import Final

from opsconsole.operations.backups.contents import (
    Deadline,
    copy_file,
    make_folder,
    open_folder,
    open_new,
    open_to_read,
)
from opsconsole.operations.backups.faults import DamagedError
from opsconsole.operations.backups.manifest import Entry, EntryType
from opsconsole.operations.backups.verifier import OpenBackup, numbered

_SET_ID: Final = 0o6000
_CAPABILITY: Final = b"security.capability"
_NOTES: Final = {
    "owner": "owners not restored: {} (that needs root)",
    "set-id": "set-user-id, set-group-id or capabilities not restored: {}",
    "xattr": "extended attributes not restored: {}",
}


class Notes:
    """What could not be restored, counted."""

    def __init__(self) -> None:
        self._counted: Counter[str] = Counter()

    def add(self, what: str) -> None:
        """Count one of ``owner``, ``set-id``, ``xattr``."""
        self._counted[what] += 1

    def lines(self) -> tuple[str, ...]:
        """A sentence for each kind."""
        return tuple(_NOTES[what].format(count) for what, count in sorted(self._counted.items()))


class OpenFolders:
    """Opens the folders below one name, keeping those of the current path open."""

    def __init__(self, folder: int, name: bytes) -> None:
        self._folder = folder
        self._name = name
        self._stack: list[tuple[bytes, int]] = []

    def locate(self, path: bytes) -> tuple[int, bytes]:
        """The open folder that ``path`` is in, and its name there."""
        if not path:
            return self._folder, self._name
        *parents, name = path.split(b"/")
        return self._enter([self._name, *parents]), name

    def close(self) -> None:
        """Release every descriptor."""
        while self._stack:
            os.close(self._stack.pop()[1])

    def _enter(self, names: list[bytes]) -> int:
        same = 0
        for (known, _), wanted in zip(self._stack, names, strict=False):
            if known != wanted:
                break
            same += 1
        while len(self._stack) > same:
            os.close(self._stack.pop()[1])
        for name in names[same:]:
            above = self._stack[-1][1] if self._stack else self._folder
            self._stack.append((name, open_folder(name, above)))
        return self._stack[-1][1]


class Extractor:
    """Makes one root of an open backup as ``name`` in the open ``folder``."""

    def __init__(
        self, backup: OpenBackup, folder: int, name: bytes, deadline: Deadline, notes: Notes
    ) -> None:
        self._backup = backup
        self._entries = backup.manifest.entries
        self._deadline = deadline
        self._notes = notes
        self._folders = OpenFolders(folder, name)
        self._firsts = OpenFolders(folder, name)
        self._data = {id(entry): data for data, entry in numbered(backup.manifest)}

    def extract(self, root: int) -> None:
        """Make everything of one root; on the disk when this returns. Raises OSError."""
        mine = [entry for entry in self._entries if entry.root == root]
        with closing(self._folders), closing(self._firsts):
            for entry in mine:
                self._deadline.check()
                self._make(entry)
            for entry in reversed(mine):
                if entry.type is EntryType.DIR:
                    self._finish_folder(entry)

    def _make(self, entry: Entry) -> None:
        folder, name = self._folders.locate(entry.path)
        if entry.type is EntryType.DIR:
            make_folder(name, folder)
        elif entry.type is EntryType.FILE:
            self._make_file(entry, folder, name)
        elif entry.type is EntryType.SYMLINK:
            self._make_symlink(entry, folder, name)
        else:
            assert entry.same_as is not None
            there, first = self._firsts.locate(self._entries[entry.same_as].path)
            os.link(first, name, src_dir_fd=there, dst_dir_fd=folder, follow_symlinks=False)

    def _make_file(self, entry: Entry, folder: int, name: bytes) -> None:
        source = open_to_read(self._data[id(entry)].encode("ascii"), self._backup.data)
        try:
            target = open_new(name, folder)
            try:
                if copy_file(source, target, self._deadline) != (entry.size, entry.sha256):
                    raise DamagedError(
                        f"backup {self._backup.manifest.id} changed while it was restored",
                        remedy="use another backup",
                    )
                self._give(entry, target)
                os.fsync(target)
            finally:
                os.close(target)
        finally:
            os.close(source)

    def _make_symlink(self, entry: Entry, folder: int, name: bytes) -> None:
        os.symlink(entry.target, name, dir_fd=folder)
        try:
            os.chown(name, entry.uid, entry.gid, dir_fd=folder, follow_symlinks=False)
        except PermissionError:
            self._notes.add("owner")
        times = (entry.mtime_ns, entry.mtime_ns)
        os.utime(name, ns=times, dir_fd=folder, follow_symlinks=False)

    def _finish_folder(self, entry: Entry) -> None:
        """Give a folder its mode and times once nothing more is made in it."""
        folder, name = self._folders.locate(entry.path)
        opened = open_folder(name, folder)
        try:
            self._give(entry, opened)
            os.fsync(opened)
        finally:
            os.close(opened)

    def _give(self, entry: Entry, descriptor: int) -> None:
        """Owner, extended attributes, mode, times: in this order, as each resets the next."""
        try:
            os.chown(descriptor, entry.uid, entry.gid)
        except PermissionError:
            self._notes.add("owner")
        for name, value in entry.xattrs:
            self._give_xattr(descriptor, name, value)
        os.fchmod(descriptor, self._mode(entry))
        os.utime(descriptor, ns=(entry.mtime_ns, entry.mtime_ns))

    def _give_xattr(self, descriptor: int, name: bytes, value: bytes) -> None:
        if name == _CAPABILITY:
            self._notes.add("set-id")
            return
        try:
            os.setxattr(descriptor, name, value)
        except OSError:
            self._notes.add("xattr")

    def _mode(self, entry: Entry) -> int:
        mode = entry.mode
        if entry.type is EntryType.FILE and mode & _SET_ID:
            self._notes.add("set-id")
            mode &= ~_SET_ID
        return mode & 0o700 if self._backup.manifest.secret else mode
