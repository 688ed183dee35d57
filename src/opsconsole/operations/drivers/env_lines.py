"""Env files: what a shell and a dotenv reader see in one, and one that differs in some flags alone.

Invariant: of a changed file every byte but those of the values that change is as it was: exports,
quotes, comments, line ends, equal keys before the last one, and blocks in quotes, whatever stands
in them. Pure.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from opsconsole.dataclass import dataclass

_HEAD: Final = re.compile(rb"[ \t]*(?P<export>export[ \t]+)?(?P<key>[A-Za-z_]\w*)[ \t]*=", re.ASCII)
_QUOTED: Final = re.compile(rb"""[ \t]*("(?:[^"\\]|\\.)*"|'[^']*')""", re.DOTALL)
_REST: Final = re.compile(rb"[ \t]*(?:#[^\n]*)?\r?(?=\n|\Z)")
_BLANKS: Final = {b" ", b"\t"}
_COMMENT: Final = re.compile(rb"[ \t]#")
_CONTINUED: Final = re.compile(rb"\\\r?\n\Z")
_PLAIN: Final = re.compile(r"[\w./:@%+,=-]*", re.ASCII)
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)

_WORD: Final = re.compile(r"""(?:[^\s;&|<>()'"\\]|\\.|'[^']*'|"(?:[^"\\]|\\.)*")*""", re.DOTALL)
_PIECE: Final = re.compile(r"""'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)|([^'"\\]+)""", re.DOTALL)
_NAME: Final = re.compile(r"(?:export[ \t]+)?([A-Za-z_]\w*)=", re.ASCII)
_BETWEEN: Final = re.compile(r"(?:[\s;]|(?:(?<=[\s;])|\A)#[^\n]*)*")


@dataclass(frozen=True, slots=True)
class Assignment:
    """One key. ``line`` and ``after`` are where its lines begin and end, the others its value's.

    ``sure``: readers agree on where the value ends.
    """

    key: str
    exported: bool
    line: int
    start: int
    end: int
    after: int
    sure: bool = True


def values_of(raw: bytes) -> dict[str, str]:
    """Keys and values as a dotenv reader sees them; the last of equal keys counts."""
    return {each.key: _unquoted(_text(raw[each.start : each.end])) for each in _assignments(raw)}


def texts_of(raw: bytes) -> dict[str, str]:
    """Keys and values as they are written, with their quotes."""
    return {each.key: _text(raw[each.start : each.end]) for each in _assignments(raw)}


def shell_values(raw: bytes) -> dict[str, str] | None:
    """Keys and values as a shell sees them; None where it would see more than assignments.

    Nothing is run or expanded: what a ``$`` stands for is left as it is written.
    """
    text = _text(raw).replace("\r\n", "\n")
    found: dict[str, str] = {}
    at = 0
    while (at := _end(_BETWEEN, text, at)) < len(text):
        name = _NAME.match(text, at)
        if name is None:
            return None
        at = _end(_WORD, text, name.end())
        word = text[name.end() : at]
        found[name[1]] = "".join(
            single or _ESCAPE.sub(_kept, double) or escaped or plain
            for single, double, escaped, plain in _PIECE.findall(word)
        )
        if at < len(text) and text[at] not in " \t\n;":
            return None
    return found


def with_flags(raw: bytes, flags: Mapping[str, str | None], *, as_written: bool = False) -> bytes:
    """``raw`` with each flag set, or taken out where it is None.

    Flags are values, and ValueError is raised for one that cannot be set so that every reader would
    see it; or they are ``as_written``, what ``texts_of`` had, and put back whatever they are.
    """
    after = raw
    for key, value in flags.items():
        after = _with_one(after, key, value, as_written=as_written)
    if not as_written:
        _check(raw, after, flags)
    return after


def _with_one(raw: bytes, key: str, value: str | None, *, as_written: bool) -> bytes:
    everything = list(_assignments(raw))
    own = [each for each in everything if each.key == key]
    if value is None:
        for each in reversed(own):
            raw = _without(raw, each)
        return raw
    if own:
        last = own[-1]
        if not last.sure:
            raise ValueError(f"{key} is written in a way that readers differ on")
        quote = _text(raw[last.start : last.end][:1])
        text = value if as_written else _written(key, value, quote)
        beside = {raw[last.start - 1 : last.start], raw[last.end : last.end + 1]}
        if not text and not as_written and beside & _BLANKS:
            # So that what was there can be put back among the same blanks.
            text = "''"
        return raw[: last.start] + _bytes(text) + raw[last.end :]
    if raw.endswith(b"\r"):
        raise ValueError(f"the file ends within a line end, so that {key} cannot be added")
    text = value if as_written else _written(key, value, "")
    exported = bool(everything) and all(each.exported for each in everything)
    line = _bytes(f"{'export ' if exported else ''}{key}={text}")
    end = b"\r\n" if b"\r\n" in raw else b"\n"
    if raw and not raw.endswith(b"\n"):
        return raw + end + line
    return raw + line + end


def _without(raw: bytes, gone: Assignment) -> bytes:
    head, tail = raw[: gone.line], raw[gone.after :]
    if not tail and not raw.endswith(b"\n"):
        head = head[:-2] if head.endswith(b"\r\n") else head[:-1]
    return head + tail


def _written(key: str, value: str, quote: str) -> str:
    """``value`` in the quotes that are there, or in those that it needs."""
    if quote not in {'"', "'"} and _PLAIN.fullmatch(value):
        return value
    doubled = not set(value) & set('"\\$`')
    if "'" not in value and (quote == "'" or not doubled):
        return f"'{value}'"
    if doubled:
        return f'"{value}"'
    raise ValueError(f"the value for {key} cannot be quoted so that every reader sees it")


def _check(before: bytes, after: bytes, flags: Mapping[str, str | None]) -> None:
    """Raise ValueError where a reader of the file would see more or less than the flags change."""
    wanted = {key: value for key, value in flags.items() if value is not None}
    for name, was, now in (
        ("a dotenv reader", values_of(before), values_of(after)),
        ("a shell", shell_values(before), shell_values(after)),
    ):
        if was is None:
            continue
        expected = {key: value for key, value in was.items() if key not in flags} | wanted
        if now != expected:
            raise ValueError(f"{name} would not see just {', '.join(flags)} change")


def _assignments(raw: bytes) -> Iterator[Assignment]:
    at = 0
    while at < len(raw):
        head = _HEAD.match(raw, at)
        start, end, sure = _value(raw, head.end()) if head else (at, at, True)
        newline = raw.find(b"\n", end)
        after = len(raw) if newline < 0 else newline + 1
        # systemd goes on with the next line, a shell with the next word, the rest with neither.
        goes_on = _CONTINUED.search(raw[max(0, at - 3) : at]) or raw[start:end].endswith(b"\\")
        sure = sure and not goes_on
        if head:
            key, exported = head["key"].decode("ascii"), head["export"] is not None
            yield Assignment(key, exported, at, start, end, after, sure)
        at = after


def _value(raw: bytes, at: int) -> tuple[int, int, bool]:
    """Where the value after a ``=`` begins and ends, and whether readers agree on that."""
    quoted = _QUOTED.match(raw, at)
    if quoted and _REST.match(raw, quoted.end()):
        return quoted.start(1), quoted.end(1), True
    newline = raw.find(b"\n", at)
    line = raw[at : len(raw) if newline < 0 else newline]
    comment = _COMMENT.search(line)
    line = line[: comment.start()] if comment else line.removesuffix(b"\r")
    text = line.strip(b" \t")
    start = at if comment and not text else at + len(line) - len(line.lstrip(b" \t"))
    return start, start + len(text), text[:1] not in {b'"', b"'"}


def _unquoted(text: str) -> str:
    if len(text) > 1 and text[0] == text[-1] == "'":
        return text[1:-1]
    if len(text) > 1 and text[0] == text[-1] == '"':
        return _ESCAPE.sub(_kept, text[1:-1])
    return text


def _kept(match: "re.Match[str]") -> str:
    """Between double quotes a backslash hides only what would mean something there."""
    return match[1] if match[1] in '"\\$`' else match[0]


def _end(pattern: "re.Pattern[str]", text: str, at: int) -> int:
    match = pattern.match(text, at)
    return match.end() if match else at


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
