"""Which series a PromQL expression asks for, for saying which of them are not there.

Invariant: any text gives selectors and never an error; an expression that Prometheus accepts
gives each of its selectors, in order. It is no parser of PromQL: what the expression computes of
the series is Prometheus' affair.
"""

import re
from collections.abc import Iterator
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.model.written.units import parse_duration
from opsconsole.sources.prometheus.promql_sharing import select

_TOKEN: Final = re.compile(
    r"""(?P<space>\s+|\#[^\n]*)
    |(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)
    |(?P<number>[0-9][0-9a-zA-Z_.]*)
    |(?P<word>[a-zA-Z_:][a-zA-Z0-9_:]*)
    |(?P<sign>=~|!~|!=|.)""",
    re.VERBOSE | re.DOTALL,
)
_GROUPING: Final = frozenset({"by", "without", "on", "ignoring", "group_left", "group_right"})
_WORDS: Final = frozenset({"and", "or", "unless", "atan2", "offset", "bool", "inf", "nan"})
_OPERATORS: Final = frozenset({"=", "!=", "=~", "!~"})
_MATCHERS_LIMIT: Final = 50


@dataclass(frozen=True, slots=True)
class Matcher:
    """``label``, operator and the value as it is written, with its quotes."""

    label: str
    operator: str
    value: str

    def __str__(self) -> str:
        return f"{self.label}{self.operator}{self.value}"


@dataclass(frozen=True, slots=True)
class Selector:
    """Series by name and labels. ``window`` is its range in seconds, None for an instant.

    ``function`` is the one whose argument it is, '' where none is.
    """

    name: str
    matchers: tuple[Matcher, ...] = ()
    window: float | None = None
    function: str = ""

    def __str__(self) -> str:
        return select(self.name, tuple(map(str, self.matchers))) or "{}"


@dataclass(slots=True)
class _Reader:
    """Tokens that are not space, and where we are in them."""

    tokens: list[tuple[str, str]]
    at: int = 0

    def peek(self) -> str:
        return self.tokens[self.at][1] if self.at < len(self.tokens) else ""

    def take(self) -> tuple[str, str]:
        token = self.tokens[self.at] if self.at < len(self.tokens) else ("", "")
        self.at += 1
        return token


def selectors(expression: str) -> tuple[Selector, ...]:
    """Every selector of ``expression``."""
    return tuple(_walk(_Reader(list(_tokens(expression)))))


def _walk(reader: _Reader) -> Iterator[Selector]:
    open_functions: list[str] = []
    while reader.at < len(reader.tokens):
        kind, text = reader.take()
        following = reader.peek()
        if kind == "word" and following == "(" and text.lower() in _GROUPING:
            _skip_parentheses(reader)
        elif kind == "word" and following == "(":
            reader.take()
            open_functions.append(text)
        elif kind == "word" and following.lower() in {"by", "without"}:
            # An aggregation that names its labels before what it aggregates.
            continue
        elif kind == "word" and text.lower() not in _WORDS | _GROUPING:
            yield _selector(reader, text, _innermost(open_functions))
        elif text == "{":
            reader.at -= 1
            yield _selector(reader, "", _innermost(open_functions))
        elif text == "(":
            open_functions.append("")
        elif text == ")" and open_functions:
            open_functions.pop()
        elif text == "[":
            _skip_brackets(reader)


def _selector(reader: _Reader, name: str, function: str) -> Selector:
    matchers: list[Matcher] = []
    if reader.peek() == "{":
        reader.take()
        matchers = list(_matchers(reader))
    window = None
    if reader.peek() == "[":
        reader.take()
        window = _window(_skip_brackets(reader))
    named = [m for m in matchers if m.label == "__name__" and m.operator == "="]
    if not name and named:
        name, matchers = named[0].value[1:-1], [m for m in matchers if m is not named[0]]
    return Selector(name, tuple(matchers[:_MATCHERS_LIMIT]), window, function)


def _matchers(reader: _Reader) -> Iterator[Matcher]:
    while (token := reader.take())[1] not in {"}", ""}:
        if token[0] != "word" or reader.peek() not in _OPERATORS:
            continue
        operator = reader.take()[1]
        kind, value = reader.take()
        if kind == "string":
            yield Matcher(token[1], operator, value)


def _innermost(functions: list[str]) -> str:
    """The function around; bare parentheses change nothing."""
    return next((name for name in reversed(functions) if name), "")


def _skip_parentheses(reader: _Reader) -> None:
    while reader.take()[1] not in {")", ""}:
        pass


def _skip_brackets(reader: _Reader) -> str:
    inside = ""
    while (text := reader.take()[1]) not in {"]", ""}:
        inside += text
    return inside


def _window(text: str) -> float | None:
    """Seconds of ``5m``, or of the range of a subquery, ``5m:1m``; None when not understood."""
    try:
        return parse_duration(text.partition(":")[0])
    except ValueError:
        return None


def _tokens(expression: str) -> Iterator[tuple[str, str]]:
    for match in _TOKEN.finditer(expression):
        if match.lastgroup != "space":
            yield str(match.lastgroup), match[0]
