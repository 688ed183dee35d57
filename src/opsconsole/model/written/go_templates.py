"""Go's text templates, as far as annotations of alert rules use them.

Invariant: pure; the text of a value is never read as a template. An action that needs more than is
known here (a query, a loop, another template) stays as it was written, and nothing else does.
``problem_in`` finds what Prometheus refuses when it loads a rule.

Source: https://pkg.go.dev/text/template
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from opsconsole.dataclass import dataclass

Value = str | float | bool | Mapping[str, str] | None
Function = Callable[..., Value]

_ACTION: Final = re.compile(r"\{\{(-\s)?(.*?)(\s-)?\}\}", re.DOTALL)
_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\\n]|\\.)*"|`[^`]*`)|(?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)
    |(?P<name>\$?[A-Za-z_]\w*|\$)(?P<path>(?:\.[A-Za-z_]\w*)*)
    |(?P<field>(?:\.[A-Za-z_]\w*)+|\.)|(?P<mark>:=|[|()=,]))""",
    re.VERBOSE,
)
_ESCAPE: Final = re.compile(r"\\(.)")
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r"}
_BLOCKS: Final = frozenset({"if", "with", "range", "define", "block"})
_DEEPEST: Final = 30


class TemplateProblem(ValueError):  # noqa: N818 - Prometheus' word for it is an error of the rule
    """The text is no template; the message says why, as Prometheus does."""


class _UnknownError(Exception):
    """An action needs more than is known here."""


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Node:
    """``kind`` is text, action, or the word of a block; ``source`` is it as it was written."""

    kind: str
    source: str
    tokens: tuple[_Token, ...] = ()
    body: "tuple[_Node, ...]" = ()
    otherwise: "tuple[_Node, ...]" = ()


@dataclass(frozen=True, slots=True)
class Scope:
    """What a template can name: variables without their ``$``, fields of its dot, functions."""

    variables: Mapping[str, Value]
    dot: "Value | Mapping[str, Value]"
    functions: Mapping[str, Function]


def problem_in(text: str, variables: frozenset[str], functions: frozenset[str]) -> str:
    """Why Prometheus would refuse ``text``; '' where it would not."""
    try:
        _check(_parse(text), variables, functions)
    except TemplateProblem as problem:
        return str(problem)
    return ""


def expand(text: str, scope: Scope, show: Callable[[Value], str]) -> str:
    """``text`` filled in; ``show`` prints a value. One that is no template stays as it is."""
    if "{{" not in text:
        return text
    try:
        return _Filling(scope, show).all_of(_parse(text), scope.dot)
    except TemplateProblem:
        return text


def _parse(text: str) -> tuple[_Node, ...]:
    reader = _Reader(text)
    nodes = reader.nodes(0)
    if reader.ended_by:
        raise TemplateProblem(f"unexpected {{{{{reader.ended_by}}}}}")
    return nodes


class _Reader:
    """One pass over one template. One use."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._trims = False
        self.ended_by = ""

    def nodes(self, depth: int) -> tuple[_Node, ...]:
        """Everything up to the ``end`` or ``else`` of the block that it is in."""
        if depth > _DEEPEST:
            raise TemplateProblem("blocks are nested too deep")
        return tuple(self._nodes(depth))

    def _nodes(self, depth: int) -> Iterator[_Node]:
        self.ended_by = ""
        while True:
            match = _ACTION.search(self._text, self._at)
            before = self._text[self._at : match.start() if match else len(self._text)]
            if "{{" in before:
                raise TemplateProblem("unclosed action")
            before = before.lstrip() if self._trims else before
            if match is None:
                yield from self._as_text(before)
                self._at = len(self._text)
                return
            yield from self._as_text(before.rstrip() if match[1] else before)
            begin, self._at, self._trims = match.start(), match.end(), bool(match[3])
            inner = match[2].strip()
            if inner.startswith("/*"):
                continue
            tokens = _tokens(inner)
            word = tokens[0].text if tokens and tokens[0].kind == "name" else ""
            if word in {"end", "else"}:
                self.ended_by = inner
                return
            if word in _BLOCKS:
                yield self._block(word, tokens[1:], begin, depth)
            else:
                if not tokens:
                    raise TemplateProblem("missing value for command")
                yield _Node("action", self._text[begin : self._at], tokens)

    def _as_text(self, text: str) -> Iterator[_Node]:
        if text:
            yield _Node("text", text)

    def _block(self, word: str, tokens: tuple[_Token, ...], begin: int, depth: int) -> _Node:
        if not tokens:
            raise TemplateProblem(f"missing value for {word}")
        body = self.nodes(depth + 1)
        otherwise: tuple[_Node, ...] = ()
        if self.ended_by.startswith("else"):
            rest = _tokens(self.ended_by)[1:]
            if rest:
                inner = self._block(rest[0].text, rest[1:], self._at, depth + 1)
                return _Node(word, self._text[begin : self._at], tokens, body, (inner,))
            otherwise = self.nodes(depth + 1)
        if self.ended_by != "end":
            raise TemplateProblem("unexpected EOF")
        self.ended_by = ""
        return _Node(word, self._text[begin : self._at], tokens, body, otherwise)


def _tokens(text: str) -> tuple[_Token, ...]:
    found: list[_Token] = []
    at = 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None:
            raise TemplateProblem(f"unexpected {text[at:].strip()[:1]!r} in command")
        at = match.end()
        kind = match.lastgroup or ""
        if match["name"] is not None:
            kind = "variable" if match["name"].startswith("$") else "name"
            found.append(_Token(kind, match["name"], tuple(match["path"].split(".")[1:])))
        elif match["field"] is not None:
            found.append(_Token("field", ".", tuple(filter(None, match["field"].split(".")))))
        else:
            found.append(_Token(kind, match[0].strip()))
    return tuple(found)


def _check(nodes: Sequence[_Node], variables: frozenset[str], functions: frozenset[str]) -> None:
    """Raises TemplateProblem for a function or a variable that there is not."""
    for node in nodes:
        known = variables
        for place, token in enumerate(node.tokens):
            declares = node.tokens[place + 1 : place + 2] in (
                (_Token("mark", ":="),), (_Token("mark", ","),)
            )  # fmt: skip
            name = token.text.removeprefix("$")
            if token.kind == "variable" and declares:
                known |= {name}
            elif token.kind == "variable" and name and name not in known:
                raise TemplateProblem(f'undefined variable "{token.text}"')
            elif token.kind == "name" and token.text not in functions:
                raise TemplateProblem(f'function "{token.text}" not defined')
        if node.kind == "action":
            variables = known
        _check(node.body, known, functions)
        _check(node.otherwise, known, functions)


class _Filling:
    """Fills in one template."""

    def __init__(self, scope: Scope, show: Callable[[Value], str]) -> None:
        self._variables: dict[str, Value] = dict(scope.variables)
        self._root = scope.dot
        self._functions = scope.functions
        self._show = show

    def all_of(self, nodes: Sequence[_Node], dot: Value | Mapping[str, Value]) -> str:
        """The text of ``nodes``; what cannot be filled in stays as it was written."""
        out = []
        for node in nodes:
            try:
                out.append(self._one(node, dot))
            except _UnknownError:
                out.append(node.source)
        return "".join(out)

    def _one(self, node: _Node, dot: Value | Mapping[str, Value]) -> str:
        match node.kind:
            case "text":
                return node.source
            case "action":
                found, declared = self._declared(node.tokens, dot)
                return "" if declared else self._show(found)
            case "if" | "with":
                found, _ = self._declared(node.tokens, dot)
                inner = found if node.kind == "with" else dot
                return self.all_of(node.body, inner) if found else self.all_of(node.otherwise, dot)
            case _:
                raise _UnknownError

    def _declared(
        self, tokens: tuple[_Token, ...], dot: Value | Mapping[str, Value]
    ) -> tuple[Value, bool]:
        """The value of a pipeline, and whether it was only given a name."""
        if len(tokens) > 2 and tokens[0].kind == "variable" and tokens[1].text in {":=", "="}:
            value = self._pipeline(tokens[2:], dot)
            self._variables[tokens[0].text.removeprefix("$")] = value
            return value, True
        return self._pipeline(tokens, dot), False

    def _pipeline(self, tokens: tuple[_Token, ...], dot: Value | Mapping[str, Value]) -> Value:
        value: Value = None
        for number, command in enumerate(_split(tokens)):
            words = list(self._operands(command, dot))
            given = [value] if number else []
            head, *rest = words
            if callable(head):
                value = self._called(head, (*rest, *given))
            elif rest or given:
                raise _UnknownError
            else:
                value = head
        return value

    def _called(self, function: Function, arguments: Sequence[object]) -> Value:
        arguments = [each() if callable(each) else each for each in arguments]
        try:
            return function(*arguments)
        except (TypeError, ValueError, KeyError, OverflowError, ArithmeticError) as error:
            raise _UnknownError from error

    def _operands(
        self, tokens: tuple[_Token, ...], dot: Value | Mapping[str, Value]
    ) -> Iterator["Value | Function"]:
        at = 0
        if not tokens:
            raise _UnknownError
        while at < len(tokens):
            token = tokens[at]
            at += 1
            if token.kind == "mark":
                if token.text != "(":
                    raise _UnknownError
                end = _closing(tokens, at)
                yield self._pipeline(tokens[at:end], dot)
                at = end + 1
            else:
                yield self._operand(token, dot)

    def _operand(self, token: _Token, dot: Value | Mapping[str, Value]) -> "Value | Function":
        match token.kind:
            case "text":
                raw = token.text[1:-1]
                return raw if token.text[0] == "`" else _ESCAPE.sub(_escaped, raw)
            case "number":
                return float(token.text)
            case "field":
                return _field(dot, token.path)
            case "variable":
                name = token.text.removeprefix("$")
                if name and name not in self._variables:
                    raise _UnknownError
                return _field(self._variables[name] if name else self._root, token.path)
            case _:
                if token.text in {"true", "false"}:
                    return token.text == "true"
                if token.text not in self._functions:
                    raise _UnknownError
                return self._functions[token.text]


def _field(value: "Value | Mapping[str, Value]", path: tuple[str, ...]) -> Value:
    """A label that is not there is the empty text, as Prometheus has it."""
    for name in path:
        if not isinstance(value, Mapping):
            raise _UnknownError
        value = value.get(name, "")
    return value  # type: ignore[return-value]  # the root is shown by no template


def _split(tokens: tuple[_Token, ...]) -> Iterator[tuple[_Token, ...]]:
    """The commands between the pipes of one level."""
    depth, begin = 0, 0
    for at, token in enumerate(tokens):
        if token.kind != "mark":
            continue
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if token.text == "|" and depth == 0:
            yield tokens[begin:at]
            begin = at + 1
    yield tokens[begin:]


def _closing(tokens: tuple[_Token, ...], at: int) -> int:
    depth = 1
    for end in range(at, len(tokens)):
        if tokens[end].kind == "mark":
            depth += {"(": 1, ")": -1}.get(tokens[end].text, 0)
        if depth == 0:
            return end
    raise _UnknownError


def _escaped(match: re.Match[str]) -> str:
    return _ESCAPES.get(match[1], match[1])
