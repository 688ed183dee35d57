"""Reading a manifest strictly: whatever this program would not have written is an error.

Invariant: what ``decode`` returns has the one text that was given, and names nothing outside of
its roots: every path is relative without ``.`` or ``..``, occurs once, and lies in a folder that
is an earlier entry; a hard link is the same as an earlier file of its root.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Any, Final

from opsconsole.operations.backups.faults import DamagedError, SchemaError, shown
from opsconsole.operations.backups.manifest import (
    DEPTH_LIMIT,
    LEFT_OUT,
    SCHEMA,
    Entry,
    EntryType,
    LeftOut,
    Manifest,
    Origin,
    encode,
)
from opsconsole.text import sanitize

LIMIT: Final = 1 << 30
"""Bytes of one manifest."""

ID: Final = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_HIGHEST_ID: Final = (1 << 32) - 1
_HIGHEST_SIZE: Final = (1 << 63) - 1
_NAME_LIMIT: Final = 255
_KINDS: Final = frozenset({"files", "volume", "container"})


def decode(raw: bytes) -> Manifest:
    """The manifest whose text is ``raw``. Raises DamagedError, SchemaError."""
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise DamagedError("the manifest is not JSON") from error
    if not isinstance(document, dict):
        raise DamagedError("the manifest is not a JSON object")
    _check_schema(document.get("schema"))
    try:
        manifest = _manifest(document)
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedError(
            f"the manifest is not understood: {sanitize(str(error), limit=200)}"
        ) from error
    check_entries(manifest)
    if encode(manifest) != raw:
        raise DamagedError("the manifest holds something that this program does not write")
    return manifest


def check_entries(manifest: Manifest) -> None:
    """Return when every path stays inside its root. Raises DamagedError."""
    folders: set[tuple[int, bytes]] = set()
    names: set[tuple[int, bytes]] = set()
    for index, entry in enumerate(manifest.entries):
        problem = (
            path_problem(entry.path)
            or _place_problem(entry, folders, names)
            or _link_problem(manifest, index)
        )
        if problem:
            raise DamagedError(f"the manifest's entry {shown(entry.path)} {problem}")
        names.add((entry.root, entry.path))
        if entry.type is EntryType.DIR:
            folders.add((entry.root, entry.path))
    if {entry.root for entry in manifest.entries if not entry.path} != set(
        range(len(manifest.roots))
    ):
        raise DamagedError("the manifest lacks the entry of a root")


def path_problem(path: bytes) -> str:
    """Why ``path`` may not be used below a root, or ''."""
    if not path:
        return ""
    if b"\0" in path:
        return "holds a NUL"
    if path.startswith(b"/"):
        return "is absolute"
    names = path.split(b"/")
    if len(names) > DEPTH_LIMIT:
        return f"is deeper than {DEPTH_LIMIT} folders"
    for name in names:
        if name in (b"", b".", b".."):
            return "is not a plain relative path"
        if len(name) > _NAME_LIMIT:
            return f"has a name of {len(name)} bytes"
    return ""


def _place_problem(
    entry: Entry, folders: set[tuple[int, bytes]], names: set[tuple[int, bytes]]
) -> str:
    if (entry.root, entry.path) in names:
        return "occurs twice"
    parent = entry.path.rpartition(b"/")[0]
    if entry.path and (entry.root, parent) not in folders:
        return "does not lie in a folder of the backup"
    return ""


def _link_problem(manifest: Manifest, index: int) -> str:
    entry = manifest.entries[index]
    if entry.type is not EntryType.HARD_LINK:
        return ""
    if entry.same_as is None or not 0 <= entry.same_as < index:
        return "is a hard link to nothing before it"
    first = manifest.entries[entry.same_as]
    if first.type is not EntryType.FILE or first.root != entry.root:
        return "is a hard link to what is no file of its root"
    return ""


def _check_schema(schema: object) -> None:
    if type(schema) is not int or schema < 1:
        raise DamagedError("the manifest names no schema")
    if schema > SCHEMA:
        raise SchemaError(
            f"the backup has schema {schema}, this version reads up to {SCHEMA}",
            remedy="restore it with the version that made it, or a later one",
        )


def _manifest(document: Mapping[str, Any]) -> Manifest:
    roots = tuple(_bytes(root) for root in _list(document["roots"]))
    if not roots:
        raise ValueError("no root")
    identity = _string(document["id"])
    if not ID.fullmatch(identity):
        raise ValueError("a malformed id")
    return Manifest(
        id=identity,
        service=_string(document["service"]),
        host=_string(document["host"]),
        tool=_string(document["tool"]),
        created_ns=_integer(document["created_ns"], _HIGHEST_SIZE),
        roots=roots,
        entries=tuple(_entry(each, len(roots)) for each in _list(document["entries"])),
        left_out=tuple(_left_out(each, len(roots)) for each in _list(document["left_out"])),
        origin=_origin(document["origin"]),
        secret=_boolean(document["secret"]),
    )


def _entry(document: Mapping[str, Any], roots: int) -> Entry:
    kind = EntryType(_string(document["type"]))
    extra: dict[str, Any] = {}
    if kind is EntryType.FILE:
        extra["size"] = _integer(document["size"], _HIGHEST_SIZE)
        extra["sha256"] = _string(document["sha256"])
        if not _SHA256.fullmatch(extra["sha256"]):
            raise ValueError("a malformed sha256")
    elif kind is EntryType.SYMLINK:
        extra["target"] = _bytes(document["target"])
        if not extra["target"] or b"\0" in extra["target"]:
            raise ValueError("a symlink to nothing")
    elif kind is EntryType.HARD_LINK:
        extra["same_as"] = _integer(document["same_as"], _HIGHEST_ID)
    return Entry(
        root=_integer(document["root"], roots - 1),
        path=_bytes(document["path"]),
        type=kind,
        mode=_integer(document["mode"], 0o7777),
        uid=_integer(document["uid"], _HIGHEST_ID),
        gid=_integer(document["gid"], _HIGHEST_ID),
        mtime_ns=_integer(document["mtime_ns"], _HIGHEST_SIZE, lowest=-_HIGHEST_SIZE),
        xattrs=tuple(_xattr(pair) for pair in _list(document.get("xattrs", []))),
        fuzzy=_boolean(document.get("fuzzy", False)),
        **extra,
    )


def _left_out(document: Mapping[str, Any], roots: int) -> LeftOut:
    what = _string(document["what"])
    if what not in LEFT_OUT:
        raise ValueError("something left out of an unknown kind")
    root = _integer(document["root"], roots - 1)
    path = _bytes(document["path"])
    problem = path_problem(path)
    if problem:
        raise ValueError(f"a path that {problem}")
    return LeftOut(root, path, what)


def _origin(document: Mapping[str, Any]) -> Origin:
    kind = _string(document["kind"])
    if kind not in _KINDS:
        raise ValueError("an unknown origin")
    if kind == "files":
        return Origin()
    texts = {
        name: _string(document[name]) for name in ("volume", "container", "container_id", "image")
    }
    return Origin(kind, **texts, running=_boolean(document["running"]))


def _xattr(pair: object) -> tuple[bytes, bytes]:
    name, value = _list(pair)
    return _bytes(name), _base64(value)


def _bytes(value: object) -> bytes:
    if isinstance(value, dict):
        return _base64(value["base64"])
    return _string(value).encode("utf-8")


def _base64(value: object) -> bytes:
    try:
        return base64.b64decode(_string(value), validate=True)
    except binascii.Error as error:
        raise ValueError("malformed base64") from error


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("something that should be text is not")
    return value


def _integer(value: object, highest: int, *, lowest: int = 0) -> int:
    if type(value) is not int or not lowest <= value <= highest:
        raise ValueError("a number that is out of its range")
    return value


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError("something that should be true or false is not")
    return value


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError("something that should be a list is not")
    return value
