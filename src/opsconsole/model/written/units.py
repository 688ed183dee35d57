"""Durations and sizes as people write them.

Invariant: ``parse_duration(format_duration(x)) == x`` for whole milliseconds. Durations are
seconds, sizes are bytes; ``kB`` is 1000 and ``KiB`` 1024, as IEC 80000-13 has it.
"""

import re
from typing import Final

SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
BYTES: Final = {
    "B": 1,
    "kB": 10**3,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
}

_PART: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d|w)")
_DURATION: Final = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?(?:ms|s|m|h|d|w))+")
_SIZE: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([kKMGT]?i?B?)")
_POWERS: Final = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
_LONGEST: Final = 40
_UNITS_DOWN: Final = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1))


_BASE: Final = {
    **{unit: ("s", scale) for unit, scale in SECONDS.items()},
    **{unit: ("s", scale) for unit, scale in (("us", 1e-6), ("µs", 1e-6), ("ns", 1e-9))},
    "min": ("s", 60.0),
    **{unit: ("B", float(scale)) for unit, scale in BYTES.items()},
}


def base_unit(unit: str) -> tuple[str, float]:
    """The unit that figures declared in ``unit`` are kept and compared in, and the factor to it.

    Times are kept in seconds and sizes in bytes; any other unit is a word for people.
    """
    return _BASE.get(unit, (unit, 1.0))


def parse_duration(text: str) -> float:
    """Seconds from ``500ms``, ``30s``, ``1m30s``, ``2h``, ``7d``. Raises ValueError."""
    written = text.strip()
    if len(written) > _LONGEST or not _DURATION.fullmatch(written):
        raise ValueError(f"{_shown(text)} is not a duration such as 500ms, 30s, 1m30s or 2h")
    # Summed in milliseconds, where the usual durations are whole and thus exact.
    total = sum(float(number) * (SECONDS[unit] * 1000) for number, unit in _PART.findall(written))
    return total / 1000


def read_duration(text: str) -> float:
    """Seconds from what a person types or takes from the screen: also ``15 min``, ``2 h``,
    ``1m 30s``. Raises ValueError.
    """
    written = re.sub(r"(\d)\s+(?=[a-z])", r"\1", text.strip())
    written = re.sub(r"(\d(?:m|min|h|d|w|s|ms))\s+(?=\d)", r"\1", written)
    return parse_duration(re.sub(r"(\d)min(?![a-z])", r"\1m", written))


def format_duration(seconds: float) -> str:
    """The shortest of ``parse_duration``'s forms, to the millisecond; ``0s`` for nothing."""
    rest = round(seconds * 1000)
    parts = []
    for unit, size in _UNITS_DOWN:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def parse_size(text: str) -> int:
    """Bytes from ``500MB`` (10^6), ``4GiB`` or ``4Gi`` (2^30), ``512`` (bytes). Raises ValueError.

    A unit without B, as Docker and Kubernetes write ``512M`` and ``4G``, is decimal.
    """
    match = _SIZE.fullmatch(text.strip()) if len(text) <= _LONGEST else None
    if not match or match[2] in {"i", "iB"}:
        raise ValueError(f"{_shown(text)} is not a size such as 500MB or 4GiB")
    unit = match[2]
    factor: int = (1024 if "i" in unit else 1000) ** _POWERS[unit.rstrip("B").rstrip("i").lower()]
    return int(match[1]) * factor if match[1].isdigit() else round(float(match[1]) * factor)


def _shown(text: str) -> str:
    return repr(text if len(text) <= _LONGEST else text[:_LONGEST] + "…")
