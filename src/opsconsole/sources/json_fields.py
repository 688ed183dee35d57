"""Fields of an engine's or a cluster's JSON, whatever they hold. Pure.

Invariant: a field of another type is empty or not known, never an error; text is sanitised.
"""

from collections.abc import Mapping
from datetime import datetime

from opsconsole.text import sanitize


def mapping(value: object) -> Mapping[str, object]:
    """An object; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def text(value: object, limit: int) -> str:
    """Text of ``limit`` characters at most; '' for anything else."""
    return sanitize(value, limit=limit) if isinstance(value, str) else ""


def integer(value: object) -> int | None:
    """A whole number of 64 bits, as engines count; None for anything else."""
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if abs(value) < 2**64 else None


def read_time(value: object) -> float | None:
    """Unix seconds of an RFC 3339 time with nanoseconds; None for an engine's year 1."""
    if not isinstance(value, str) or value.startswith("0001-"):
        return None
    try:
        moment = datetime.fromisoformat(value[:40])
        return moment.timestamp() if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


def listed(value: object, limit: int) -> list[object]:
    """The first ``limit`` items of a list; none for anything else."""
    return value[:limit] if isinstance(value, list) else []


def texts(value: object, count: int, longest: int) -> dict[str, str]:
    """``count`` entries of text, such as labels; what is no text is left empty."""
    entries = list(mapping(value).items())[:count]
    return {text(key, longest): text(each, longest) for key, each in entries}
