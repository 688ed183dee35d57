"""``${VAR}`` in values, after the YAML is parsed.

Invariant: only whole values are looked at, never keys and never the text of the file, so that an
environment variable cannot add structure. ``${VAR}`` must be set; ``${VAR:-default}`` takes the
default when it is unset or empty; ``${VAR:?message}`` says the message then; ``$$`` is a dollar
sign; a bare ``$NAME`` stays as it is. ``${env:NAME}`` is a reference to a secret and stays too.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from opsconsole.config.files.problems import KeyPath
from opsconsole.config.files.yaml_tree import Value
from opsconsole.dataclass import dataclass

_FORM: Final = re.compile(
    r"\$\$|\$\{(?:(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::(?P<how>[-?])(?P<word>[^}]*))?\}|[^}]*\}?)"
)
REFERENCE: Final = re.compile(r"\$\{env:[A-Za-z_][A-Za-z0-9_]*\}")


@dataclass(frozen=True, slots=True)
class Interpolated:
    """The values filled in, what was wrong, and the original text of each that was changed."""

    value: Value
    problems: tuple[tuple[KeyPath, str], ...]
    originals: Mapping[KeyPath, tuple[str, str]]
    """KeyPath of a changed value to its text as written and as filled in."""
    plain: bool = False
    """No text in it had a ``$``, so that none refers to anything."""


def interpolate(value: Value, environ: Mapping[str, str]) -> Interpolated:
    """Fill in every text in ``value``."""
    problems: list[tuple[KeyPath, str]] = []
    originals: dict[KeyPath, tuple[str, str]] = {}
    plain = True

    def walk(node: Any, path: KeyPath) -> Any:
        if isinstance(node, dict):
            return {key: walk(inner, (*path, key)) for key, inner in node.items()}
        if isinstance(node, list):
            return [walk(inner, (*path, index)) for index, inner in enumerate(node)]
        if not isinstance(node, str) or "$" not in node:
            return node
        nonlocal plain
        plain = False
        text, wrong = expand(node, environ)
        problems.extend((path, message) for message in wrong)
        if text != node:
            originals[path] = (node, text)
        return text

    filled = walk(value, ())
    return Interpolated(filled, tuple(problems), originals, plain)


def variables_in(text: str) -> tuple[str, ...]:
    """The names that ``text`` refers to."""
    return tuple(match["name"] for match in _FORM.finditer(text) if match["name"])


def expand(text: str, environ: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    """``text`` filled in, and one message for each form that cannot be."""
    problems: list[str] = []
    parts = list(_parts(text, environ, problems))
    return "".join(parts), tuple(problems)


def _parts(text: str, environ: Mapping[str, str], problems: list[str]) -> Iterator[str]:
    end = 0
    for match in _FORM.finditer(text):
        yield text[end : match.start()]
        end = match.end()
        if match[0] == "$$":
            yield "$"
        elif REFERENCE.fullmatch(match[0]):
            yield match[0]
        else:
            yield _replacement(match, environ, problems)
    yield text[end:]


def _replacement(match: re.Match[str], environ: Mapping[str, str], problems: list[str]) -> str:
    name, how, word = match["name"], match["how"], match["word"] or ""
    if name is None:
        problems.append(
            "a ${…} is not complete; write ${NAME}, ${NAME:-default}, ${NAME:?message} or $$ for $"
        )
        return match[0]
    value = environ.get(name)
    if value or (how is None and value is not None):
        return value
    if how == "-":
        return word
    if how == "?":
        problems.append(f"the environment variable {name} is not set: {word or 'it is required'}")
    else:
        problems.append(
            f"the environment variable {name} is not set; set it or write ${{{name}:-default}}"
        )
    return ""
