"""What the configuration expects of an answer, and values by dotted path.

Invariant: an expectation that fails makes the answer DOWN and says which; one that holds makes
it OK only where the body's own words say nothing.
"""

from typing import Final

from opsconsole.config.services import Expect
from opsconsole.patterns import pattern
from opsconsole.sources.strict_json import Json
from opsconsole.text import sanitize

MISSING: Final = object()
"""What ``at_path`` gives when there is no such place."""

SEARCHED: Final = 64 * 1024
"""Bytes of a body in which a text or pattern is looked for."""


def at_path(value: Json, path: str) -> object:
    """The value at ``a.b.0.c``, or ``MISSING``. A key may hold dots itself."""
    if isinstance(value, dict):
        if path in value:
            return value[path]
        for cut in (position for position, char in enumerate(path) if char == "."):
            if path[:cut] in value:
                found = at_path(value[path[:cut]], path[cut + 1 :])
                if found is not MISSING:
                    return found
        return MISSING
    head, _, rest = path.partition(".")
    if isinstance(value, list) and head.isdecimal() and int(head) < len(value):
        inner = value[int(head)]
        return at_path(inner, rest) if rest else inner
    return MISSING


def accepts_status(expect: Expect | None, status: int) -> bool:
    """Whether the status code is a good one: those named, else 2xx."""
    if expect is not None and expect.status:
        return status in expect.status
    return 200 <= status <= 299


def unmet(expect: Expect, body: bytes, value: Json) -> str:
    """Which expectation the body fails, in words; empty when all hold."""
    text = body[:SEARCHED].decode("utf-8", "replace")
    if expect.contains is not None and expect.contains not in text:
        return f"expected text {_quoted(expect.contains)} is missing"
    if expect.regex is not None and not pattern(expect.regex).search(text):
        return f"expected pattern {_quoted(expect.regex)} is missing"
    if expect.json_path is None:
        return ""
    found = at_path(value, expect.json_path)
    if found is MISSING:
        return f"expected {sanitize(expect.json_path, limit=80)} is missing"
    if expect.equals is not None and not _same(found, expect.equals):
        return (
            f"{sanitize(expect.json_path, limit=80)} is {_quoted(found)}, "
            f"expected {_quoted(expect.equals)}"
        )
    return ""


def _same(found: object, wanted: str | int | float | bool) -> bool:
    """Equality of JSON values: true is not 1."""
    if isinstance(found, bool) or isinstance(wanted, bool):
        return found is wanted
    return found == wanted


def _quoted(value: object) -> str:
    return sanitize(repr(value), limit=60)
