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
_REDIS_HEAD: Final = re.compile(r"\d+:[A-Z] \d\d [A-Z][a-z]{2} (?:\d{4} )?[\d:.]+ ([#*.-]) ")
_PRIORITY: Final = re.compile(r"<(\d{1,3})>")
_TOKEN: Final = re.compile(r"\s*(\[[^\]]{0,60}\]|<[^>]{0,60}>|\([^)]{0,60}\)|[^\s|]+|\|)")
_NAME: Final = re.compile(r"[\w.$/@#:-]+")
_COLLECTORS: Final = frozenset({"stdout", "stderr", "F", "P"})
"""What Kubernetes' container runtimes put before a line."""

_TOKENS: Final = 9
_BARE: Final = 1
"""Names without a colon that may stand before a level, such as a logger's."""


def level_of(word: str) -> LogLevel:
    """The level that a word means wherever it stands for one; UNKNOWN for any other."""
    return _WORDS.get(word.strip().lower(), LogLevel.UNKNOWN)


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
        found = _in_head(head[after:].lstrip("\t ]):,>|-"))
    if found is LogLevel.UNKNOWN:
        priority = _PRIORITY.match(head)
        return _SYSLOG[int(priority[1]) & 7] if priority else LogLevel.UNKNOWN
    return found


def _in_head(head: str) -> LogLevel:
    """The first level among what stands before a line's sentence."""
    bare, tagged = 0, False
    place = 0
    for number in range(_TOKENS):
        token = _TOKEN.match(head, place)
        if token is None:
            break
        place, word = token.end(), token[1]
        if word[0] in "[<(" and word[-1] in "])>":
            found = level_of(word[1:-1])
            if found is not LogLevel.UNKNOWN:
                return found
            continue
        if word[0] in "\"'{":
            break
        found = _of_token(word, first=number == 0)
        if found is not LogLevel.UNKNOWN:
            return found
        if word.endswith((":", "]", ",")):
            tagged = True
        elif word not in _COLLECTORS and any(char.isalpha() for char in word):
            bare += 1
            if tagged or bare > _BARE or not _NAME.fullmatch(word):
                break
    return LogLevel.UNKNOWN


def _of_token(word: str, *, first: bool) -> LogLevel:
    """``ERROR``, ``error:``, ``production.ERROR:``; a plain word only as the first."""
    name = word.strip(":,|=-])")
    marked = word != name
    if "/" in name:
        # Celery's form, LEVEL/process.
        name = name.partition("/")[0]
    if marked and "." in name:
        name = name.rpartition(".")[2]
    elif marked and ":" in name:
        # Python's own form, LEVEL:logger:message.
        name = name.partition(":")[0]
    elif not marked and ":" in name and first:
        name, marked = name.partition(":")[0], True
    lower = name.lower()
    if lower not in _WORDS or not (marked or name.isupper() or first):
        return LogLevel.UNKNOWN
    if lower in _PLAIN and not marked:
        return LogLevel.UNKNOWN
    return _WORDS[lower]
