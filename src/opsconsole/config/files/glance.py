"""What the first paint needs of a configuration, without reading the whole of it.

Invariant: a glance never disagrees with ``load``: it returns what ``load`` will, or nothing. It
knows the top-level keys ``environment``, ``display``, ``keys``, ``read_only`` and ``wall`` of a
file or a folder, each in one place, with plain words below them or in braces on one line; whatever
is written otherwise, or may be wrong, is left to ``load``. The settings that a console works by
always come from ``load``.

YAML's library alone would take as long as all the rest of the first paint's own imports.
"""

import re
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Final

from opsconsole.config.files.opening import FileError, read_text
from opsconsole.dataclass import dataclass

_TOP: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_-]*):(?:[ \t]+(.*))?$")
_ENTRY: Final = re.compile(r"[ ]+([a-z_]+):[ ]+(.*)$")
_FLOW: Final = re.compile(r"\{(.*)\}$")
_FLOW_ENTRY: Final = re.compile(r"[ ]*([a-z_]+):[ ]+([^{}\[\],:]+)$")
_COMMENT: Final = re.compile(r"(?:^|[ \t]+)#.*$")
_WORD: Final = re.compile(r"([\"']?)([A-Za-z][A-Za-z0-9_.+/ -]*)\1")
_CONSTANTS: Final = frozenset({"true", "false", "null"})

_WORDS: Final = frozenset({"name", "danger", "theme"})
_SWITCHES: Final = frozenset({"low_bandwidth", "ascii", "mouse", "read_only", "enabled"})
_KNOWN: Final[Mapping[str, frozenset[str]]] = {
    "environment": frozenset({"name", "danger"}),
    "display": frozenset({"theme", "low_bandwidth", "ascii", "mouse"}),
    "wall": frozenset({"enabled"}),
}
_DANGERS: Final = frozenset({"none", "low", "high"})


@dataclass(frozen=True, slots=True)
class Glance:
    """How the screen looks at first; the fields mean what they mean in ``Settings``."""

    environment: str = "this host"
    danger: str = "none"
    theme: str = "dark"
    low_bandwidth: bool = False
    ascii: bool = False
    mouse: bool = True
    read_only: bool = False
    wall: bool = False
    keys: Mapping[str, str] = field(default_factory=dict)


class _NotPlainError(Exception):
    """Only ``load`` can read it."""


def glance(path: Path) -> Glance | None:
    """What ``path`` plainly says; None where only ``load`` can read it, or it is wrong."""
    if path.is_dir():
        files = sorted(item for item in path.glob("*.yaml") if not item.name.startswith("."))
    else:
        files = [path] if path.is_file() else []
    if not files:
        return None
    parts: dict[str, dict[str, str]] = {}
    try:
        for file in files:
            _take(read_text(file).text.splitlines(), parts)
        return _understood(parts)
    except (FileError, _NotPlainError):
        return None


def _take(lines: list[str], found: dict[str, dict[str, str]]) -> None:
    """Add the entries of each known key; a value that stands beside its key has the name ''."""
    current: dict[str, str] | None = None
    for raw in lines:
        if current is None and raw[:1] == " ":
            continue
        line = _COMMENT.sub("", raw).rstrip()
        if not line:
            continue
        if not line.startswith((" ", "\t")):
            current = _begin(line, found)
        elif current is not None:
            _add(_ENTRY.match(line), current)


def _begin(line: str, found: dict[str, dict[str, str]]) -> dict[str, str] | None:
    """Start the part of a top-level key; None when what is below it does not matter here."""
    top = _TOP.match(line)
    if top is None or top[1] in found:
        raise _NotPlainError
    name, value = top[1], (top[2] or "").strip()
    if name not in _KNOWN and name not in {"keys", "read_only"}:
        return None
    if name == "wall" and value and "enabled" not in value:
        found[name] = {}
        return None
    part = found[name] = {}
    flow = _FLOW.match(value)
    if flow is not None:
        for entry in flow[1].split(","):
            _add(_FLOW_ENTRY.match(entry), part)
    elif value:
        _note("", value, part)
    return part


def _add(entry: re.Match[str] | None, part: dict[str, str]) -> None:
    if entry is None:
        raise _NotPlainError
    _note(entry[1], entry[2].strip(), part)


def _note(name: str, value: str, part: dict[str, str]) -> None:
    word = _WORD.fullmatch(value)
    if name in part or word is None or (word[1] and word[2] in _CONSTANTS):
        raise _NotPlainError
    part[name] = word[2]


def _understood(parts: dict[str, dict[str, str]]) -> Glance:
    keys = parts.pop("keys", {})
    values = {"read_only": parts.pop("read_only", {"": "false"}).pop("", "")}
    for name, part in parts.items():
        if not _KNOWN[name] >= part.keys():
            raise _NotPlainError
        values.update(part)
    words = {name: _word(values[name]) for name in _WORDS & values.keys()}
    switches = {name: _switch(values[name]) for name in _SWITCHES & values.keys()}
    wall = switches.get("enabled", False)
    read_only = switches["read_only"] or wall
    danger = words.get("danger", "none")
    if danger not in _DANGERS:
        raise _NotPlainError
    return Glance(
        environment=words.get("name", "this host"),
        danger=danger,
        theme=words.get("theme", "dark"),
        low_bandwidth=switches.get("low_bandwidth", False),
        ascii=switches.get("ascii", False),
        mouse=switches.get("mouse", True),
        read_only=read_only,
        wall=wall,
        keys={_word(name): _word(key) for name, key in keys.items()},
    )


def _word(value: str) -> str:
    if value.lower() in _CONSTANTS or not value:
        raise _NotPlainError
    return value


def _switch(value: str) -> bool:
    if value not in {"true", "false"}:
        raise _NotPlainError
    return value == "true"
