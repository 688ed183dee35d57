"""Reading the records of a ledger, which anybody who shares the state may have written.

Invariant: whatever a record holds, what is read of it is of the type that is said here, bounded and
safe to show; what is not there or of another type is '' or None, and nothing is raised.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Final

from opsconsole.text import sanitize

Record = Mapping[str, object]
"""One record of a ledger, as JSON has it."""

NAME: Final = 200
SAID: Final = 400
_LATEST: Final = 32_503_680_000.0
"""The year 3000: a later moment was not meant."""


def text_in(record: Record, key: str, limit: int = NAME) -> str:
    """One line of text; '' where there is none."""
    value = record.get(key)
    return sanitize(value, limit=limit).strip() if isinstance(value, str) else ""


def texts_in(record: Record, key: str, most: int) -> tuple[str, ...]:
    """Up to ``most`` different names, in their order."""
    value = record.get(key)
    if not isinstance(value, Sequence) or isinstance(value, str):
        return ()
    said = (sanitize(each, limit=NAME).strip() for each in value[:most] if isinstance(each, str))
    return tuple(dict.fromkeys(filter(None, said)))


def moment_in(record: Record, key: str = "at") -> float | None:
    """Unix seconds; None where it is no moment."""
    value = record.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        at = float(value)
    except OverflowError:
        return None
    return at if math.isfinite(at) and 0.0 <= at <= _LATEST else None
