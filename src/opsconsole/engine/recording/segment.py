"""A run of recorded moments: one whole tree, then the changes from each to the next.

Invariant: a line is the JSON of ``[at, tree]`` or ``[at, delta]``; the first line of a segment is
whole, and its moments only increase. A sealed segment is all of its lines compressed together.
"""

import json
import zlib
from collections.abc import Iterable, Iterator
from typing import Final

from opsconsole.engine.recording.delta import Tree, apply

_LINE_LEVEL: Final = 1
_SEAL_LEVEL: Final = 6
_BREAK: Final = b"\n"

_LEVELS: Final = 2
"""A snapshot and its tuples: one call encodes some of their items."""

_AT_ONCE: Final = 16

MOST: Final = 256 * 1024 * 1024
MOST_LINES: Final = 1_000_000
"""Bytes and lines that a segment is unpacked to at most."""

_dump: Final = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


def line(at: float, content: Tree) -> bytes:
    """One moment as a line, encoded some services at a time: other threads run in between."""
    return f"[{_dump(at)},{_dump_parts(content, _LEVELS)}]".encode("ascii")


def pack(one: bytes) -> bytes:
    """A single compressed line, as stored until its segment is sealed."""
    return zlib.compress(one, _LINE_LEVEL)


def unpack(packed: Iterable[bytes]) -> list[bytes]:
    """The packed lines of one segment. Raises zlib.error, also for what unpacks to too much."""
    lines: list[bytes] = []
    left = MOST
    for each in packed:
        lines.append(_unpacked(each, left))
        left -= len(lines[-1])
    return lines


def seal(lines: Iterable[bytes]) -> bytes:
    """A whole segment."""
    return zlib.compress(_BREAK.join(lines), _SEAL_LEVEL)


def unseal(sealed: bytes) -> list[bytes]:
    """The lines of a segment. Raises zlib.error, also for what unpacks to too much."""
    content = _unpacked(sealed, MOST)
    if content.count(_BREAK) > MOST_LINES:
        raise zlib.error("it has more lines than a segment has")
    return content.split(_BREAK)


def _unpacked(packed: bytes, most: int) -> bytes:
    """What others than its writer may have packed, as a group may write a recording."""
    reader = zlib.decompressobj()
    content = reader.decompress(packed, max(1, most))
    if not reader.eof:
        raise zlib.error("it is cut off, or unpacks to more than a segment holds")
    return content


def moment_of(one: bytes) -> float:
    """The moment of a line, without parsing the rest of it."""
    return float(one[1 : one.index(b",")])


def tree_at(lines: Iterable[bytes], moment: float) -> tuple[float, Tree] | None:
    """The newest tree at or before ``moment``, and its moment."""
    found: tuple[float, Tree] | None = None
    for one in lines:
        if moment_of(one) > moment:
            break
        at, content = json.loads(one)
        found = at, content if found is None else apply(found[1], content)
    return found


def _dump_parts(tree: Tree, levels: int) -> str:
    if levels == 0 or type(tree) is not list:
        return _dump(tree)
    if levels > 1:
        return f"[{','.join([_dump_parts(part, levels - 1) for part in tree])}]"
    some = (_dump(tree[first : first + _AT_ONCE])[1:-1] for first in range(0, len(tree), _AT_ONCE))
    return f"[{','.join(some)}]"


def walk(lines: Iterable[bytes]) -> Iterator[tuple[float, Tree]]:
    """Each moment with its tree; the next iteration changes that tree in place."""
    tree: Tree = None
    for number, one in enumerate(lines):
        at, content = json.loads(one)
        tree = content if number == 0 else apply(tree, content)
        yield at, tree
