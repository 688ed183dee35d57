"""Copying a tar archive into a backup, and comparing an archive with a backup.

Invariant: an archive has one root, which is its first member; every other member lies in a
folder that came before it, under a plain name that did not come before. Anything else is an
error and leaves no backup. Devices, fifos and the like are left out by name.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import field
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.operations.backups.contents import copy_chunks
from opsconsole.operations.backups.faults import BackupError, HostileArchiveError, shown
from opsconsole.operations.backups.manifest import Entry, EntryType, LeftOut, Manifest
from opsconsole.operations.backups.manifest_reader import path_problem
from opsconsole.operations.backups.space import Need, on_disk, reporting_full, require
from opsconsole.operations.backups.tar_reader import Member, MemberType, TarReader
from opsconsole.operations.backups.writer import BackupWriter

_ENTRY_COST: Final = 512
_ENTRY_TYPES: Final = {
    MemberType.FILE: EntryType.FILE,
    MemberType.DIR: EntryType.DIR,
    MemberType.SYMLINK: EntryType.SYMLINK,
    MemberType.HARD_LINK: EntryType.HARD_LINK,
}
_FIXED: Final = 0o1777
"""The bits of a file's mode that are restored."""


def copy_archive(
    writer: BackupWriter, chunks: Iterable[bytes], folder: bytes, root: int = 0
) -> None:
    """Add every member of an archive to a backup that is written to ``folder``, as its ``root``.

    Raises HostileArchiveError, SpaceError, BackupError.
    """
    copier = _Copier(writer, folder, root)
    reader = TarReader(chunks)
    for member in reader.members():
        writer.deadline.check()
        copier.add(member, reader)
    if not copier.names:
        raise BackupError("the archive is empty")


class Names:
    """Which names an archive has so far, and where they lie below its root."""

    def __init__(self) -> None:
        self.root: bytes | None = None
        self.folders: set[bytes] = set()
        self.seen: set[bytes] = set()

    def relative(self, member: Member) -> bytes:
        """The member's path below the root, ``b""`` for the root. Raises HostileArchiveError."""
        if self.root is None:
            self.root = self._as_root(member)
        path = self.below(member.name)
        if path in self.seen:
            raise HostileArchiveError(f"the archive has {shown(member.name)} twice")
        if path and path.rpartition(b"/")[0] not in self.folders:
            raise HostileArchiveError(f"{shown(member.name)} does not lie in a folder before it")
        self.seen.add(path)
        if member.type is MemberType.DIR:
            self.folders.add(path)
        return path

    def below(self, name: bytes) -> bytes:
        """``name`` without the root's. Raises HostileArchiveError when it is not below it."""
        assert self.root is not None
        problem = path_problem(name)
        if problem or not name:
            raise HostileArchiveError(f"the archive's {shown(name)} {problem or 'has no name'}")
        if name == self.root:
            return b""
        if not name.startswith(self.root + b"/"):
            raise HostileArchiveError(f"{shown(name)} lies outside of the archive's root")
        return name[len(self.root) + 1 :]

    def _as_root(self, member: Member) -> bytes:
        if member.type is MemberType.SYMLINK:
            raise BackupError(
                f"{shown(member.name)} is a symlink to {shown(member.link)}",
                remedy="declare what it points to",
            )
        if member.type not in (MemberType.FILE, MemberType.DIR):
            raise BackupError(f"{shown(member.name)} is a {member.type}, not a file or folder")
        return member.name


class _Copier:
    def __init__(self, writer: BackupWriter, folder: bytes, root: int) -> None:
        self._writer = writer
        self._root = root
        self._folder = folder
        self._need = Need()
        self._files: dict[bytes, int] = {}
        self._symlinks: dict[bytes, bytes] = {}
        self._names = Names()

    @property
    def names(self) -> set[bytes]:
        return self._names.seen

    def add(self, member: Member, reader: TarReader) -> None:
        path = self._names.relative(member)
        self._need += Need(_ENTRY_COST + on_disk(member.size), 1)
        with reporting_full("the backup, as far as it has come,", self._need, self._folder):
            if member.type is MemberType.FILE:
                self._file(path, member, reader)
            elif member.type is MemberType.HARD_LINK:
                self._hard_link(path, member)
            elif member.type in _ENTRY_TYPES:
                self._symlinks[path] = member.link
                self._writer.add(self._entry(path, member, target=member.link))
            else:
                self._writer.leave_out(LeftOut(self._root, path, member.type.value))

    def _file(self, path: bytes, member: Member, reader: TarReader) -> None:
        ahead = Need(on_disk(member.size), 1)
        require(ahead, self._folder, f"the backup of {shown(member.name)}")
        size, sha256 = self._writer.contents(
            lambda target: copy_chunks(reader.contents(), target, self._writer.deadline)
        )
        self._files[path] = self._writer.add(self._entry(path, member, size=size, sha256=sha256))

    def _hard_link(self, path: bytes, member: Member) -> None:
        """A link to a file is that file; one to a symlink is a symlink of its own."""
        first = self._names.below(member.link)
        if first in self._files:
            self._writer.add(self._entry(path, member, same_as=self._files[first]))
        elif self._symlinks.get(first):
            target = self._symlinks[first]
            self._writer.add(self._entry(path, member, kind=EntryType.SYMLINK, target=target))
        else:
            raise HostileArchiveError(
                f"{shown(member.name)} is a hard link to {shown(member.link)}, "
                "which is no file before it"
            )

    def _entry(
        self,
        path: bytes,
        member: Member,
        *,
        kind: EntryType | None = None,
        size: int = 0,
        sha256: str = "",
        target: bytes = b"",
        same_as: int | None = None,
    ) -> Entry:
        return Entry(
            root=self._root,
            path=path,
            type=kind or _ENTRY_TYPES[member.type],
            mode=member.mode,
            uid=member.uid,
            gid=member.gid,
            mtime_ns=member.mtime_ns,
            size=size,
            sha256=sha256,
            target=target,
            same_as=same_as,
            xattrs=member.xattrs if same_as is None else (),
        )


@dataclass(slots=True)
class Difference:
    """How an archive differs from a backup, by path below the root."""

    missing: list[bytes] = field(default_factory=list)
    other: list[bytes] = field(default_factory=list)
    extra: list[bytes] = field(default_factory=list)

    @property
    def restored(self) -> bool:
        """Whether everything of the backup is there as it was."""
        return not self.missing and not self.other


def compare(manifest: Manifest, chunks: Iterable[bytes]) -> Difference:
    """Compare a backup of one root with an archive of what there is now.

    An archive's times are in seconds. Raises HostileArchiveError.
    """
    wanted = {entry.path: entry for entry in manifest.entries}
    found = Difference()
    names = Names()
    reader = TarReader(chunks)
    for member in reader.members():
        path = names.relative(member)
        entry = wanted.pop(path, None)
        if entry is None:
            if member.type in _ENTRY_TYPES:
                found.extra.append(path)
        elif not _same(manifest, entry, member, reader, names):
            found.other.append(path)
    found.missing = list(wanted)
    return found


def _same(
    manifest: Manifest, entry: Entry, member: Member, reader: TarReader, names: Names
) -> bool:
    if _ENTRY_TYPES.get(member.type) is not entry.type:
        return False
    if (entry.uid, entry.gid) != (member.uid, member.gid):
        return False
    if entry.type is EntryType.SYMLINK:
        return entry.target == member.link
    if entry.type is EntryType.HARD_LINK:
        assert entry.same_as is not None
        return names.below(member.link) == manifest.entries[entry.same_as].path
    if (entry.mode ^ member.mode) & _FIXED:
        return False
    return entry.type is EntryType.DIR or _same_contents(entry, member, reader)


def _same_contents(entry: Entry, member: Member, reader: TarReader) -> bool:
    if entry.size != member.size or entry.mtime_ns // 10**9 != member.mtime_ns // 10**9:
        return False
    digest = hashlib.sha256()
    for chunk in reader.contents():
        digest.update(chunk)
    return digest.hexdigest() == entry.sha256
