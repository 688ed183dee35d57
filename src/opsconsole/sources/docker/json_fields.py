"""Fields of the engine's JSON, whatever they hold. Pure.

Invariant: a field of another type is empty or not known, never an error; text is sanitised.
"""

from collections.abc import Mapping

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
