"""The level of a log line: from a word where levels stand, from a letter, from a number.

Invariant: pure and total. A word counts as a level only where loggers write one: in brackets, as
``level=…``, or after nothing but the time, names and numbers that come before a level. The same
word within a sentence or an address says nothing.
"""

import re
from collections.abc import Mapping
from typing import Final

from opsconsole.model.logs import LogLevel

WITHIN: Final = 240
"""Characters of a line in which its level is looked for."""

_L = LogLevel
_WORDS: Final[Mapping[str, LogLevel]] = {
    "trace": _L.TRACE, "trc": _L.TRACE, "trce": _L.TRACE, "finest": _L.TRACE, "finer": _L.TRACE,
    "verbose": _L.TRACE, "vrb": _L.TRACE, "silly": _L.TRACE,
    "debug": _L.DEBUG, "dbg": _L.DEBUG, "dbug": _L.DEBUG, "fine": _L.DEBUG,
    "info": _L.INFO, "inf": _L.INFO, "information": _L.INFO, "informational": _L.INFO,
    "config": _L.INFO, "http": _L.INFO, "log": _L.INFO, "note": _L.NOTICE, "notice": _L.NOTICE,
    "warn": _L.WARNING, "warning": _L.WARNING, "wrn": _L.WARNING,
    "error": _L.ERROR, "err": _L.ERROR, "eror": _L.ERROR, "severe": _L.ERROR, "fail": _L.ERROR,
    "critical": _L.CRITICAL, "crit": _L.CRITICAL, "fatal": _L.CRITICAL, "ftl": _L.CRITICAL,
    "panic": _L.CRITICAL, "dpanic": _L.CRITICAL, "alert": _L.CRITICAL, "emerg": _L.CRITICAL,
    "emergency": _L.CRITICAL,
}  # fmt: skip
# Words that a sentence may begin with: a level only where a colon or brackets say so.
_PLAIN: Final = frozenset({"config", "http", "log", "note", "fine", "fail", "alert", "information"})
_LETTERS: Final[Mapping[str, LogLevel]] = {
    "T": _L.TRACE, "V": _L.TRACE, "D": _L.DEBUG, "I": _L.INFO, "N": _L.NOTICE, "W": _L.WARNING,
    "E": _L.ERROR, "F": _L.CRITICAL, "C": _L.CRITICAL, "A": _L.CRITICAL,
}  # fmt: skip
_SYSLOG: Final = (
    _L.CRITICAL, _L.CRITICAL, _L.CRITICAL, _L.ERROR, _L.WARNING, _L.NOTICE, _L.INFO, _L.DEBUG,
)  # fmt: skip
_TENS: Final[Mapping[int, LogLevel]] = {
    10: _L.TRACE, 20: _L.DEBUG, 30: _L.INFO, 40: _L.WARNING, 50: _L.ERROR, 60: _L.CRITICAL,
}  # fmt: skip
_REDIS: Final[Mapping[str, LogLevel]] = {
    "#": _L.WARNING, "*": _L.NOTICE, "-": _L.DEBUG, ".": _L.DEBUG,
}  # fmt: skip

_FIELD: Final = re.compile(
    r"(?:^|[\s{,(\[])\"?(?:level|lvl|severity|loglevel)\"?[=:]\s*\"?([A-Za-z]+)"
)
_LETTER_HEAD: Final = re.compile(
    r"([TDIWEFCAVN])(?:\d{4}|\d{6}|\d{8}) \d\d:\d\d:\d\d|([TDIWEFCAVN]), \[\d{4}-"
)
_LETTER_AFTER: Final = re.compile(r"[\s\])]*([DIWEF])(?:! |\s+(?:[A-Z]{3,}|-)\s)")
"""MongoDB's and Telegraf's letter, straight after the time."""

_FATAL: Final = re.compile(r"(?:PHP )?(?:(?:Recoverable|Catchable) fatal|(Fatal)|Parse) error: ")
_OFFSET: Final = re.compile(r"([A-Za-z]+)[+-]\d{1,4}")
"""slog's levels between its names."""

_REDIS_HEAD: Final = re.compile(r"\d+:[A-Z] \d\d [A-Z][a-z]{2} (?:\d{4} )?[\d:.]+ ([#*.-]) ")
_PRIORITY: Final = re.compile(r"<(\d{1,3})>")
_TOKEN: Final = re.compile(
    r"\s*(\[[^\]]{0,60}\]|<[^>]{0,60}>|\([^)]{0,60}\)|\{[^\s{}\"']{0,60}\}|[^\s|]+|\|)"
)
_PAIR: Final = re.compile(r"[A-Za-z_][\w.-]*=[^\s{]*")
"""What a logger may put between time and level: ``pid=1``."""

_TAIL: Final = re.compile(r"([A-Z]{3,})(?:\[[^\]]*\])+:?|[\w.]+\[([A-Z]{3,})\]:")
"""``ERROR[123]`` and ``util.py[WARNING]:``."""

_NAME: Final = re.compile(r"[\w.$/@#:-]+")
_COLLECTORS: Final = frozenset({"stdout", "stderr", "F", "P"})
"""What Kubernetes' container runtimes put before a line."""

_TOKENS: Final = 12
_BARE: Final = 1
"""Names without a colon that may stand before a level, such as a logger's."""


def level_of(word: str) -> LogLevel:
    """The level that a word means wherever it stands for one; UNKNOWN for any other.

    One of slog's between two names (``ERROR+2``) is the one below it.
    """
    between = _OFFSET.fullmatch(word)
    return _WORDS.get((between[1] if between else word).strip().lower(), LogLevel.UNKNOWN)


def level_of_field(word: str) -> LogLevel:
    """The level that a field for it names, as a word or by a letter."""
    return _LETTERS.get(word.upper(), LogLevel.UNKNOWN) if len(word) == 1 else level_of(word)


def level_of_number(value: int) -> LogLevel:
    """The level of a number, in tens as bunyan and Python have it, below ten as syslog does."""
    if 0 <= value <= 7:
        return _SYSLOG[value]
    return _TENS.get(value, LogLevel.UNKNOWN)


def level_in(text: str, after: int = 0) -> LogLevel:
    """The level of a line of text; ``after`` is where its time ends, 0 where it has none."""
    head = text[:WITHIN]
    letter = _LETTER_HEAD.match(head)
    if letter is not None:
        return _LETTERS[letter[1] or letter[2]]
    redis = _REDIS_HEAD.match(head)
    if redis is not None:
        return _REDIS[redis[1]]
    field = _FIELD.search(head)
    if field is not None and (found := level_of(field[1])) is not LogLevel.UNKNOWN:
        return found
    found = _in_head(head[:after]) if after else LogLevel.UNKNOWN
    if found is LogLevel.UNKNOWN:
        found = _after_time(head[after:], stamped=after > 0)
    if found is LogLevel.UNKNOWN:
        priority = _PRIORITY.match(head)
        return _SYSLOG[int(priority[1]) & 7] if priority else LogLevel.UNKNOWN
    return found


def _after_time(head: str, *, stamped: bool) -> LogLevel:
    letter = _LETTER_AFTER.match(head) if stamped else None
    if letter is not None:
        return _LETTERS[letter[1]]
    rest = head.lstrip("\t ]):,>|-")
    fatal = _FATAL.match(rest)
    if fatal is not None:
        return LogLevel.CRITICAL if fatal[1] else LogLevel.ERROR
    return _in_head(rest)


def _in_head(head: str) -> LogLevel:
    """The first level among what stands before a line's sentence."""
    bare, tagged = 0, False
    place, before = 0, ""
    for number in range(_TOKENS):
        token = _TOKEN.match(head, place)
        if token is None:
            break
        place, word = token.end(), token[1]
        aside = _aside(word)
        if aside is not None:
            if aside is not LogLevel.UNKNOWN:
                return aside
            continue
        if word[0] in "\"'{":
            break
        # A title, as Nagios has it (``SERVICE ALERT:``), is none.
        title = before.isupper() and before.isalpha() and word.strip(":").lower() in _PLAIN
        before = word
        found = LogLevel.UNKNOWN if title else _of_token(word, first=number == 0)
        if found is not LogLevel.UNKNOWN:
            return found
        if word.endswith((":", "]", ",")):
            tagged = True
        elif word not in _COLLECTORS and any(char.isalpha() for char in word):
            bare += 1
            if tagged or bare > _BARE or not _NAME.fullmatch(word):
                return _bracketed_next(head, place)
    return LogLevel.UNKNOWN


def _aside(word: str) -> LogLevel | None:
    """The level in brackets, UNKNOWN for other brackets and ``pid=1``; None for other words."""
    if word[0] in "[<({" and word[-1] in "])>}":
        return _in_brackets(word[1:-1])
    return LogLevel.UNKNOWN if _PAIR.fullmatch(word) else None


def _bracketed_next(head: str, place: int) -> LogLevel:
    """The level in brackets that follows one more name (``cluster [ERR]``)."""
    token = _TOKEN.match(head, place)
    bracketed = token is not None and token[1][0] == "[" and token[1][1:-1].isupper()
    return _in_brackets(token[1][1:-1]) if token is not None and bracketed else LogLevel.UNKNOWN


def _in_brackets(text: str) -> LogLevel:
    """``[error]``, ``[E]``, ``[ssl:warn]``, ``[10:00:00 ERR]``; no sentence has one."""
    if len(text) == 1 and text in "DIWEF":
        return _LETTERS[text]
    before, mark, last = text.rpartition(":" if " " not in text.strip() else " ")
    if mark == " " and any(char.isalpha() for char in before):
        return LogLevel.UNKNOWN
    return level_of(last if mark else text)


def _of_token(word: str, *, first: bool) -> LogLevel:
    """``ERROR``, ``error:``, ``production.ERROR:``; a plain word only as the first."""
    tail = _TAIL.fullmatch(word)
    if tail is not None and (found := level_of(tail[1] or tail[2])) is not LogLevel.UNKNOWN:
        return found
    name = word.strip(":,|=-])")
    marked = word != name
    if "/" in name:
        # Celery's form, LEVEL/process.
        name = name.partition("/")[0]
    if ":" in name and name.partition(":")[0].lower() in _WORDS and (marked or first):
        # Python's own form, LEVEL:logger:message.
        name, marked = name.partition(":")[0], True
    elif marked and "." in name:
        name = name.rpartition(".")[2]
    elif ":" in name and first:
        name, marked = name.rpartition(":")[2], True
    lower = name.lower()
    if lower not in _WORDS or not (marked or name.isupper() or first):
        return LogLevel.UNKNOWN
    if lower in _PLAIN and not marked:
        return LogLevel.UNKNOWN
    return _WORDS[lower]
