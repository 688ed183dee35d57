"""Figures as people read them, in widths that do not jitter.

Invariant: no function returns more than its stated number of cells; an unknown figure is a dash,
never zero. Input units are the model's: seconds, bytes, fractions, per second.
"""

import math
from typing import Final

from opsconsole.model.written.typed_time import WEEKDAYS
from opsconsole.zones import offset, shown_at

UNKNOWN: Final = "–"
_SIZES: Final = ("B", "K", "M", "G", "T", "P")


def duration(seconds: float | None) -> str:
    """At most six cells: ``0.4ms``, ``42ms``, ``1.9s``, ``3m12s``, ``1h02m``, ``12d4h``."""
    if seconds is None or not math.isfinite(seconds):
        return UNKNOWN
    if seconds < 0.00095:
        return "0ms" if seconds <= 0 else f"{max(0.1, seconds * 1000):.1f}ms"
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f}ms"
    if seconds < 9.95:
        return f"{seconds:.1f}s"
    return age(seconds)


def age(seconds: float | None) -> str:
    """At most six cells, whole seconds: ``4s``, ``3m12s``, ``1h02m``, ``12d4h``, ``900d``."""
    if seconds is None or not math.isfinite(seconds):
        return UNKNOWN
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    if whole < 86400:
        return f"{whole // 3600}h{whole % 3600 // 60:02d}m"
    days, rest = divmod(whole, 86400)
    return f"{days}d{rest // 3600}h" if days < 100 else f"{min(days, 99999)}d"


def spoken(seconds: float) -> str:
    """A duration in a sentence, with a blank before its unit: ``42 s``, ``2 min``, ``1.5 h``."""
    if seconds < 90:
        return f"{max(0.0, seconds):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def one_unit(value: float | None) -> str:
    """A duration with one unit: 42ms, 1.9s, 3m, 2h, 5d."""
    if value is None:
        return "-"
    if value < 1:
        return f"{value * 1000:.0f}ms"
    for limit, size, unit in ((60, 1, "s"), (3600, 60, "m"), (172800, 3600, "h")):
        if value < limit:
            return (
                f"{value / size:.1f}s"
                if unit == "s" and value < 10
                else f"{value / size:.0f}{unit}"
            )
    return f"{value / 86400:.0f}d"


def lasting(seconds: float | None, *, at_least: bool) -> str:
    """An age; with ``at_least`` it may be longer: ``≥ 3m12s``."""
    return f"≥ {age(seconds)}" if at_least else age(seconds)


def coarse_age(seconds: float) -> str:
    """At most four cells, in one unit, so that it rarely changes: ``<1m``, ``41m``, ``3d``."""
    for unit, limit in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= limit:
            return f"{min(999, int(seconds // limit))}{unit}"
    return "<1m"


def percent(fraction: float | None, digits: int = 0) -> str:
    """At most five cells: ``81%``, ``4.1%``, ``120%``, ``999%``."""
    if fraction is None or not math.isfinite(fraction):
        return UNKNOWN
    value = max(-99.0, min(fraction * 100, 9999.0))
    return f"{value:.{digits if -9.95 < value < 99.95 else 0}f}%"


def size(count: float | None) -> str:
    """At most five cells, powers of 1024: ``512B``, ``3.1G``, ``640M``."""
    if count is None or not math.isfinite(count):
        return UNKNOWN
    value = max(0.0, float(count))
    unit = 0
    while value >= 999.5 and unit < len(_SIZES) - 1:
        value /= 1024
        unit += 1
    digits = 1 if unit and value < 9.95 else 0
    return f"{min(value, 9999):.{digits}f}{_SIZES[unit]}"


def rate(per_second: float | None) -> str:
    """At most five cells: ``0.4``, ``88``, ``1.2k``, ``12M``."""
    if per_second is None or not math.isfinite(per_second):
        return UNKNOWN
    value = max(0.0, per_second)
    for suffix in ("", "k", "M", "G"):
        if value < 999.5 or suffix == "G":
            return f"{min(value, 9999):.{_rate_digits(value, suffix)}f}{suffix}"
        value /= 1000
    return UNKNOWN


def _rate_digits(value: float, suffix: str) -> int:
    small = 0 < value < 9.95
    return 1 if small or (suffix and value < 9.95) else 0


def number(value: float | None, unit: str = "") -> str:
    """A figure of a declared metric with its unit: ``s`` ``B`` ``%`` ``/s`` or any other."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    if unit == "s":
        return duration(value)
    if unit == "B":
        return size(value)
    if unit == "%":
        return f"{value:.4g}%"
    if unit == "/s":
        return f"{rate(value)}/s"
    return f"{value:.4g}{unit and ' ' + unit}"


def clock(at: float, *, seconds: bool = True) -> str:
    """The time of day, ``09:14:07`` or ``09:14``."""
    return shown_at(at).strftime("%H:%M:%S" if seconds else "%H:%M")


def fine_clock(at: float) -> str:
    """Twelve cells: the time of day with milliseconds."""
    return shown_at(at).strftime("%H:%M:%S.%f")[:12]


def dated_clock(at: float) -> str:
    """Fifteen cells: day and time of day, for lists in which a day turns: ``Nov 21 09:14:07``."""
    return shown_at(at).strftime("%b %d %H:%M:%S")


def zoned(at: float, *, seconds: bool = True) -> str:
    """The time of day with its zone: ``09:14:07Z``, ``11:14:07+02:00``."""
    return f"{clock(at, seconds=seconds)}{offset(at)}"


def date(at: float) -> str:
    """The date, ``2025-11-21``."""
    return shown_at(at).strftime("%Y-%m-%d")


def when(at: float, now: float) -> str:
    """Eight cells: the time of day; of another day its name and the minute (``Su 23:50``), or the
    date when it was not within the last 20 hours."""
    moment = shown_at(at)
    if abs(now - at) < 72_000:
        today = moment.date() == shown_at(now).date()
        return clock(at) if today else f"{WEEKDAYS[moment.weekday()]} {clock(at, seconds=False)}"
    return moment.strftime("%b %d  ")[:8].ljust(8)


def zoned_when(at: float, now: float) -> str:
    """``when`` within a sentence, with its zone."""
    return f"{when(at, now).strip()}{offset(at)}"


def span(window: float) -> str:
    """``2 min``, ``15 min``, ``6 h``: the axis in words."""
    return f"{window / 3600:g} h" if window >= 7200 else f"{window / 60:g} min"
