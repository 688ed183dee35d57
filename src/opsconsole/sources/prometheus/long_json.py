"""JSON that is long, read item by item.

Invariant: gives what ``json.loads`` gives and raises what it raises. The library's reader lets no
other thread go on before it has a whole document: for 3.5 MB a key would wait 50 to 90 ms. Here it
reads one item of the outermost levels at a time.
"""

import json
import re
from typing import Any, Final

LONG: Final = 65_536
"""Bytes; what is shorter is read at once."""

_LEVELS: Final = 3
"""An answer, its data, and the list of what was asked for."""

_SPACE: Final = re.compile(r"[ \t\n\r]*")
_read: Final = json.JSONDecoder().raw_decode


def loads(body: bytes) -> Any:
    """The value of a document. Raises ValueError or RecursionError."""
    if len(body) < LONG:
        return json.loads(body)
    try:
        text = body.decode()
        value, end = _value(text, _after_space(text, 0), _LEVELS)
        if _after_space(text, end) == len(text):
            return value
    except (ValueError, IndexError):
        pass
    # What is wrong, or how else it is encoded, the library says.
    return json.loads(body)


def _value(text: str, at: int, levels: int) -> tuple[Any, int]:
    """The value that begins at ``at``, and where it ends."""
    match text[at] if levels else "":
        case "[":
            return _list(text, at, levels - 1)
        case "{":
            return _mapping(text, at, levels - 1)
    return _read(text, at)


def _list(text: str, at: int, levels: int) -> tuple[list[Any], int]:
    items: list[Any] = []
    at = _after_space(text, at + 1)
    if text[at] == "]":
        return items, at + 1
    while True:
        item, at = _value(text, at, levels)
        items.append(item)
        more, at = _next(text, at, "]")
        if not more:
            return items, at


def _mapping(text: str, at: int, levels: int) -> tuple[dict[str, Any], int]:
    found: dict[str, Any] = {}
    at = _after_space(text, at + 1)
    if text[at] == "}":
        return found, at + 1
    while True:
        key, at = _read(text, at)
        at = _after_space(text, at)
        if not isinstance(key, str) or text[at] != ":":
            raise ValueError("no key")
        found[key], at = _value(text, _after_space(text, at + 1), levels)
        more, at = _next(text, at, "}")
        if not more:
            return found, at


def _next(text: str, at: int, end: str) -> tuple[bool, int]:
    """Whether another item follows, and where; else where the whole ends."""
    at = _after_space(text, at)
    if text[at] == ",":
        return True, _after_space(text, at + 1)
    if text[at] != end:
        raise ValueError("no end")
    return False, at + 1


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at
