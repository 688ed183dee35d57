"""Times that the headers of an answer give: how old it is, and when to ask again.

Invariant: never negative, never raises; 0 where nothing is said that is understood. Names of
headers are in lower case, or looked up without regard to it.
"""

import re
from collections.abc import Mapping
from typing import Final

LONGEST_REST: Final = 300.0
"""Seconds; a mistaken header may not blind the console for longer."""

_CACHE: Final = re.compile(r"^x-(?:\w+-)?cache(?:-status|-lookup|-hits?)?$|cache-status$")
_HIT: Final = re.compile(r"\b(?:hit|stale|updating|revalidated)\b", re.IGNORECASE)
_ASK_FOR_REST: Final = frozenset({429, 503})
_DIGITS: Final = 9


def age(headers: Mapping[str, str]) -> float:
    """Seconds for which a cache has kept the answer (RFC 9111 §5.1)."""
    return _seconds(headers.get("age", "")) or 0.0


def is_kept(headers: Mapping[str, str]) -> bool:
    """Whether a cache had the answer and does not say for how long.

    ``X-Cache-Status: HIT`` and the like, and RFC 9211's ``Cache-Status: name; hit``.
    """
    if _seconds(headers.get("age", "")) is not None:
        return False
    said = (value for name, value in headers.items() if _CACHE.search(name.lower()))
    return any(_HIT.search(value) for value in said)


def retry_after(status: int, headers: Mapping[str, str]) -> float:
    """Seconds for which the server asks to be left alone, ``LONGEST_REST`` at most.

    A date counts from the answer's own one (RFC 9110 §10.2.3).
    """
    said = headers.get("retry-after", "").strip()
    if status not in _ASK_FOR_REST or not said:
        return 0.0
    seconds = _seconds(said)
    if seconds is None:
        # As seldom as it is slow to import.
        from email.utils import parsedate_to_datetime

        try:
            until, since = (parsedate_to_datetime(each) for each in (said, headers.get("date", "")))
            seconds = (until - since).total_seconds()
        except (TypeError, ValueError, OverflowError):
            return 0.0
    return min(LONGEST_REST, max(0.0, seconds))


def _seconds(text: str) -> float | None:
    digits = text.strip()
    return float(digits[:_DIGITS]) if digits.isascii() and digits.isdecimal() else None
