"""Reading a tar archive that may be hostile, as a stream, member by member.

Invariant: nothing is written here and no name is trusted: a member is returned as it is named,
for ``tar_copying`` to judge. Every number and every header has a bound, so that an archive of
any size takes the same memory. POSIX ustar and pax (IEEE 1003.1-2008), GNU long names; GNU
sparse members, which say one size and hold another, are refused.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.operations.backups.faults import HostileArchiveError, shown

MEMBER_LIMIT: Final = 1_000_000

_BLOCK: Final = 512
_HEADER_LIMIT: Final = 1 << 20
_SIZE_LIMIT: Final = 1 << 60
_NANOSECONDS: Final = 1_000_000_000
_XATTR: Final = b"SCHILY.xattr."
_CHECKSUM: Final = slice(148, 156)


class MemberType(StrEnum):
    """What a member is."""

    FILE = "file"
    HARD_LINK = "hard link"
    SYMLINK = "symlink"
    DEVICE = "device"
    DIR = "dir"
    FIFO = "fifo"


_TYPES: Final[Mapping[bytes, MemberType]] = {
    b"0": MemberType.FILE,
    b"\0": MemberType.FILE,
    b"7": MemberType.FILE,
    b"1": MemberType.HARD_LINK,
    b"2": MemberType.SYMLINK,
    b"3": MemberType.DEVICE,
    b"4": MemberType.DEVICE,
    b"5": MemberType.DIR,
    b"6": MemberType.FIFO,
}


@dataclass(frozen=True, slots=True)
class Member:
    """One member as its headers have it; ``name`` without the slash of a folder."""

    name: bytes
    type: MemberType
    mode: int
    uid: int
    gid: int
    mtime_ns: int
    size: int = 0
    link: bytes = b""
    xattrs: tuple[tuple[bytes, bytes], ...] = ()


class TarReader:
    """The members of the archive that ``chunks`` are; ``contents`` gives the current one's."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._stream = _Stream(chunks)
        self._left = 0
        self._padding = 0

    def members(self) -> Iterator[Member]:
        """Each member in turn; contents that were not taken are skipped."""
        count = 0
        extended: dict[bytes, bytes] = {}
        while (header := self._next_header()) is not None:
            kind = header[156:157]
            size = _number(header[124:136], "size")
            if kind in (b"x", b"L", b"K"):
                extended |= self._extension(kind, size)
                continue
            if kind == b"g":
                self._extension(b"x", size)
                continue
            count += 1
            if count > MEMBER_LIMIT:
                raise HostileArchiveError(f"the archive has more than {MEMBER_LIMIT} members")
            member = _member(header, kind, extended)
            extended = {}
            self._begin(member.size)
            yield member
            self._skip()

    def contents(self) -> Iterator[bytes]:
        """The current member's contents, whole or an error."""
        while self._left:
            chunk = self._stream.some(self._left)
            self._left -= len(chunk)
            yield chunk

    def _begin(self, size: int) -> None:
        self._left, self._padding = size, -size % _BLOCK

    def _skip(self) -> None:
        for _ in self.contents():
            pass
        self._stream.exactly(self._padding)
        self._padding = 0

    def _next_header(self) -> bytes | None:
        """The next header; None at the archive's end, a block of zeros that may not be missing."""
        block = self._stream.exactly(_BLOCK)
        if not any(block):
            self._stream.drain()
            return None
        given = _number(block[_CHECKSUM], "checksum")
        if given != sum(block) - sum(block[_CHECKSUM]) + 8 * ord(" "):
            raise HostileArchiveError("the archive is damaged: a header's checksum is wrong")
        if block[257:262] != b"ustar":
            raise HostileArchiveError("the archive is not of a format that is known")
        return block

    def _extension(self, kind: bytes, size: int) -> dict[bytes, bytes]:
        if size > _HEADER_LIMIT:
            raise HostileArchiveError(f"the archive has a header of {size} bytes")
        self._begin(size)
        raw = b"".join(self.contents())
        self._skip()
        if kind == b"L":
            return {b"path": raw.rstrip(b"\0")}
        if kind == b"K":
            return {b"linkpath": raw.rstrip(b"\0")}
        return _records(raw)


class _Stream:
    """Bytes in the amounts that are asked for."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._rest = memoryview(b"")

    def some(self, most: int) -> bytes:
        """At least one byte, at most ``most``. Raises at the end of the stream."""
        if not self._rest and not self._more():
            raise HostileArchiveError("the archive broke off")
        taken, self._rest = bytes(self._rest[:most]), self._rest[most:]
        return taken

    def exactly(self, size: int) -> bytes:
        """``size`` bytes. Raises when the stream has fewer."""
        parts: list[bytes] = []
        while size:
            parts.append(self.some(size))
            size -= len(parts[-1])
        return b"".join(parts)

    def drain(self) -> None:
        """Take what follows the end, so that the sender is not left hanging."""
        while self._more():
            pass

    def _more(self) -> bool:
        for chunk in self._chunks:
            if chunk:
                self._rest = memoryview(chunk)
                return True
        self._rest = memoryview(b"")
        return False


def _member(header: bytes, kind: bytes, extended: Mapping[bytes, bytes]) -> Member:
    name = extended.get(b"path") or _joined(header)
    if kind not in _TYPES or any(key.startswith(b"GNU.sparse") for key in extended):
        raise HostileArchiveError(f"{shown(name)} is of a kind that is not supported")
    type_ = MemberType.DIR if kind in b"0\0" and name.endswith(b"/") else _TYPES[kind]
    size = _value(extended, b"size", header[124:136])
    if size > _SIZE_LIMIT:
        raise HostileArchiveError(f"{shown(name)} claims to have {size} bytes")
    return Member(
        name=name.rstrip(b"/") or name,
        type=type_,
        mode=_number(header[100:108], "mode") & 0o7777,
        uid=_value(extended, b"uid", header[108:116]),
        gid=_value(extended, b"gid", header[116:124]),
        mtime_ns=_time(extended.get(b"mtime"), header[136:148]),
        size=size if type_ is MemberType.FILE else 0,
        link=extended.get(b"linkpath") or header[157:257].partition(b"\0")[0],
        xattrs=tuple(
            sorted(
                (key.removeprefix(_XATTR), value)
                for key, value in extended.items()
                if key.startswith(_XATTR)
            )
        ),
    )


def _joined(header: bytes) -> bytes:
    name = header[:100].partition(b"\0")[0]
    prefix = header[345:500].partition(b"\0")[0] if header[257:263] == b"ustar\0" else b""
    return prefix + b"/" + name if prefix else name


def _value(extended: Mapping[bytes, bytes], key: bytes, field: bytes) -> int:
    text = extended.get(key)
    if text is None:
        return _number(field, os.fsdecode(key))
    if not text.isdigit() or len(text) > 19:
        raise HostileArchiveError(f"the archive has a {os.fsdecode(key)} that is no number")
    return int(text)


def _number(field: bytes, what: str) -> int:
    """Octal digits, or base 256 when the first bit is set (GNU)."""
    if field[0] & 0x80:
        value = int.from_bytes(bytes([field[0] & 0x7F]) + field[1:], "big")
        if field[0] & 0x40:
            raise HostileArchiveError(f"the archive has a negative {what}")
        return value
    text = field.strip(b" \0")
    if not text:
        return 0
    try:
        value = int(text, 8)
    except ValueError as error:
        raise HostileArchiveError(f"the archive has a {what} that is no number") from error
    if value < 0:
        raise HostileArchiveError(f"the archive has a negative {what}")
    return value


def _time(text: bytes | None, field: bytes) -> int:
    """Nanoseconds from ``1700000000.25``, or from the header's seconds."""
    if text is None:
        return _number(field, "time") * _NANOSECONDS
    whole, _, fraction = text.partition(b".")
    digits = whole.removeprefix(b"-")
    if not digits.isdigit() or len(digits) > 12 or not (fraction + b"0").isdigit():
        raise HostileArchiveError("the archive has a time that is no number")
    nanoseconds = int(digits) * _NANOSECONDS + int((fraction + b"0" * 9)[:9])
    return -nanoseconds if whole.startswith(b"-") else nanoseconds


def _records(raw: bytes) -> dict[bytes, bytes]:
    """pax records: ``LENGTH KEY=VALUE`` and a line feed, the length counting all of it."""
    found = {}
    while raw:
        digits, space, _ = raw.partition(b" ")
        length = int(digits) if digits.isdigit() and len(digits) < 8 else 0
        record = raw[len(digits) + 1 : length]
        key, equals, value = record.partition(b"=")
        if not space or not equals or not record.endswith(b"\n") or len(raw) < length:
            raise HostileArchiveError("the archive has a malformed pax header")
        found[key] = value[:-1]
        raw = raw[length:]
    return found
