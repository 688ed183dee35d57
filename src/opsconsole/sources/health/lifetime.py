"""How long what answers has run, as its body says it.

Invariant: pure; only keys that are about running are read, in the units that they name, and a
time without a unit is seconds. ``started`` is one of the service's own clock, which may be wrong:
it is good for being compared with another one of the same service, and for nothing else.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.sources.health.status import plain

_LINE: Final = re.compile(r"( *)\"?([A-Za-z][\w .-]{0,60}?)\"?\s*[:= ]\s*\"?([^\"]{1,60}?)\"?,?\s*")
_UPTIME: Final = re.compile(
    r"(?!start).*uptime(?:in)?(?P<unit>s|secs?|seconds?|ms|milli\w*|min\w*)?(?:\w*epoch)?"
)
_MILLI: Final = ("ms", "milli")
_STARTED: Final = frozenset(
    {"started", "startedat", "starttime", "starttimestamp", "startup", "startuptime", "startdate"}
    | {"bootedat", "boottime", "launchedat", "launchtime", "upsince", "onlinesince", "runningsince"}
    | {"processstarttime", "processstarttimeseconds", "serverstarttime", "postmasterstarttime"}
)
_CLOCK: Final = re.compile(r"(?:(\d+)(?:\.| days?,? ))?(\d{1,3}):(\d\d)(?::(\d\d(?:\.\d+)?))?")
_PART: Final = re.compile(
    r"(\d+(?:\.\d+)?) ?(weeks?|days?|hours?|minutes?|mins?|seconds?|secs?|[wdhms])(?![a-su-z])",
    re.IGNORECASE,
)
_BETWEEN: Final = re.compile(r"(?:[PT, ]|and)*")
_UNITS: Final = {"w": 604_800.0, "d": 86_400.0, "h": 3600.0, "m": 60.0, "s": 1.0}
_NUMBER: Final = re.compile(r"\d{1,15}(?:\.\d{1,20})?(?:[eE][+-]?\d{1,2})?")
_EARLIEST: Final = 946_684_800.0
_LATEST: Final = 4_102_444_800.0


@dataclass(frozen=True, slots=True)
class Lifetime:
    """Seconds that it has run, and the Unix time of its start; None where it does not say."""

    uptime: float | None = None
    started: float | None = None


def lifetime_in(raw: str) -> Lifetime:
    """What a body says, as ``readable`` has it: the shortest uptime, the outermost start."""
    uptimes: list[float] = []
    starts: list[tuple[int, float]] = []
    for margin, key, said in _said(raw):
        uptime = _uptime(key, said)
        if uptime is not None:
            uptimes.append(uptime)
        elif key in _STARTED and (started := _moment(said)) is not None:
            starts.append((margin, started))
    outermost = min(starts, key=lambda each: each[0], default=(0, None))
    return Lifetime(min(uptimes, default=None), outermost[1])


def _said(raw: str) -> Iterator[tuple[int, str, str]]:
    for line in raw.splitlines():
        found = _LINE.fullmatch(line)
        if found is not None:
            yield len(found[1]), plain(found[2]), found[3]


def _uptime(key: str, said: str) -> float | None:
    if key == "up":
        return None if _NUMBER.fullmatch(said) else _length(said)
    found = _UPTIME.fullmatch(key)
    if found is None:
        return None
    unit = found["unit"] or ""
    scale = 1e-3 if unit.startswith(_MILLI) else 60.0 if unit.startswith("min") else 1.0
    return float(said) * scale if _NUMBER.fullmatch(said) else _length(said)


def _length(said: str) -> float | None:
    """``26.1s``, ``3h2m1s``, ``PT5M``, ``1 day, 2:03:04``, ``5 days 3 hours``."""
    clock = _CLOCK.fullmatch(said)
    if clock is not None:
        days, hours, minutes, seconds = (float(part or 0) for part in clock.groups())
        return ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    parts = list(_PART.finditer(said))
    if not parts or _BETWEEN.fullmatch(_PART.sub("", said)) is None:
        return None
    return sum(float(part[1]) * _UNITS[part[2][0].lower()] for part in parts)


def _moment(said: str) -> float | None:
    """A moment in Unix seconds; one without a zone is taken as UTC."""
    if _NUMBER.fullmatch(said):
        number = float(said)
        moment = number / 1000 if number > _LATEST else number
        return moment if _EARLIEST <= moment <= _LATEST else None
    try:
        found = datetime.fromisoformat(said)
    except ValueError:
        return None
    return found.timestamp() if found.tzinfo else found.replace(tzinfo=UTC).timestamp()
