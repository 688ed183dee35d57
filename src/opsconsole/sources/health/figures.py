"""The numbers of a body by dotted path, times in seconds, and the body for a person to read.

Invariant: at most 500 figures, every one finite; text is sanitised and at most 64 KiB.
"""

import json
import math
import re
from contextlib import suppress
from json.encoder import encode_basestring
from typing import Final

from opsconsole.sources.strict_json import Json
from opsconsole.text import sanitize, sanitize_bytes

FIGURE_LIMIT: Final = 500
RAW_LIMIT: Final = 64 * 1024

_NAME_LIMIT: Final = 80
_LINE_LIMIT: Final = 1000
_SAMPLE: Final = re.compile(r"([A-Za-z_:][\w:]*)(?:\{([^{}]*)\})? +(\S+)(?: +\d+)?")
_TIMESPAN: Final = re.compile(r"(-?)(?:(\d+)\.)?(\d{1,2}):(\d{2}):(\d{2}(?:\.\d+)?)")
_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(ns|us|µs|ms|s|m|h)?")
_UNITS: Final = {
    "ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0,
}  # fmt: skip

# Key and the unit that its writers mean where they name none.
LATENCY_KEYS: Final = {
    "response_time_ms": "ms",
    "responsetimems": "ms",
    "latency_ms": "ms",
    "latencyms": "ms",
    "duration_ms": "ms",
    "durationms": "ms",
    "elapsed_ms": "ms",
    "time_ms": "ms",
    "took_ms": "ms",
    "responsetime": "ms",
    "latency": "ms",
    "ping": "ms",
    "response_time": "s",
    "response_time_seconds": "s",
    "latency_seconds": "s",
    "duration_seconds": "s",
    "duration": "s",
    "elapsed": "s",
}


def figures(value: Json) -> dict[str, float]:
    """Every number of ``value`` by dotted path, list positions counted from 0."""
    found: dict[str, float] = {}
    _collect(value, "", found)
    return found


def _collect(value: Json, path: str, found: dict[str, float]) -> None:
    if len(found) >= FIGURE_LIMIT:
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            if inner.__class__ is str or inner is None:
                continue
            name = sanitize(key, limit=_NAME_LIMIT)
            _collect(inner, f"{path}.{name}" if path else name, found)
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            _collect(inner, f"{path}.{position}" if path else str(position), found)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        with suppress(OverflowError):
            found[path] = float(value)


def exposition(text: str) -> dict[str, float]:
    """The samples of a Prometheus or OpenMetrics text, by name and labels as written."""
    found: dict[str, float] = {}
    for line in text.splitlines():
        if len(found) >= FIGURE_LIMIT:
            break
        match = None if line.startswith("#") else _SAMPLE.fullmatch(line.strip())
        if match is None:
            continue
        try:
            number = float(match[3])
        except ValueError:
            continue
        if math.isfinite(number):
            name = match[1] + (f"{{{match[2]}}}" if match[2] else "")
            found[sanitize(name, limit=200)] = number
    return found


def seconds(value: Json, unit: str) -> float | None:
    """A time in seconds: a number in ``unit``, ``12ms``, or .NET's ``[d.]hh:mm:ss.fffffff``."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return float(value) * _UNITS[unit] if 0 <= value < 1e12 else None
    if not isinstance(value, str) or len(value) > 40:
        return None
    span = _TIMESPAN.fullmatch(value.strip())
    if span and not span[1]:
        hours = int(span[2] or 0) * 24 + int(span[3])
        return hours * 3600.0 + int(span[4]) * 60.0 + float(span[5])
    plain = _DURATION.fullmatch(value.strip())
    return float(plain[1]) * _UNITS[plain[2] or unit] if plain else None


def readable(value: Json) -> str:
    """JSON, one value a line, sanitised and cut to ``RAW_LIMIT``."""
    out: list[str] = []
    _write(value, "\n", out)
    return _cut("".join(out))


def _write(value: Json, margin: str, out: list[str]) -> None:
    """``value`` as ``json.dumps(value, ensure_ascii=False, indent=2)`` has it, piece by piece, as
    far as it is kept.

    The library's own encoder is created again for each indented value and leaves a cycle of
    closures behind: at 200 bodies a second the collector stops everything for tens of
    milliseconds.
    """
    if len(out) > RAW_LIMIT:
        return
    if isinstance(value, str):
        out.append(encode_basestring(value))
    elif isinstance(value, dict) and value:
        inner = f"{margin}  "
        before = f"{{{inner}"
        for key, item in value.items():
            out.append(f"{before}{encode_basestring(key)}: ")
            _write(item, inner, out)
            before = f",{inner}"
        out.append(f"{margin}}}")
    elif isinstance(value, list) and value:
        inner = f"{margin}  "
        before = f"[{inner}"
        for item in value:
            out.append(before)
            _write(item, inner, out)
            before = f",{inner}"
        out.append(f"{margin}]")
    elif value.__class__ is int or (value.__class__ is float and math.isfinite(value)):
        out.append(repr(value))
    else:
        out.append(json.dumps(value))


def readable_text(body: bytes) -> str:
    """Any other body, sanitised and cut to ``RAW_LIMIT``."""
    return _cut(sanitize_bytes(body[:RAW_LIMIT], limit=_LINE_LIMIT, multiline=True))


def _cut(text: str) -> str:
    clean = sanitize(text, limit=_LINE_LIMIT, multiline=True)
    return clean if len(clean) <= RAW_LIMIT else clean[: RAW_LIMIT - 1] + "…"
