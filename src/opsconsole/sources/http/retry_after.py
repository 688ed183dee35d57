"""For how long a server asks to be left alone (RFC 9110 §10.2.3).

Invariant: at most ``LONGEST``, whatever the server says; 0 where it says nothing understood.
"""

from email.utils import parsedate_to_datetime
from typing import Final

import httpx

LONGEST: Final = 300.0
"""Seconds; a mistaken header may not blind the console for longer."""

_ASKS: Final = frozenset({429, 503})


def retry_after(response: httpx.Response) -> float:
    """Seconds from the answer's own ``Date`` on, or from its arrival."""
    said = response.headers.get("retry-after", "").strip()
    if response.status_code not in _ASKS or not said:
        return 0.0
    if said.isascii() and said.isdecimal():
        return min(LONGEST, float(said[:9]))
    try:
        until = parsedate_to_datetime(said)
        since = parsedate_to_datetime(response.headers.get("date", ""))
        return min(LONGEST, max(0.0, (until - since).total_seconds()))
    except (TypeError, ValueError, OverflowError):
        return 0.0
