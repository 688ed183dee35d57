"""What the configuration expects of an answer, and values by dotted path.

Invariant: an expectation that fails makes the answer DOWN and says which; one that holds makes
it OK only where the body's own words say nothing.
"""

from http import HTTPStatus
from typing import Final

from opsconsole.config.services import Expect
from opsconsole.dataclass import dataclass
from opsconsole.patterns import pattern
from opsconsole.sources.strict_json import InvalidJsonError, Json, parse
from opsconsole.text import sanitize

MISSING: Final = object()
"""What ``at_path`` gives when there is no such place."""

TOO_MANY: Final = 429
"""We ask too often: the answer says nothing of the target's health."""

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


def phrase(status: int) -> str:
    """The standard's words for a status code; the server's own are not needed."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


@dataclass(frozen=True, slots=True)
class Held:
    """How an answer compares with what is expected of it; ``said`` is one line, sanitised.

    ``good`` is None where the answer is about our request alone.
    """

    good: bool | None
    said: str


def hold(expect: Expect, status: int, body: bytes) -> Held:
    """Hold an answer to ``expect`` alone, whatever its words say of health."""
    said = f"HTTP {status} {phrase(status)}".strip()
    if not accepts_status(expect, status):
        return Held(None if status == TOO_MANY else False, said)
    value: Json = None
    if expect.json_path is not None:
        try:
            value = parse(body)
        except InvalidJsonError as error:
            return Held(False, f"{said}, but its body is not JSON: {error}")
    wrong = unmet(expect, body, value)
    return Held(not wrong, f"{said}, but {wrong}" if wrong else said)


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
