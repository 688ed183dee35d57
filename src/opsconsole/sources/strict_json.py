"""JSON from outside: RFC 8259, strictly and within bounds.

Invariant: whatever the bytes, ``parse`` returns a value of at most 64 levels, 10,000 keys and
20-digit integers, without duplicate keys and without numbers that JSON does not have, or raises
``InvalidJsonError`` saying which rule was broken. Two readers of one body can then not disagree.
"""

import json
import math
import re
from typing import Any, Final, NoReturn, TypeAlias

from opsconsole.hiding import hidden_in_json
from opsconsole.text import sanitize

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"

DEPTH_LIMIT: Final = 64
KEY_LIMIT: Final = 10_000
DIGIT_LIMIT: Final = 20

_BRACKETS: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|([\[{])|([\]}])', re.DOTALL)
# Only a body that holds one of these can hold a number out of bounds.
_BIG_NUMBER: Final = re.compile(rb"[0-9][eE][+-]?[0-9]|[0-9]{%d}" % (DIGIT_LIMIT + 1))


class InvalidJsonError(ValueError):
    """The body breaks a rule. The text is safe to show."""


class _Keys:
    """Builds objects, counting their keys; one for each body."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = KEY_LIMIT

    def __call__(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        self.left -= len(pairs)
        if self.left < 0:
            raise InvalidJsonError(f"more than {KEY_LIMIT} keys")
        made = dict(pairs)
        if len(made) != len(pairs):
            raise InvalidJsonError(f"duplicate key {_first_duplicate(pairs)!r}")
        return made


def parse(body: bytes) -> Json:
    """The value of ``body``. Raises ``InvalidJsonError``."""
    if body.count(b"{") + body.count(b"[") > DEPTH_LIMIT:
        _check_depth(body)
    try:
        text = hidden_in_json(body.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise InvalidJsonError(f"not UTF-8 at byte {error.start}") from None
    big = _BIG_NUMBER.search(body) is not None
    try:
        value: Json = json.loads(
            text,
            object_pairs_hook=_Keys(),
            parse_constant=_refuse_constant,
            parse_int=_bounded_int if big else None,
            parse_float=_finite_float if big else None,
        )
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        raise InvalidJsonError(f"not JSON at {where}: {error.msg.lower()}") from None
    except RecursionError:
        raise InvalidJsonError(f"deeper than {DEPTH_LIMIT} levels") from None
    return value


def _check_depth(body: bytes) -> None:
    depth = 0
    for match in _BRACKETS.finditer(body):
        if match[1]:
            depth += 1
            if depth > DEPTH_LIMIT:
                raise InvalidJsonError(f"deeper than {DEPTH_LIMIT} levels")
        elif match[2]:
            depth -= 1


def _first_duplicate(pairs: list[tuple[str, Any]]) -> str:
    seen: set[str] = set()
    for key, _value in pairs:
        if key in seen:
            return sanitize(key, limit=60)
        seen.add(key)
    return ""


def _refuse_constant(name: str) -> NoReturn:
    raise InvalidJsonError(f"invalid number {name}")


def _bounded_int(digits: str) -> int:
    if len(digits.lstrip("-")) > DIGIT_LIMIT:
        raise InvalidJsonError(f"integer of more than {DIGIT_LIMIT} digits")
    return int(digits)


def _finite_float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise InvalidJsonError(f"invalid number {sanitize(text, limit=30)}")
    return number
