"""A moment as a person types it.

Invariant: what is typed means one moment or none; nothing is guessed. Times are in
the zone that is shown, unless another one is written.
"""

import re
from contextlib import suppress
from datetime import datetime, time, timedelta
from typing import Final

from opsconsole.model.written.units import read_duration
from opsconsole.text import sanitize
from opsconsole.zones import zone

HOW: Final = (
    "09:14, -2h, or 2026-11-20T09:14; as the clock shows it unless a zone is written: 09:14+01:00"
)
"""What can be typed, as prompts show it."""

SOON: Final = 3600.0
"""Seconds by which a time of day that ends something may lie ahead."""

_SHOWN: Final = 60
_DAY_LENGTH: Final = 86_400.0
_CLOCK: Final = r"\d{1,2}:\d{2}(:\d{2}(\.\d{1,6})?)?([zZ]|[+-]\d{2}:?\d{2})?"
_TIME: Final = re.compile(_CLOCK)
_DATE: Final = re.compile(rf"\d{{4}}-\d{{2}}-\d{{2}}([ tT]{_CLOCK})?")
_DAY: Final = re.compile(r"([A-Z][a-z]{2} \d{1,2})[zZ]?")
_DAY_AND_CLOCK: Final = re.compile(r"([A-Z][a-z]{2} \d{1,2}) (\d{1,2}:\d{2}(?::\d{2})?)[zZ]?")
WEEKDAYS: Final = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
"""Of a moment of another day, as lists show it."""

_WEEKDAY: Final = re.compile(rf"({'|'.join(WEEKDAYS)}) +({_CLOCK})", re.IGNORECASE)
_UNIX: Final = re.compile(r"\d{9,11}(\.\d{1,9})?")
_AGO: Final = re.compile(r"-\s*(.+)|(.+?)\s+ago")


class TypedTimeError(ValueError):
    """What was typed is no moment; the text says why and what would be one."""


def end_of(text: str, now: float) -> float:
    """The end of a span of time, as ``moment_of``; a time of day within the next minutes is now.

    Nobody who writes 06:28 at 06:27 means yesterday.
    """
    typed = text.strip()
    if _TIME.fullmatch(typed):
        with suppress(TypedTimeError):
            if now - _moment_of(typed, now) > _DAY_LENGTH - SOON:
                return now
    return moment_of(text, now)


def moment_of(text: str, now: float) -> float:
    """The moment that ``text`` means, in Unix seconds, from 0 to ``now``.

    A time of day is the latest such before ``now``. Raises TypedTimeError.
    """
    moment = _moment_of(text.strip(), now)
    if moment < 0.0:
        raise TypedTimeError("nobody recorded anything so long ago")
    return moment


def _moment_of(typed: str, now: float) -> float:
    if typed.lower() == "now":
        return now
    ago = _AGO.fullmatch(typed)
    if ago is not None:
        return now - _seconds(ago[1] or ago[2])
    try:
        if _UNIX.fullmatch(typed):
            return _earlier(float(typed), now)
        if (named := _of_a_named_day(typed, now)) is not None:
            return named
        if _TIME.fullmatch(typed):
            return _latest(typed, now)
        if _DATE.fullmatch(typed):
            return _earlier(_zoned(datetime.fromisoformat(_padded(typed))), now)
    except (OverflowError, ValueError) as error:
        if isinstance(error, TypedTimeError):
            raise
        raise TypedTimeError(f"there is no {_shown(typed)}: say {HOW}") from error
    raise TypedTimeError(f"{_shown(typed) or 'nothing'} is no time: say {HOW}")


def _of_a_named_day(typed: str, now: float) -> float | None:
    """``Nov 29``, ``Nov 29 23:50:00`` and ``Su 23:50``, as lists show what is of another day."""
    if (day := _DAY.fullmatch(typed)) is not None:
        return _latest_day(day[1], now)
    if (dated := _DAY_AND_CLOCK.fullmatch(typed)) is not None:
        clock = time.fromisoformat(_padded(dated[2]))
        into = timedelta(hours=clock.hour, minutes=clock.minute, seconds=clock.second)
        return _earlier(_latest_day(dated[1], now) + into.total_seconds(), now)
    if (named := _WEEKDAY.fullmatch(typed)) is not None:
        return _latest(named[2], now, WEEKDAYS.index(named[1].title()))
    return None


def _seconds(text: str) -> float:
    try:
        return read_duration(text)
    except ValueError as error:
        raise TypedTimeError(f"{_shown(text)} is no length of time: say {HOW}") from error


def _latest(typed: str, now: float, weekday: int | None = None) -> float:
    """The latest such time of day that is not after ``now``, of that day of the week if any."""
    wanted = time.fromisoformat(_padded(typed))
    meant = wanted.tzinfo or zone()
    today = datetime.fromtimestamp(now, meant).date()
    days = (today - timedelta(days=back) for back in range(9))
    found = (
        datetime.combine(day, wanted, meant).timestamp()
        for day in days
        if weekday is None or day.weekday() == weekday
    )
    return next(moment for moment in found if moment <= now)


def _latest_day(typed: str, now: float) -> float:
    """The beginning of the latest such day, as lists of older things show it."""
    year = datetime.fromtimestamp(now, zone()).year
    day = datetime.strptime(f"{typed} {year} +0000", "%b %d %Y %z").replace(tzinfo=zone())
    return (day if day.timestamp() <= now else day.replace(year=year - 1)).timestamp()


def _zoned(moment: datetime) -> float:
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone())).timestamp()


def _earlier(moment: float, now: float) -> float:
    if moment > now:
        raise TypedTimeError("that is later than now")
    return moment


def _padded(typed: str) -> str:
    """With two digits for the hour, as the standard library reads it."""
    return re.sub(r"(^|[ tT])(\d):", r"\g<1>0\2:", typed).replace("z", "Z").replace("t", "T")


def _shown(typed: str) -> str:
    """What was typed, in a sentence: a script may have it from anywhere."""
    return sanitize(typed, limit=_SHOWN)
