"""A file's past: the file from its end to its beginning, then those that it was rotated into.

Invariant: pieces come newest first and hold whole lines, however long the file is; no more than a
piece is in memory at once, packed or not. What cannot be read is said and the rest is read on.

Rotated files are known by their names: ``app.log.1``, ``app.log-20261130``, ``app.log.2026-11-30``,
``app-2026-11-30.log``, ``app.log.old``, and these packed as ``.gz``, ``.bz2`` or ``.xz``.
"""

import asyncio
import bz2
import gzip
import lzma
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from opsconsole.machines.base import Machine
from opsconsole.model.running.machine import FileKind, MachineError
from opsconsole.sources.logs.base import Sought, Stretch
from opsconsole.sources.logs.raw_lines import RawLine, cut
from opsconsole.text import sanitize

PIECE: Final = 1 << 20
_MEMORY: Final = 128 << 20
"""Bytes that unpacking may take; ``xz -9`` needs 65 MiB."""

_PACKED: Final = r"(?P<packed>\.(?:gz|bz2|xz|lzma|zst|zstd|lz4|lz|br|Z|zip|7z))?"
_BEHIND: Final = re.compile(rf"(?:[.\-_]?\d[\d.\-_T:]*?Z?|[.\-](?:old|bak|prev))?{_PACKED}")
_WITHIN: Final = re.compile(r"[.\-_]{0,2}\d[\d.\-_T:]*Z?")
_UNREADABLE: Final = (".zst", ".zstd", ".lz4", ".lz", ".br", ".Z", ".zip", ".7z")
_BEGINS_A_LINE: Final = re.compile(rb"\n(?=[^\s])")


def stretches(machine: Machine, path: Path, sought: Sought) -> Iterator[Stretch]:
    """The past of the file at ``path``, newest first."""
    yield from _of_plain(machine, path, sought)
    for rotated, written in _rotated(machine, path):
        if sought.since is not None and written < sought.since:
            return
        suffix = rotated.suffix
        if suffix in _UNREADABLE:
            why = f"{sanitize(rotated.name)} is not searched: {suffix[1:]} is not unpacked here"
            yield Stretch(written, trouble=why)
        elif suffix in (".gz", ".bz2", ".xz", ".lzma"):
            yield Stretch(written, _of_packed(machine, rotated, sought))
        else:
            yield from _of_plain(machine, rotated, sought)


def is_rotated(name: str, current: str) -> bool:
    """Whether a file called ``name`` is what one called ``current`` was rotated into."""
    if name == current:
        return False
    if name.startswith(current):
        return _BEHIND.fullmatch(name[len(current) :]) is not None
    stem, dot, ending = current.rpartition(".")
    if not dot or not stem or not name.startswith(stem):
        return False
    middle, found, rest = name[len(stem) :].partition(f".{ending}")
    packed = re.fullmatch(_PACKED, rest)
    return bool(found and packed and _WITHIN.fullmatch(middle))


def _rotated(machine: Machine, path: Path) -> list[tuple[Path, float]]:
    """Rotated files with when they were last written, newest first."""

    async def look() -> list[tuple[Path, float]]:
        kinds = await machine.list(path.parent)
        found = []
        for name, kind in kinds.items():
            plain = name.removesuffix(Path(name).suffix)
            doubled = plain in kinds and plain != path.name and is_rotated(plain, path.name)
            if kind is FileKind.FILE and is_rotated(name, path.name) and not doubled:
                status = await machine.stat(path.parent / name)
                found.append((path.parent / name, status.changed / 1e9))
        return found

    try:
        return sorted(asyncio.run(look()), key=lambda each: (-each[1], each[0].name))
    except MachineError:
        # The file itself has said what is wrong with its folder.
        return []


def _of_plain(machine: Machine, path: Path, sought: Sought) -> Iterator[Stretch]:
    """Pieces of a file that is not packed, from its end."""
    try:
        status = asyncio.run(machine.stat(path))
        with machine.open(path) as file:
            for at_end, data in _from_the_end(file):
                skipped = not at_end and not sought.may_hold(data)
                lines = [] if skipped else _lines(data)
                yield Stretch(status.changed / 1e9, iter([lines]), read=len(data))
    except (OSError, MachineError) as error:
        yield Stretch(0.0, trouble=sanitize(f"cannot read {path}: {_why(error)}", limit=300))


def _from_the_end(file: BinaryIO) -> Iterator[tuple[bool, bytes]]:
    """Each piece, and whether it is the last of the file."""
    size = end = file.seek(0, 2)
    while end > 0:
        begin = max(0, end - PIECE)
        file.seek(begin)
        data = file.read(end - begin)
        if not data:
            return
        if begin:
            found = _BEGINS_A_LINE.search(data)
            cut_at = found.end() if found else 0
            data, begin = data[cut_at:], begin + cut_at
        yield end == size, data
        end = begin


def _of_packed(machine: Machine, path: Path, sought: Sought) -> Iterator[list[RawLine]]:
    """The lines of a packed file in their order. Raises OSError with the file's name."""
    rest = b""
    try:
        with machine.open(path) as file:
            for piece in _unpacked(file, path.suffix):
                data = rest + piece
                ends = data.rfind(b"\n") + 1
                if not ends and len(data) > PIECE:
                    ends = len(data)
                data, rest = data[:ends], data[ends:]
                yield _lines(data) if sought.may_hold(data) else []
    except (OSError, EOFError, MachineError, lzma.LZMAError, zlib.error) as error:
        raise OSError(sanitize(f"cannot read {path}: {_why(error)}", limit=300)) from error
    if rest:
        yield _lines(rest)


def _unpacked(file: BinaryIO, suffix: str) -> Iterator[bytes]:
    if suffix in (".xz", ".lzma"):
        yield from _of_xz(file)
        return
    with gzip.GzipFile(fileobj=file) if suffix == ".gz" else bz2.BZ2File(file) as stream:
        while data := stream.read(PIECE):
            yield data


def _of_xz(file: BinaryIO) -> Iterator[bytes]:
    """What the library's own file would give, with a bound on its memory."""
    unread = file.read(PIECE)
    while unread:
        stream = lzma.LZMADecompressor(memlimit=_MEMORY)
        while not stream.eof:
            data = stream.decompress(unread, PIECE)
            unread = file.read(PIECE) if stream.needs_input else b""
            if data:
                yield data
            if stream.needs_input and not unread and not stream.eof:
                raise EOFError("it ends within its data")
        unread = stream.unused_data or file.read(PIECE)


def _lines(data: bytes) -> list[RawLine]:
    lines = data.split(b"\n")
    if not lines[-1]:
        lines.pop()
    return [cut(line) for line in lines]


def _why(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return str(error)
