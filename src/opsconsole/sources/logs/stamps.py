"""Times as logs write them, on one clock.

Invariant: a time is Unix seconds or None, never an exception. A time without a zone is in this
machine's zone, as loggers write it; one that lies before 2000 or more than a day after the
line's arrival is not believed.

Formats: RFC 3339 and ISO 8601 (a comma or a point before the fraction), RFC 3164 (syslog, which
has no year), Common Log Format, epochs in seconds, milli-, micro- and nanoseconds.
"""

import re
import time
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

_EARLIEST: Final = 946_684_800.0
_AHEAD: Final = 86_400.0

_ISO: Final = re.compile(
    r"(\d{4})[-/](\d\d)[-/](\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?"
    r"\s?(Z|UTC|[+-]\d\d:?\d\d)?"
)
_SYSLOG: Final = re.compile(r"([A-Z][a-z]{2}) {1,2}(\d{1,2}) (\d\d):(\d\d):(\d\d)\b")
_COMMON: Final = re.compile(r"(\d\d)/([A-Z][a-z]{2})/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-]\d{4})")
_MONTHS: Final = {
    "Jan": 1, "Feb": 2, "Mar": 3, "Apr": 4, "May": 5, "Jun": 6,
    "Jul": 7, "Aug": 8, "Sep": 9, "Oct": 10, "Nov": 11, "Dec": 12,
}  # fmt: skip
_HEAD: Final = 120
"""Characters of a line in which its time is looked for."""


def stamp_in(text: str, arrived: float) -> float | None:
    """The time in the beginning of a line."""
    head = text[:_HEAD]
    found = _ISO.search(head)
    if found is not None:
        return believed(_iso(found), arrived)
    found = _COMMON.search(head)
    if found is not None:
        return believed(_common(found), arrived)
    found = _SYSLOG.match(head.lstrip("["))
    return believed(_syslog(found, arrived), arrived) if found else None


def stamp_of(value: object, arrived: float) -> float | None:
    """The time that a JSON value means: text, or a number of some epoch."""
    if isinstance(value, str):
        return stamp_in(value, arrived) if not value.isdecimal() else _epoch(value, arrived)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _epoch(value, arrived)
    return None


def believed(at: float | None, arrived: float) -> float | None:
    """``at`` where it can be true."""
    return at if at is not None and _EARLIEST <= at <= arrived + _AHEAD else None


def _epoch(value: float | str, arrived: float) -> float | None:
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    for scale in (1.0, 1e3, 1e6, 1e9):
        at = believed(number / scale, arrived)
        if at is not None:
            return at
    return None


def _iso(found: re.Match[str]) -> float | None:
    year, month, day, hour, minute, second = map(int, found.groups()[:6])
    fraction = float(f"0.{found[7]}") if found[7] else 0.0
    return _seconds((year, month, day, hour, minute, second), fraction, found[8])


def _common(found: re.Match[str]) -> float | None:
    day, month, year, hour, minute, second = found.groups()[:6]
    when = (int(year), _MONTHS.get(month, 0), int(day), int(hour), int(minute), int(second))
    return _seconds(when, 0.0, found[7])


def _syslog(found: re.Match[str], arrived: float) -> float | None:
    year = time.localtime(arrived).tm_year
    month = _MONTHS.get(found[1], 0)
    rest = (int(found[2]), int(found[3]), int(found[4]), int(found[5]))
    at = _seconds((year, month, *rest), 0.0, None)
    if at is not None and at > arrived + _AHEAD:
        return _seconds((year - 1, month, *rest), 0.0, None)
    return at


def _seconds(
    when: tuple[int, int, int, int, int, int], fraction: float, zone: str | None
) -> float | None:
    try:
        if zone is None:
            return time.mktime((*when, 0, 0, -1)) + fraction if _is_date(when) else None
        return datetime(*when, tzinfo=_zone(zone)).timestamp() + fraction
    except (ValueError, OverflowError, OSError):
        return None


def _is_date(when: tuple[int, int, int, int, int, int]) -> bool:
    """Raises ValueError for what ``mktime`` would make another day of."""
    return bool(datetime(*when, tzinfo=UTC))


def _zone(text: str) -> timezone:
    if text in ("Z", "UTC"):
        return timezone(timedelta(0))
    digits = text[1:].replace(":", "")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-offset if text[0] == "-" else offset)
