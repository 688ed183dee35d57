"""The fields of a JSON log line as its time, its level and its words.

Invariant: pure and total; every text is sanitised. Keys are matched in any case. The names are
those of bunyan, pino, zap, zerolog, slog, Serilog, GELF, ECS, Log4j, journald, Google,
OpenTelemetry, MongoDB, and of the files of Docker and Kubernetes.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from opsconsole.dataclass import dataclass
from opsconsole.model.logs import LogLevel
from opsconsole.sources.logs.levels import level_in, level_of_field, level_of_number
from opsconsole.sources.logs.stamps import find_stamp, stamp_of
from opsconsole.text import LINE_LIMIT, sanitize

_TIME_KEYS: Final = (
    "timestamp", "@timestamp", "time", "ts", "t", "@t", "asctime", "date", "datetime", "instant",
    "__realtime_timestamp", "timeunixnano", "eventtime", "created",
)  # fmt: skip
_LEVEL_KEYS: Final = (
    "level", "severity", "levelname", "log.level", "lvl", "@l", "loglevel", "log_level", "priority",
    "level_name", "severitytext", "severitynumber",
)  # fmt: skip
_TEXT_KEYS: Final = (
    "message", "msg", "event", "log", "@m", "text", "short_message", "renderedmessage",
    "messagetemplate", "@mt", "body",
)  # fmt: skip
_NEXTCLOUD: Final = (
    LogLevel.DEBUG, LogLevel.INFO, LogLevel.WARNING, LogLevel.ERROR, LogLevel.CRITICAL,
)  # fmt: skip
_MONGO_KEYS: Final = frozenset({"s", "c", "ctx", "msg"})
_OTEL: Final = (
    LogLevel.TRACE, LogLevel.DEBUG, LogLevel.INFO, LogLevel.WARNING, LogLevel.ERROR,
    LogLevel.CRITICAL,
)  # fmt: skip
"""Four numbers each, from 1 on."""

_MOST_EXTRAS: Final = 24
_MOST_ROWS: Final = 200
_DEPTH: Final = 2


@dataclass(frozen=True, slots=True)
class ReadObject:
    """``at`` is in Unix seconds, None where no field gives a time."""

    text: str
    level: LogLevel
    at: float | None


def read_object(
    fields: Mapping[str, Any], arrived: float, *, alone: bool, depth: int = _DEPTH
) -> ReadObject | None:
    """What an object says. One that is not ``alone`` in its line must be a logger's own."""
    rest = dict(fields)
    names = {key.lower(): key for key in rest}
    if not alone and not any(key in names for key in (*_LEVEL_KEYS, *_TEXT_KEYS)):
        return None
    stamps = (
        stamp_of(rest.pop(names[key]), arrived) for key in _TIME_KEYS if names.get(key) in rest
    )
    at = next((stamp for stamp in stamps if stamp is not None), None)
    level = _level(rest, names)
    words = _pop(rest, names, _TEXT_KEYS)
    inner = _inner(words, arrived, depth)
    if inner is not None:
        level = inner.level if level is LogLevel.UNKNOWN else level
        return ReadObject(inner.text, level, inner.at if inner.at is not None else at)
    head = _words(words).rstrip("\n") if words is not None else ""
    if level is LogLevel.UNKNOWN and isinstance(words, str):
        # What a collector wrapped is a line of text, with a time and a level of its own.
        stamp = find_stamp(head, arrived)
        level = level_in(head, stamp.end if stamp else 0)
    return ReadObject(_shown(head, rest), level, at)


def _inner(words: object, arrived: float, depth: int) -> ReadObject | None:
    """What a collector wrapped: an object as text in the field of the message."""
    if not depth or not isinstance(words, str) or not words.startswith("{"):
        return None
    try:
        value = json.loads(words)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict):
        return None
    return read_object(value, arrived, alone=True, depth=depth - 1)


def _level(rest: dict[str, Any], names: Mapping[str, str]) -> LogLevel:
    """The level, taken out; where it stands in an object ``log``, from there."""
    mongo = rest.keys() >= _MONGO_KEYS
    otel = "severitytext" not in names and "severitynumber" in names
    said = rest.pop("s") if mongo else _pop(rest, names, _LEVEL_KEYS)
    nested = rest.get("log")
    if said is None and isinstance(nested, Mapping):
        said = nested.get("level")
    if isinstance(said, str) and not said.isdecimal():
        return level_of_field(said)
    if isinstance(said, bool) or not isinstance(said, (int, str)):
        return LogLevel.UNKNOWN
    number = int(said) if len(str(said)) < 4 else -1
    if otel:
        return _OTEL[(number - 1) // 4] if 1 <= number <= 24 else LogLevel.UNKNOWN
    if "reqId" in rest and 0 <= number < len(_NEXTCLOUD):
        return _NEXTCLOUD[number]
    return level_of_number(number)


def _shown(head: str, fields: Mapping[str, Any]) -> str:
    short, long = _extras(fields)
    first, *rest = head.split("\n")
    joined = "  ".join(part for part in (first, " ".join(short)) if part)
    rows = [*rest, *(row for text in long for row in text.split("\n"))]
    if len(rows) > _MOST_ROWS:
        rows = [*rows[:_MOST_ROWS], f"… +{len(rows) - _MOST_ROWS} lines"]
    return "\n".join(map(sanitize, (joined, *rows)))


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


def _pop(rest: dict[str, Any], names: Mapping[str, str], keys: Iterable[str]) -> object:
    """The first of ``keys`` that is there and no object, taken out."""
    for key in keys:
        name = names.get(key)
        if name in rest and not isinstance(rest[name], Mapping):
            value: object = rest.pop(name)
            return value
    return None
