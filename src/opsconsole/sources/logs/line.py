"""One raw line into what it says: its time, its level, its words, and whether it begins an entry.

Invariant: pure and total: any bytes give a line; every text is sanitised and at most
``text.LINE_LIMIT`` characters long, with what was cut off counted. Colour codes are no part of a
line. A line that is not JSON, or not an object, is text, whatever was declared.
"""

import json
import re
from dataclasses import replace
from typing import Any, Final

from opsconsole.hiding import hidden_in_places
from opsconsole.model.logs import LogLevel
from opsconsole.sources.logs.json_line import read_object
from opsconsole.sources.logs.levels import level_in
from opsconsole.sources.logs.parsed_line import ParsedLine, Part
from opsconsole.sources.logs.raw_lines import RawLine
from opsconsole.sources.logs.stamps import Stamp, find_stamp
from opsconsole.text import sanitize

_COLOUR: Final = re.compile(r"\x1b\[[0-9;:]*m")
_JSON_WITHIN: Final = 200
"""Characters before an object that a collector may have put in front of it."""


_CLOCK: Final = re.compile(r"\[?\d\d:\d\d:\d\d(?:[.,]\d{1,9})?[\s\]]")
_LOCATION: Final = re.compile(r":\d+:?$")
_PARTS: Final = (
    (Part.BLANK, re.compile(r"\s*$")),
    (Part.TRACE, re.compile(r"\s*\+ Exception Group Traceback")),
    (Part.CHAIN, re.compile(r"During handling of the above|The above exception was the direct")),
    (
        Part.MORE,
        re.compile(
            r"[ \t]|Caused by:|Suppressed:|\.\.\. \d+ more|\[stacktrace\]|#\d+ |[}\])\"]|note: "
            r"|[~^]+$|Node\.js v\d|stack backtrace:|created by |exit status \d"
        ),
    ),
    (
        Part.TRACE,
        re.compile(
            r"Traceback \(most recent call last\)|Exception in thread|panic: |fatal error: "
            r"|thread '[^']*' (?:\(\d+\) )?panicked|goroutine \d+ \[|Unhandled |Uncaught "
            r"|(?:/|[A-Z]:\\|file:)\S+\.[cm]?[jt]sx?:\d+$"
            r"|node:internal/\S+:\d+$"
            r"|\S+\.rb:\d+:in .*\([\w:]+\)$|\*\* \([\w.]+\) |terminate called "
        ),
    ),
    (
        Part.REASON,
        re.compile(r"(?:[A-Za-z_$][\w.$]*)?(?:Error|Exception|Interrupt|Exit)(?=[:\s(]|$)"),
    ),
)
_FATAL: Final = re.compile(
    r"panic: |fatal error: |terminate called |thread '[^']*' (?:\(\d+\) )?panicked"
)


def parse(raw: RawLine, form: str, arrived: float) -> ParsedLine:
    """What ``raw`` says. ``form`` is auto, json or text; ``arrived`` is in Unix seconds."""
    decoded = hidden_in_places(raw.data.removesuffix(b"\r").decode("utf-8", "backslashreplace"))
    if "\x1b[" in decoded:
        decoded = _COLOUR.sub("", decoded)
    if form != "text" and not raw.over:
        found = _json_in(decoded, raw.at, arrived)
        if found is not None:
            tagged = raw.matched or raw.replica
            return replace(found, matched=raw.matched, replica=raw.replica) if tagged else found
    stamp = find_stamp(decoded, arrived) if raw.at is None or not _is_more(decoded) else None
    at = raw.at if raw.at is not None else (stamp.at if stamp else None)
    part = Part.ENTRY if stamp else _part_of(decoded)
    text = f"{sanitize(decoded)}{_cut_off(raw.over)}"
    level = _level(decoded, stamp, part)
    awaits = bool(stamp and decoded[stamp.end - 2 : stamp.end] in ("AM", "PM"))
    awaits = awaits and level is LogLevel.UNKNOWN
    awaits = awaits or (part is Part.TRACE and bool(_LOCATION.search(decoded)))
    clocked = stamp is None and bool(_CLOCK.match(decoded))
    own = stamp is not None
    return ParsedLine(text, level, at, part, own, awaits, clocked, raw.matched, raw.replica)


def parse_by(raw: RawLine, form: str, arrived: float, ahead: float) -> ParsedLine:
    """``parse`` of what was written by a clock that is ``ahead`` seconds before this one."""
    line = parse(raw, form, arrived + ahead)
    return line if line.at is None or not ahead else replace(line, at=line.at - ahead)


def _is_more(text: str) -> bool:
    return text[:1] in " \t"


def _part_of(text: str) -> Part:
    return next((part for part, begins in _PARTS if begins.match(text)), Part.ENTRY)


def _level(text: str, stamp: Stamp | None, part: Part) -> LogLevel:
    match part:
        case Part.ENTRY:
            return level_in(text, stamp.end if stamp else 0)
        case Part.TRACE:
            return LogLevel.CRITICAL if _FATAL.match(text) else LogLevel.ERROR
        case Part.REASON:
            return LogLevel.ERROR
        case Part.MORE | Part.CHAIN | Part.BLANK:
            return LogLevel.UNKNOWN


def _json_in(text: str, given: float | None, arrived: float) -> ParsedLine | None:
    """An object, alone or behind what a collector puts before it (its time, its name)."""
    begin = 0 if text.startswith("{") else text.find(" {", 0, _JSON_WITHIN) + 1
    if (begin == 0 and not text.startswith("{")) or not text.rstrip().endswith("}"):
        return None
    fields = _object(text[begin:])
    if fields is None:
        return None
    read = read_object(fields, arrived, alone=begin == 0)
    if read is None:
        return None
    stamp = find_stamp(text[:begin], arrived) if begin else None
    at = read.at if read.at is not None else given
    if at is None and stamp is not None:
        at = stamp.at
    shown = f"{sanitize(text[:begin])}{read.text}" if begin else read.text
    return ParsedLine(shown, read.level, at, own=True)


def _object(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _cut_off(over: int) -> str:
    """How much of an endless line is not shown beyond what ``sanitize`` counts."""
    if not over:
        return ""
    return f" +{over / 1e6:.1f} MB" if over >= 1e5 else f" +{over} B"
