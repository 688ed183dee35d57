"""What a backup holds, as values and as canonical JSON.

Invariant: one manifest has exactly one text: keys sorted, no spaces, ASCII, a line feed at the
end. Paths are bytes; in JSON they are text where they are UTF-8, else ``{"base64": …}``.

An entry's ``path`` is relative to its root, ``b""`` is the root itself. The contents of the Nth
entry of type file are in ``data/<N, eight digits>``, so that no name of the source ever becomes
a name in the backup. A hard link names the index of the entry that it is the same file as.
"""

import base64
import json
from enum import StrEnum
from typing import Any, Final

from opsconsole.dataclass import dataclass

SCHEMA: Final = 1
MANIFEST: Final = "MANIFEST.json"
DIGEST: Final = "MANIFEST.sha256"
DATA: Final = "data"
DEPTH_LIMIT: Final = 256
"""Folders within folders."""


class EntryType(StrEnum):
    """What can be backed up; anything else is left out, by name."""

    FILE = "file"
    DIR = "dir"
    SYMLINK = "symlink"
    HARD_LINK = "hard link"


@dataclass(frozen=True, slots=True)
class Entry:
    """One file, folder or link. ``size`` in bytes, ``mtime_ns`` Unix time in nanoseconds.

    ``target`` is where a symlink points, ``same_as`` the index of a hard link's file, ``fuzzy``
    that the file changed while it was copied.
    """

    root: int
    path: bytes
    type: EntryType
    mode: int
    uid: int
    gid: int
    mtime_ns: int
    size: int = 0
    sha256: str = ""
    target: bytes = b""
    same_as: int | None = None
    xattrs: tuple[tuple[bytes, bytes], ...] = ()
    fuzzy: bool = False


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that is not in the backup: a fifo, socket or device, or what vanished."""

    root: int
    path: bytes
    what: str


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the contents came from; all but ``kind`` are empty for plain files.

    ``kind`` is files, volume or container; ``running`` that a container ran while it was copied.
    """

    kind: str = "files"
    volume: str = ""
    container: str = ""
    container_id: str = ""
    image: str = ""
    running: bool = False


FILES: Final = Origin()
"""Plain files and folders of this host."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """One backup. ``created_ns`` is Unix time; ``secret`` that its contents are secrets."""

    id: str
    service: str
    host: str
    tool: str
    created_ns: int
    roots: tuple[bytes, ...]
    entries: tuple[Entry, ...]
    left_out: tuple[LeftOut, ...] = ()
    origin: Origin = FILES
    secret: bool = False

    @property
    def files(self) -> int:
        """How many files have contents of their own."""
        return sum(entry.type is EntryType.FILE for entry in self.entries)

    @property
    def size(self) -> int:
        """Bytes of all contents."""
        return sum(entry.size for entry in self.entries)

    @property
    def fuzzy(self) -> bool:
        """Whether something changed while it was copied."""
        return any(entry.fuzzy for entry in self.entries) or any(
            each.what == VANISHED for each in self.left_out
        )


VANISHED: Final = "vanished"
LEFT_OUT: Final = ("fifo", "socket", "device", VANISHED)


def data_name(number: int) -> str:
    """The name of the contents of the ``number``-th file, counted from 1."""
    return f"{number:08d}"


def full_path(manifest: Manifest, entry: Entry | LeftOut) -> bytes:
    """The path of ``entry`` where it came from."""
    root = manifest.roots[entry.root]
    return root + b"/" + entry.path if entry.path else root


def encode(manifest: Manifest) -> bytes:
    """The one text of ``manifest``."""
    document = {
        "schema": SCHEMA,
        "id": manifest.id,
        "service": manifest.service,
        "host": manifest.host,
        "tool": manifest.tool,
        "created_ns": manifest.created_ns,
        "secret": manifest.secret,
        "fuzzy": manifest.fuzzy,
        "origin": _origin(manifest.origin),
        "roots": [_text(root) for root in manifest.roots],
        "entries": [_entry(entry) for entry in manifest.entries],
        "left_out": [
            {"root": each.root, "path": _text(each.path), "what": each.what}
            for each in manifest.left_out
        ],
        "totals": {
            "entries": len(manifest.entries),
            "files": manifest.files,
            "bytes": manifest.size,
        },
    }
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return text.encode("ascii") + b"\n"


def _entry(entry: Entry) -> dict[str, Any]:
    document: dict[str, Any] = {
        "root": entry.root,
        "path": _text(entry.path),
        "type": entry.type.value,
        "mode": entry.mode,
        "uid": entry.uid,
        "gid": entry.gid,
        "mtime_ns": entry.mtime_ns,
    }
    if entry.type is EntryType.FILE:
        document |= {"size": entry.size, "sha256": entry.sha256}
    if entry.type is EntryType.SYMLINK:
        document["target"] = _text(entry.target)
    if entry.type is EntryType.HARD_LINK:
        document["same_as"] = entry.same_as
    if entry.xattrs:
        document["xattrs"] = [
            [_text(name), base64.b64encode(value).decode("ascii")] for name, value in entry.xattrs
        ]
    if entry.fuzzy:
        document["fuzzy"] = True
    return document


def _origin(origin: Origin) -> dict[str, Any]:
    if origin.kind == "files":
        return {"kind": "files"}
    return {
        "kind": origin.kind,
        "volume": origin.volume,
        "container": origin.container,
        "container_id": origin.container_id,
        "image": origin.image,
        "running": origin.running,
    }


def _text(raw: bytes) -> str | dict[str, str]:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(raw).decode("ascii")}
