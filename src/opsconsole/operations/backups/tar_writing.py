"""A backup as a tar archive, for a receiver that takes nothing else.

Invariant: members are relative to the root and plain; every file's contents are compared with
their hash while they are sent, and the archive breaks off when they differ. Bits of set-user-id
and set-group-id of files are not restored.
"""

import hashlib
import os
import tarfile
from collections.abc import Iterator
from typing import Final

from opsconsole.operations.backups.contents import Deadline, open_to_read, read_file
from opsconsole.operations.backups.faults import DamagedError
from opsconsole.operations.backups.manifest import Entry, EntryType
from opsconsole.operations.backups.verifier import OpenBackup, numbered

_BLOCK: Final = 512
_END: Final = bytes(2 * _BLOCK)
_TYPES: Final = {
    EntryType.FILE: tarfile.REGTYPE,
    EntryType.DIR: tarfile.DIRTYPE,
    EntryType.SYMLINK: tarfile.SYMTYPE,
    EntryType.HARD_LINK: tarfile.LNKTYPE,
}
_XATTR: Final = "SCHILY.xattr."


def archive(
    backup: OpenBackup,
    root_name: bytes,
    deadline: Deadline,
    root: int = 0,
    *,
    exact: bool = False,
) -> Iterator[bytes]:
    """The archive of one root of a backup, in pieces; ``root_name`` is what it is called.

    Times are ``exact`` for a receiver that reads POSIX headers, else in seconds.

    Raises DamagedError, OSError.
    """
    names = {id(entry): name for name, entry in numbered(backup.manifest)}
    for entry in backup.manifest.entries:
        if entry.root != root:
            continue
        yield _header(backup, entry, root_name, exact=exact)
        if entry.type is EntryType.FILE:
            yield from _contents(backup, entry, names[id(entry)], deadline)
            yield bytes(-entry.size % _BLOCK)
    yield _END


def _header(backup: OpenBackup, entry: Entry, root_name: bytes, *, exact: bool) -> bytes:
    info = tarfile.TarInfo(os.fsdecode(_name(entry, root_name)))
    info.type = _TYPES[entry.type]
    set_id = 0o6000 if entry.type is EntryType.FILE else 0
    info.mode = entry.mode & ~set_id
    info.uid, info.gid = entry.uid, entry.gid
    info.mtime = entry.mtime_ns // 10**9
    info.size = entry.size
    if entry.type is EntryType.SYMLINK:
        info.linkname = os.fsdecode(entry.target)
    elif entry.same_as is not None:
        first = backup.manifest.entries[entry.same_as]
        info.linkname = os.fsdecode(_name(first, root_name))
    info.pax_headers = {
        _XATTR + os.fsdecode(name): os.fsdecode(value)
        for name, value in entry.xattrs
        if name != b"security.capability"
    }
    if exact and entry.mtime_ns >= 0:
        whole, rest = divmod(entry.mtime_ns, 10**9)
        info.pax_headers["mtime"] = f"{whole}.{rest:09d}"
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def _name(entry: Entry, root_name: bytes) -> bytes:
    return root_name + b"/" + entry.path if entry.path else root_name


def _contents(backup: OpenBackup, entry: Entry, name: str, deadline: Deadline) -> Iterator[bytes]:
    digest = hashlib.sha256()
    source = open_to_read(name.encode("ascii"), backup.data)
    try:
        for chunk in read_file(source, deadline):
            digest.update(chunk)
            yield chunk
    finally:
        os.close(source)
    if digest.hexdigest() != entry.sha256:
        raise DamagedError(
            f"backup {backup.manifest.id} changed while it was restored",
            remedy="use another backup",
        )
