"""One raw line into what it says: its time, its level, its words.

Invariant: pure and total: any bytes give a line; every text is sanitised and at most
``text.LINE_LIMIT`` characters long, with what was cut off counted. A line that is not JSON, or
not an object, is text, whatever was declared.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from opsconsole.model.logs import LogLevel
from opsconsole.sources.logs.raw_lines import RawLine
from opsconsole.sources.logs.stamps import stamp_in, stamp_of
from opsconsole.text import LINE_LIMIT, sanitize

_TIME_KEYS: Final = ("timestamp", "@timestamp", "time", "ts", "t", "@t", "asctime", "date")
_LEVEL_KEYS: Final = ("level", "severity", "levelname", "log.level", "lvl", "@l", "loglevel")
_TEXT_KEYS: Final = ("message", "msg", "event", "log", "@m", "text")
_MOST_EXTRAS: Final = 24
_MOST_ROWS: Final = 200

_WORDS: Final[Mapping[str, LogLevel]] = {
    "trace": LogLevel.TRACE, "finest": LogLevel.TRACE, "verbose": LogLevel.TRACE,
    "debug": LogLevel.DEBUG, "dbg": LogLevel.DEBUG, "fine": LogLevel.DEBUG,
    "info": LogLevel.INFO, "inf": LogLevel.INFO, "information": LogLevel.INFO,
    "notice": LogLevel.NOTICE,
    "warn": LogLevel.WARNING, "warning": LogLevel.WARNING, "wrn": LogLevel.WARNING,
    "error": LogLevel.ERROR, "err": LogLevel.ERROR, "severe": LogLevel.ERROR,
    "critical": LogLevel.CRITICAL, "crit": LogLevel.CRITICAL, "fatal": LogLevel.CRITICAL,
    "panic": LogLevel.CRITICAL, "alert": LogLevel.CRITICAL, "emerg": LogLevel.CRITICAL,
    "emergency": LogLevel.CRITICAL,
}  # fmt: skip
_BUNYAN: Final = {
    10: LogLevel.TRACE, 20: LogLevel.DEBUG, 30: LogLevel.INFO,
    40: LogLevel.WARNING, 50: LogLevel.ERROR, 60: LogLevel.CRITICAL,
}  # fmt: skip
_KLOG: Final[Mapping[str, LogLevel]] = {
    "I": LogLevel.INFO, "W": LogLevel.WARNING, "E": LogLevel.ERROR, "F": LogLevel.CRITICAL,
}  # fmt: skip
_UPPER: Final = "|".join(sorted((word.upper() for word in _WORDS), key=len, reverse=True))
_LEVEL_IN_TEXT: Final = re.compile(
    rf"\b({_UPPER})\b|\b(?:level|lvl|severity)=\"?([A-Za-z]+)|[\[<]([a-z]{{3,11}})[\]>]"
)
_KLOG_HEAD: Final = re.compile(r"([IWEF])\d{4} \d\d:\d\d:\d\d")
_LEVEL_WITHIN: Final = 240
_CONTINUES: Final = re.compile(
    r"[ \t]|Caused by:|Traceback \(most recent call last\)|[A-Za-z_][\w.]*(?:Error|Exception)\b"
)


@dataclass(frozen=True, slots=True)
class ParsedLine:
    """``at`` is in Unix seconds, None where the line bears no time.

    ``continues`` says that it belongs to the line before, as the lines of a traceback do.
    """

    text: str
    level: LogLevel = LogLevel.UNKNOWN
    at: float | None = None
    continues: bool = False


def parse(raw: RawLine, form: str, arrived: float) -> ParsedLine:
    """What ``raw`` says. ``form`` is auto, json or text; ``arrived`` is in Unix seconds."""
    decoded = raw.data.removesuffix(b"\r").decode("utf-8", "backslashreplace")
    if form != "text" and decoded.startswith("{") and not raw.over:
        fields = _object(decoded)
        if fields is not None:
            return _from_json(fields, raw.at, arrived)
    at = raw.at if raw.at is not None else stamp_in(decoded, arrived)
    own = raw.at is None and at is not None
    text = f"{sanitize(decoded)}{_cut_off(raw.over)}"
    level = level_in(decoded)
    return ParsedLine(text, level, at, continues=not own and bool(_CONTINUES.match(decoded)))


def level_of(value: object) -> LogLevel:
    """The level that a field's value means; numbers as bunyan and Python's logging use them."""
    if isinstance(value, str):
        return _WORDS.get(value.strip().lower(), LogLevel.UNKNOWN)
    return _BUNYAN.get(value, LogLevel.UNKNOWN) if isinstance(value, int) else LogLevel.UNKNOWN


def level_in(text: str) -> LogLevel:
    """The level that the beginning of a line of text names, the first that stands there."""
    head = text[:_LEVEL_WITHIN]
    klog = _KLOG_HEAD.match(head)
    if klog is not None:
        return _KLOG[klog[1]]
    for found in _LEVEL_IN_TEXT.finditer(head):
        word = found[1] or found[2] or found[3]
        level = _WORDS.get(word.lower())
        if level is not None:
            return level
    return LogLevel.UNKNOWN


def _object(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _from_json(fields: dict[str, Any], given: float | None, arrived: float) -> ParsedLine:
    stamps = (stamp_of(_pop(fields, (key,)), arrived) for key in _TIME_KEYS if key in fields)
    at = next((stamp for stamp in stamps if stamp is not None), given)
    level = level_of(_pop(fields, _LEVEL_KEYS))
    words = _pop(fields, _TEXT_KEYS)
    head = _words(words) if words is not None else ""
    short, long = _extras(fields)
    first, *rest = head.split("\n")
    joined = "  ".join(part for part in (first, " ".join(short)) if part)
    rows = [*rest, *(row for text in long for row in text.split("\n"))]
    if len(rows) > _MOST_ROWS:
        rows = [*rows[:_MOST_ROWS], f"… +{len(rows) - _MOST_ROWS} lines"]
    return ParsedLine("\n".join(map(sanitize, (joined, *rows))), level, at)


def _extras(fields: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """The other fields: those of one line as ``key=value``, those of several as they are."""
    short: list[str] = []
    long: list[str] = []
    for key, value in list(fields.items())[:_MOST_EXTRAS]:
        if value is None or value == "":
            continue
        words = _words(value)
        if "\n" in words:
            long.append(f"{key}: {words.rstrip()}")
        else:
            short.append(f"{key}={words}")
    if len(fields) > _MOST_EXTRAS:
        short.append(f"… +{len(fields) - _MOST_EXTRAS} fields")
    return short, long


def _words(value: object) -> str:
    if isinstance(value, str):
        return value[: 16 * LINE_LIMIT]
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _pop(fields: dict[str, Any], keys: Iterable[str]) -> object:
    """The first of ``keys`` that is there, taken out."""
    for key in keys:
        if key in fields:
            value: object = fields.pop(key)
            return value
    return None


def _cut_off(over: int) -> str:
    """How much of an endless line is not shown beyond what ``sanitize`` counts."""
    if not over:
        return ""
    return f" +{over / 1e6:.1f} MB" if over >= 1e5 else f" +{over} B"
