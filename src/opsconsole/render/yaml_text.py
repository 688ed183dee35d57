"""Plain values as block YAML that a person can read and edit.

Invariant: what a YAML 1.1 or 1.2 parser reads back equals what was given. Strings stay plain
only when every parser reads them as strings; the others are double quoted.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Final

# A letter or slash, then nothing that YAML could take for syntax; a duration; a URL.
_PLAIN: Final = re.compile(
    r"[A-Za-z/][A-Za-z0-9_./ -]*[A-Za-z0-9_./]|[A-Za-z]"
    r"|[1-9][0-9]*(ms|s|m|h|d)"
    r"|https?://[A-Za-z0-9./-]+(:[0-9]+)?"
)
_WORDS: Final = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "none"})


def scalar(value: object) -> str:
    """One scalar on one line."""
    if isinstance(value, str):
        if _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
            return value
        return f'"{"".join(map(_quoted, value))}"'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return repr(value)
    if isinstance(value, float) and math.isfinite(value):
        mantissa, e, exponent = repr(value).partition("e")
        return mantissa + (".0" if "." not in mantissa else "") + e + exponent
    raise TypeError(f"no YAML for {type(value).__name__}")


def _quoted(character: str) -> str:
    """A character as it stands between double quotes (YAML 1.2, 5.7)."""
    if character in '"\\':
        return "\\" + character
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def render(value: Mapping[str, object], indent: int = 0) -> Iterator[str]:
    """The lines of a mapping; entries whose value is None are left out."""
    pad = " " * indent
    for key, entry in value.items():
        if entry is None:
            continue
        if isinstance(entry, Mapping) and entry:
            yield f"{pad}{scalar(key)}:"
            yield from render(entry, indent + 2)
        elif isinstance(entry, (list, tuple)) and any(isinstance(i, Mapping) for i in entry):
            yield f"{pad}{scalar(key)}:"
            for item in entry:
                yield f"{pad}  - {flow(item)}"
        else:
            yield f"{pad}{scalar(key)}: {flow(entry)}"


def flow(value: object) -> str:
    """A value on one line, in flow style."""
    if isinstance(value, Mapping):
        inner = ", ".join(
            f"{scalar(key)}: {flow(entry)}" for key, entry in value.items() if entry is not None
        )
        return f"{{{inner}}}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(flow(item) for item in value)}]"
    return scalar(value)
