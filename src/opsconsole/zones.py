"""The zone in which times are shown, and how a moment is written in it.

Invariant: every time that a person reads is made of a moment by ``shown_at`` and, where its zone is
not plain from beside it, followed by ``offset``. A moment that no calendar has, such as one that a
server's broken clock gave, is shown as the nearest that every zone has. What leaves the console (an
export, JSON, a journal, a file's name) is in UTC and says so, whatever is shown. A process shows
one zone.
"""

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

USUAL: Final = "utc"
LOCAL: Final = "local"


_FIRST: Final = -62_135_510_400.0
"""0001-01-02T00:00:00Z: a day after the first moment that ``datetime`` has."""

_LAST: Final = 253_402_214_400.0
"""9999-12-31T00:00:00Z: a day before the last."""


class _Shown:
    """``zone`` is None for the machine's own."""

    def __init__(self) -> None:
        self.name = USUAL
        self.zone: tzinfo | None = UTC
        self.chosen = False


_shown = _Shown()


def problem_with(name: str) -> str:
    """Why ``name`` is no zone; '' where it is: utc, local, or a name such as Europe/Berlin."""
    if name in {USUAL, LOCAL}:
        return ""
    try:
        _named(name)
    except (LookupError, ValueError, OSError):
        return f"{name[:60]!r} is no zone: write utc, local, or a name such as Europe/Berlin"
    return ""


def show_in(name: str) -> None:
    """Show times in the zone ``name``, as the user chose it; nothing changes where it is none."""
    if not problem_with(name):
        _shown.name, _shown.chosen = name, True
        _shown.zone = zone_of(name)


def _named(name: str) -> tzinfo:
    # Most show UTC, and what reads the machine's zones takes long to import.
    from zoneinfo import ZoneInfo

    return ZoneInfo(name)


def begin_in(name: str) -> None:
    """Show times in the configured zone, unless the user has chosen another one."""
    if not _shown.chosen:
        show_in(name)
        _shown.chosen = False


def shown() -> str:
    """The zone's name as the configuration has it."""
    return _shown.name


def zone() -> tzinfo | None:
    """The zone; None for the machine's own, as ``datetime`` has it."""
    return _shown.zone


def shown_at(at: float) -> datetime:
    """The moment ``at``, in Unix seconds, as it is shown."""
    return datetime.fromtimestamp(in_calendar(at), _shown.zone)


def offset(at: float) -> str:
    """``Z`` for UTC, else as in ``+02:00``: the zone's difference from UTC at that moment."""
    if _shown.zone is UTC:
        return "Z"
    ahead = shown_at(at).astimezone().utcoffset() if _shown.zone is None else None
    ahead = shown_at(at).utcoffset() if ahead is None else ahead
    minutes = round((ahead or timedelta()).total_seconds() / 60)
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def written(at: float) -> str:
    """``2026-11-30 09:14:07Z``: a whole moment within a sentence."""
    return f"{shown_at(at):%Y-%m-%d %H:%M:%S}{offset(at)}"


def exported(at: float) -> str:
    """``2026-11-30T09:14:07.120Z``: a moment in what leaves the console."""
    text = datetime.fromtimestamp(in_calendar(at), UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def in_calendar(at: float) -> float:
    """``at``, or the nearest moment that every zone has a date for."""
    return at if _FIRST <= at <= _LAST else _LAST if at > _LAST else _FIRST


def zone_of(name: str) -> tzinfo | None:
    """The zone ``name``, with which there is no problem; None for the machine's own."""
    return UTC if name == USUAL else None if name == LOCAL else _named(name)
