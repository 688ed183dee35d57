"""Times as logs write them, on one clock.

Invariant: a time is Unix seconds or None, never an exception. A time without a zone is in this
machine's zone, as loggers write it; one that lies before 2000 or more than a day after the
line's arrival is not believed.

Formats: RFC 3339 and ISO 8601 (a comma or a point before the fraction), asctime, RFC 3164 (syslog,
which has no year), Common Log Format, ``01-May-2026``, ``01 May 2026``, ``May 01, 2026 10:00:00
AM``, ``05/01/2026, 10:00:00 AM``, klog's and glog's heads, epochs in seconds, milli-, micro- and
nanoseconds; zones as offsets and as the names that programs print.
"""

import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Final, NamedTuple

_EARLIEST: Final = 946_684_800.0
_AHEAD: Final = 86_400.0
_HEAD: Final = 120
"""Characters of a line in which its time is looked for."""

_ZONES: Final = {
    "Z": 0, "UTC": 0, "GMT": 0, "WET": 0, "BST": 1, "WEST": 1, "CET": 1, "CEST": 2, "EET": 2,
    "EEST": 3, "MSK": 3, "EST": -5, "EDT": -4, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8,
    "PDT": -7, "JST": 9, "AEST": 10, "AEDT": 11,
}  # fmt: skip
"""Hours ahead of UTC. Names that stand for several zones are left out."""

_MONTHS: Final = {
    "Jan": 1, "Feb": 2, "Mar": 3, "Apr": 4, "May": 5, "Jun": 6,
    "Jul": 7, "Aug": 8, "Sep": 9, "Oct": 10, "Nov": 11, "Dec": 12,
}  # fmt: skip
_MONTH: Final = "(?P<b>" + "|".join(_MONTHS) + ")"
_TIME: Final = r"(?P<H>\d\d):(?P<M>\d\d):(?P<S>\d\d)(?:[.,](?P<f>\d{1,9}))?"
_ZONE: Final = (
    r"(?:\s?(?P<z>Z|[+-]\d\d(?::?\d\d)?|"
    + "|".join(sorted(_ZONES, key=len, reverse=True))
    + r")(?![A-Za-z\d])| (?P<r>[A-Z][A-Za-z]+/[A-Z][A-Za-z_]+(?:/[A-Z][A-Za-z_]+)?)(?=[\]\s,]))?"
)

_TWELVE: Final = r"(?P<H>\d{1,2}):(?P<M>\d\d):(?P<S>\d\d)(?:[.,](?P<f>\d{1,9}))? (?P<p>[AP]M)"

_PATTERNS: Final = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?P<Y>\d{{4}})[-/.](?P<m>\d\d)[-/.](?P<d>\d\d)[T ]{_TIME}{_ZONE}",
        rf"(?<!\d)(?P<d>\d{{1,2}})[-/ ]{_MONTH}[-/ ](?P<Y>\d{{4}})(?: |::?){_TIME}{_ZONE}",
        rf"[A-Z][a-z]{{2}} {_MONTH} {{1,2}}(?P<d>\d{{1,2}}) {_TIME}{_ZONE} (?P<Y>\d{{4}})",
        rf"{_MONTH} (?P<d>\d{{1,2}}), (?P<Y>\d{{4}}),? {_TWELVE}{_ZONE}",
        rf"(?<!\d)(?P<m>\d{{1,2}})/(?P<d>\d{{1,2}})/(?P<Y>\d{{4}}),? {_TWELVE}",
    )
)
_AT_START: Final = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\[?(?:<\d{{1,3}}>)?{_MONTH} {{1,2}}(?P<d>\d{{1,2}}) {_TIME}\b",
        rf"[IWEFD](?:(?P<Y>\d{{4}}|\d\d))?(?P<m>\d\d)(?P<d>\d\d) {_TIME}",
        rf"(?P<Y>\d{{4}})(?P<m>\d\d)(?P<d>\d\d)[ T-]{_TIME}{_ZONE}",
        rf"(?P<Y>\d{{4}})(?P<m>\d\d)(?P<d>\d\d)T(?P<H>\d\d)(?P<M>\d\d)(?P<S>\d\d){_ZONE}",
        rf"(?P<d>\d{{1,2}}) {_MONTH} {_TIME}\b",
        # Spark and Hadoop alone write the year first and short.
        rf"(?P<Y>\d\d)/(?P<m>\d\d)/(?P<d>\d\d) {_TIME}(?= (?:TRACE|DEBUG|INFO|WARN|ERROR|FATAL) )",
        r"(?P<e>\d{10}\.\d{3,9})\s",
        r"(?:(?P<e>\d{10}(?:\.\d{3,9})?):\s)",
        r"\[(?P<e>\d{10}(?:\.\d{3,9})?)\]",
    )
)
_LIKELY: Final = re.compile(r"\d:\d\d:\d|^\[?\d{10}[.:\]]|^\d{8}T\d{6}")
"""What a line with a time has; the other patterns are not tried without it."""


class Stamp(NamedTuple):
    """A time in Unix seconds, and where in the line it ends."""

    at: float
    end: int


def find_stamp(text: str, arrived: float) -> Stamp | None:
    """The first believable time in the beginning of a line."""
    head = text[:_HEAD]
    if not _LIKELY.search(head):
        return None
    for find in (*(each.search for each in _PATTERNS), *(each.match for each in _AT_START)):
        found = find(head)
        at = believed(_seconds_of(found, arrived), arrived) if found is not None else None
        if found is not None and at is not None:
            return Stamp(at, found.end())
    return None


def stamp_in(text: str, arrived: float) -> float | None:
    """The time in the beginning of a line."""
    found = find_stamp(text, arrived)
    return found.at if found is not None else None


def stamp_of(value: object, arrived: float) -> float | None:
    """The time that a JSON value means: text, or a number of some epoch."""
    if isinstance(value, str):
        return stamp_in(value, arrived) if not value.isdecimal() else _epoch(value, arrived)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _epoch(value, arrived)
    if isinstance(value, Mapping):
        # MongoDB's, Log4j's instant, and Google's protocol buffers.
        if isinstance(value.get("$date"), str):
            return stamp_in(value["$date"], arrived)
        whole = value.get("epochSecond", value.get("seconds"))
        part = value.get("nanoOfSecond", value.get("nanos", 0))
        if isinstance(whole, int) and isinstance(part, int):
            return believed(whole + part / 1e9, arrived)
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


def _seconds_of(found: re.Match[str], arrived: float) -> float | None:
    """What a match of one of the patterns means; a year that is not written is the likeliest."""
    parts = found.groupdict()
    if parts.get("e"):
        return float(parts["e"])
    month = _MONTHS[parts["b"]] if parts.get("b") else int(parts["m"])
    hour = int(parts["H"])
    if parts.get("p"):
        hour = hour % 12 + (12 if parts["p"] == "PM" else 0)
    rest = (month, int(parts["d"]), hour, int(parts["M"]), int(parts["S"]))
    fraction = float(f"0.{parts['f']}") if parts.get("f") else 0.0
    year, zone = parts.get("Y"), parts.get("z") or parts.get("r")
    if year:
        return _seconds((int(year) + (2000 if len(year) == 2 else 0), *rest), fraction, zone)
    this_year = time.localtime(arrived).tm_year
    at = _seconds((this_year, *rest), fraction, zone)
    if at is not None and at > arrived + _AHEAD:
        return _seconds((this_year - 1, *rest), fraction, zone)
    return at


def _seconds(
    when: tuple[int, int, int, int, int, int], fraction: float, zone: str | None
) -> float | None:
    try:
        if zone is None:
            return time.mktime((*when, 0, 0, -1)) + fraction if _is_date(when) else None
        return datetime(*when, tzinfo=_zone(zone)).timestamp() + fraction
    except (LookupError, ValueError, OverflowError, OSError):
        return None


@lru_cache(maxsize=64)
def _region(name: str) -> tzinfo:
    """A zone by its place; raises LookupError where nobody knows it."""
    # Few logs name one, and what reads the machine's zones takes long to import.
    from zoneinfo import ZoneInfo

    return ZoneInfo(name)


def _is_date(when: tuple[int, int, int, int, int, int]) -> bool:
    """Raises ValueError for what ``mktime`` would make another day of."""
    return bool(datetime(*when, tzinfo=UTC))


def _zone(text: str) -> tzinfo:
    if text in _ZONES:
        return timezone(timedelta(hours=_ZONES[text]))
    if "/" in text:
        return _region(text)
    digits = text[1:].replace(":", "")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:] or 0))
    return timezone(-offset if text[0] == "-" else offset)
