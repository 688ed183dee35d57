"""Walking files and folders on this host, and copying them into a backup.

Invariant: the walk never follows a symlink and never leaves its roots: everything is opened
relative to the descriptor of the folder it was listed in, and a root past no other user's link.
What cannot be backed up is left out by name; what cannot be read is an error.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from opsconsole import links
from opsconsole.dataclass import dataclass
from opsconsole.operations.backups.contents import copy_file, open_folder, open_to_read
from opsconsole.operations.backups.faults import BackupError, because, shown
from opsconsole.operations.backups.manifest import (
    DEPTH_LIMIT,
    VANISHED,
    Entry,
    EntryType,
    LeftOut,
)
from opsconsole.operations.backups.space import Need, on_disk
from opsconsole.operations.backups.writer import BackupWriter

ATTEMPTS: Final = 3
"""How often a file that changes under the copy is copied before it is marked fuzzy."""

_ENTRY_COST: Final = 512
_BLOCK: Final = 512
_SPECIAL: Final = {stat.S_IFIFO: "fifo", stat.S_IFSOCK: "socket"}


@dataclass(frozen=True, slots=True)
class Found:
    """One thing of a walk. ``name`` is relative to the open ``folder``; no ``status``: vanished."""

    path: bytes
    name: bytes
    folder: int
    status: os.stat_result | None


def check_roots(roots: Sequence[Path], store: Path) -> None:
    """Return when ``roots`` may be backed up together into ``store``. Raises BackupError."""
    real = [root.parent.resolve() / root.name for root in roots]
    for index, root in enumerate(real):
        if not root.name or root.name == "..":
            raise BackupError(f"{shown(str(root))} cannot be backed up as a whole")
        for other in real[index + 1 :]:
            if root == other or root in other.parents or other in root.parents:
                raise BackupError(f"{shown(str(root))} and {shown(str(other))} overlap")
        backups = store.resolve()
        if backups == root or root in backups.parents:
            raise BackupError(
                f"the folder of backups {store} lies in {shown(str(root))}",
                remedy="set operations.backups to a folder outside of what is backed up",
            )


def survey(roots: Sequence[bytes]) -> Need:
    """What a backup of ``roots`` needs. Raises BackupError."""
    size = inodes = 0
    for root in roots:
        for found in walk(root):
            size += _ENTRY_COST + 2 * len(found.path)
            if found.status is not None and stat.S_ISREG(found.status.st_mode):
                held = found.status.st_blocks * _BLOCK
                size += min(on_disk(found.status.st_size), max(held, 0))
                inodes += 1
    return Need(on_disk(size), inodes + 4)


def copy_tree(writer: BackupWriter, roots: Sequence[bytes]) -> None:
    """Add everything below ``roots`` to a backup. Raises BackupError and OSError."""
    for number, root in enumerate(roots):
        copier = _Copier(writer, number)
        for found in walk(root):
            writer.deadline.check()
            copier.add(found)


def walk(root: bytes) -> Iterator[Found]:
    """``root`` and what is below it, each folder before what it holds, names in order."""
    parent, name = os.path.split(root)
    with _reading(parent):
        folder = links.open_folder(os.fsdecode(parent or b"/"))
    try:
        with _reading(root):
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if stat.S_ISLNK(status.st_mode):
            raise BackupError(
                f"{shown(root)} is a symlink to {shown(os.readlink(root))}",
                remedy="declare what it points to",
            )
        yield Found(b"", name, folder, status)
        if stat.S_ISDIR(status.st_mode):
            yield from _below(root, name, folder)
    finally:
        os.close(folder)


def _below(root: bytes, name: bytes, parent: int) -> Iterator[Found]:
    """Everything in one folder, depth first, with one open descriptor for each level."""
    levels: list[tuple[int, bytes, Iterator[str]]] = []

    def enter(name: bytes, folder: int, path: bytes) -> None:
        if len(levels) >= DEPTH_LIMIT:
            raise BackupError(f"{shown(root)} is deeper than {DEPTH_LIMIT} folders")
        with _reading(os.path.join(root, path)):
            opened = open_folder(name, folder)
            levels.append((opened, path, iter(())))
            levels[-1] = (opened, path, iter(sorted(os.listdir(opened))))

    try:
        enter(name, parent, b"")
        while levels:
            folder, path, names = levels[-1]
            following = next(names, None)
            if following is None:
                os.close(folder)
                levels.pop()
                continue
            child = os.fsencode(following)
            found = _found(root, path + b"/" + child if path else child, child, folder)
            yield found
            if found.status is not None and stat.S_ISDIR(found.status.st_mode):
                enter(child, folder, found.path)
    finally:
        for folder, _, _ in levels:
            os.close(folder)


def _found(root: bytes, path: bytes, name: bytes, folder: int) -> Found:
    try:
        return Found(path, name, folder, os.stat(name, dir_fd=folder, follow_symlinks=False))
    except FileNotFoundError:
        return Found(path, name, folder, None)
    except OSError as error:
        raise _unreadable(os.path.join(root, path), error) from error


class _Copier:
    """Adds what was found below one root to a backup; knows the hard links of that root."""

    def __init__(self, writer: BackupWriter, root: int) -> None:
        self.writer, self.root = writer, root
        self.links: dict[tuple[int, int], int] = {}

    def add(self, found: Found) -> None:
        status = found.status
        if status is None:
            self._leave_out(found, VANISHED)
        elif stat.S_ISREG(status.st_mode):
            self._file(found, status)
        elif stat.S_ISDIR(status.st_mode):
            self.writer.add(self._entry(found, status, EntryType.DIR))
        elif stat.S_ISLNK(status.st_mode):
            self._symlink(found, status)
        else:
            self._leave_out(found, _SPECIAL.get(stat.S_IFMT(status.st_mode), "device"))

    def _leave_out(self, found: Found, what: str) -> None:
        self.writer.leave_out(LeftOut(self.root, found.path, what))

    def _symlink(self, found: Found, status: os.stat_result) -> None:
        try:
            target = os.fsencode(os.readlink(found.name, dir_fd=found.folder))
        except FileNotFoundError:
            self._leave_out(found, VANISHED)
            return
        self.writer.add(self._entry(found, status, EntryType.SYMLINK, target=target))

    def _file(self, found: Found, status: os.stat_result) -> None:
        key = (status.st_dev, status.st_ino)
        if key in self.links:
            entry = self._entry(found, status, EntryType.HARD_LINK, same_as=self.links[key])
            self.writer.add(entry)
            return
        copied = self._contents(found)
        if copied is None:
            self._leave_out(found, VANISHED)
            return
        size, sha256, after, fuzzy = copied
        entry = self._entry(found, after, EntryType.FILE, size=size, sha256=sha256, fuzzy=fuzzy)
        index = self.writer.add(entry)
        if status.st_nlink > 1:
            self.links[key] = index

    def _contents(self, found: Found) -> tuple[int, str, os.stat_result, bool] | None:
        """Copy until the file held still, at most three times; None when it vanished."""
        attempt = 0
        while True:
            attempt += 1
            try:
                source = open_to_read(found.name, found.folder)
            except FileNotFoundError:
                return None
            except OSError as error:
                raise _unreadable(self._path(found), error) from error
            try:
                before = os.fstat(source)
                if not stat.S_ISREG(before.st_mode):
                    return None
                size, sha256 = self.writer.contents(partial(self._copy, source))
                after = os.fstat(source)
            finally:
                os.close(source)
            still = _version(before) == _version(after) and size == after.st_size
            if still or attempt == ATTEMPTS:
                return size, sha256, after, not still
            self.writer.forget_contents()

    def _copy(self, source: int, target: int) -> tuple[int, str]:
        return copy_file(source, target, self.writer.deadline)

    def _entry(
        self,
        found: Found,
        status: os.stat_result,
        kind: EntryType,
        *,
        size: int = 0,
        sha256: str = "",
        target: bytes = b"",
        same_as: int | None = None,
        fuzzy: bool = False,
    ) -> Entry:
        return Entry(
            root=self.root, path=found.path, type=kind, mode=stat.S_IMODE(status.st_mode),
            uid=status.st_uid, gid=status.st_gid, mtime_ns=status.st_mtime_ns,
            size=size, sha256=sha256, target=target, same_as=same_as,
            xattrs=_xattrs(found) if same_as is None else (), fuzzy=fuzzy,
        )  # fmt: skip

    def _path(self, found: Found) -> bytes:
        root = self.writer.roots[self.root]
        return os.path.join(root, found.path) if found.path else root


def _version(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _xattrs(found: Found) -> tuple[tuple[bytes, bytes], ...]:
    """Extended attributes, ACLs among them, by name; none where the file system has none."""
    path = b"/proc/self/fd/%d/%s" % (found.folder, found.name)
    try:
        names = sorted(os.listxattr(path, follow_symlinks=False))
        return tuple(
            (os.fsencode(name), os.getxattr(path, name, follow_symlinks=False)) for name in names
        )
    except OSError:
        return ()  # the filesystem has none, or the file has just gone


@contextmanager
def _reading(path: bytes) -> Iterator[None]:
    """Turn an OSError into what cannot be read and what would help."""
    try:
        yield
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: bytes, error: OSError) -> BackupError:
    remedy = ""
    if isinstance(error, PermissionError):
        remedy = "run as root, or as a user that may read it"
    elif isinstance(error, FileNotFoundError):
        remedy = "look at the paths that the action declares"
    return BackupError(f"cannot read {shown(path)}: {because(error)}", remedy=remedy)
