"""Hours of the week as people write them: ``mon-fri 08:00-20:00``, ``sun 22:00-04:00``, ``daily``.

Invariant: ``parse_hours(str(hours))`` are the same hours. Hours that end before they begin end on
the next day; their days are those on which they begin. Both ends are read on the clock of a zone,
so that where a clock is set forward or back they are as much shorter or longer.
"""

import re
from datetime import datetime, time, timedelta, tzinfo
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.zones import in_calendar

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAILY: Final = "daily"

_MINUTES: Final = 24 * 60
_WRITTEN: Final = re.compile(r"(?:([a-z,\s-]+?)\s+)?(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})")
_LONGEST: Final = 100
_EXAMPLE: Final = "mon-fri 08:00-20:00, sat,sun 22:00-04:00 or daily 02:00-03:00"


@dataclass(frozen=True, slots=True)
class Hours:
    """``days`` count from Monday, 0; ``start`` and ``end`` are minutes of the day, 0 to 1440."""

    days: frozenset[int]
    start: int
    end: int

    def __str__(self) -> str:
        days = DAILY if len(self.days) == 7 else ",".join(DAYS[day] for day in sorted(self.days))
        return f"{days} {_clock(self.start)}-{_clock(self.end)}"

    def end_of(self, at: float, zone: tzinfo | None) -> float | None:
        """When the hours end that the moment ``at`` lies in; None where it lies outside."""
        span = self.span_of(at, zone)
        return None if span is None else span[1]

    def span_of(self, at: float, zone: tzinfo | None) -> tuple[float, float] | None:
        """When the hours begin and end that ``at`` lies in; ``zone`` None is the machine's own."""
        today = datetime.fromtimestamp(in_calendar(at), zone).date()
        for date in (today, today - timedelta(days=1)):
            if date.weekday() not in self.days:
                continue
            midnight = datetime.combine(date, time(), zone)
            begin = midnight + timedelta(minutes=self.start)
            later = _MINUTES if self.end <= self.start else 0
            end = midnight + timedelta(minutes=self.end + later)
            if begin.timestamp() <= at < end.timestamp():
                return begin.timestamp(), end.timestamp()
        return None


def parse_hours(text: str) -> Hours:
    """Read hours of the week. Raises ValueError with what to write instead."""
    match = _WRITTEN.fullmatch(text.strip().lower()) if len(text) <= _LONGEST else None
    if match is None:
        raise ValueError(f"are hours of the week, such as {_EXAMPLE}")
    start, end = _minutes(match[2], match[3]), _minutes(match[4], match[5])
    if start in {end, _MINUTES}:
        raise ValueError("begin and end at the same time; a whole day is 00:00-24:00")
    return Hours(_days(match[1] or DAILY), start, end)


def _minutes(hour: str, minute: str) -> int:
    minutes = int(hour) * 60 + int(minute)
    if int(minute) > 59 or minutes > _MINUTES:
        raise ValueError(f"{hour}:{minute} is no time of the day, which is 00:00 to 24:00")
    return minutes


def _days(text: str) -> frozenset[int]:
    if text.strip() == DAILY:
        return frozenset(range(7))
    found: set[int] = set()
    for part in text.split(","):
        first, dash, last = (word.strip() for word in part.partition("-"))
        begin = _day(first)
        end = _day(last) if dash else begin
        found.update((begin + offset) % 7 for offset in range((end - begin) % 7 + 1))
    return frozenset(found)


def _day(word: str) -> int:
    for number, name in enumerate(DAYS):
        if len(word) >= len(name) and _LONG[number].startswith(word):
            return number
    raise ValueError(f"{word[:20]!r} is no day; there are {', '.join(DAYS)} and {DAILY}")


_LONG: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
