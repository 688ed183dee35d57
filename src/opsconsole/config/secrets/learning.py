"""Knowing the secrets of a configuration by value before anything can echo them.

Invariant: what a configuration refers to and can be read without running a program is hidden
(``hiding``) as soon as the configuration is loaded, in every process that loads it; what a command
prints is hidden when it is first asked for. Nothing here is kept or shown, and nothing raises.

Everything here blocks: call it in an executor of your own.
"""

import re
from collections.abc import Container, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote_plus

from pydantic import BaseModel

from opsconsole.config.http import HttpConfig
from opsconsole.config.secrets.interpolation import variables_in
from opsconsole.config.settings import Settings
from opsconsole.config.types import SecretRef
from opsconsole.errors import SecretError
from opsconsole.hiding import hide

_ANNOUNCES: Final = re.compile(
    r"pass(?:wd|word|phrase)?$|secret|token|credential|api_?-?key|(?:^|[_-])(?:key|auth|sig|pwd|pin)$"
    r"|signature|session|jwt|hmac|authorization|appid",
    re.IGNORECASE,
)
_RANDOM: Final = re.compile(r"(?=.*\d)(?=.*[A-Za-z])[\w.~+/%=-]{8,}", re.ASCII)
_WITH_QUERY: Final = re.compile(r"(?:https?:/)?/\S*?\?(\S+)")
_GIVEN_AS: Final = re.compile(r"([A-Za-z][\w-]*)[=:]\s?\$\{")
"""The word before a variable: ``--with=${DB_PASSWORD}``."""

_PLACES: Final = frozenset({"env", "query", "json", "set", "http_headers"})
"""Mappings of free names, whose names say what their values are."""


def announces_secret(name: str) -> bool:
    """Whether a name says that its value is a secret."""
    return _ANNOUNCES.search(name) is not None


def learn(settings: Settings, base: Path, environ: Mapping[str, str]) -> None:
    """Hide the secrets of ``settings``; files are relative to ``base``."""
    seen: set[SecretRef] = set()
    for found in _found(settings, frozenset()):
        if isinstance(found, tuple):
            hide(*found)
        elif found not in seen and found.command is None:
            # Most configurations hold none, and running programs takes long to import.
            from opsconsole.config.secrets.references import reveal

            seen.add(found)
            with suppress(SecretError):
                reveal(found, base=base, environ=environ)


def secret_references(settings: Settings) -> Iterator[SecretRef]:
    """Every reference to a secret in ``settings``."""
    return (each for each in _found(settings, frozenset()) if isinstance(each, SecretRef))


def learn_variables(texts: Iterator[str], environ: Mapping[str, str]) -> None:
    """Hide what ``${NAME}`` in ``texts`` stands for where its name announces a secret."""
    for text in texts:
        for name in variables_in(text):
            if announces_secret(name):
                hide(environ.get(name, ""), name)
                for word in _GIVEN_AS.findall(text):
                    hide(environ.get(name, ""), word)


def _found(value: Any, plain: Container[str]) -> Iterator[tuple[str, str] | SecretRef]:
    """References to secrets, and texts that are one with their names, anywhere in ``value``."""
    if isinstance(value, SecretRef):
        yield value
    elif isinstance(value, BaseModel):
        http = value.__dict__.get("http")
        plain = http.plain_query if isinstance(http, HttpConfig) else plain
        # What was not given holds no secret.
        for name in value.model_fields_set:
            inner = value.__dict__[name]
            if name in _PLACES and isinstance(inner, dict):
                yield from _announced(inner)
            yield from _found(inner, plain)
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _found(inner, plain)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _found(inner, plain)
    elif isinstance(value, str) and "?" in value:
        yield from _in_query(value, plain)


def _announced(named: Mapping[Any, Any]) -> Iterator[tuple[str, str]]:
    for name, value in named.items():
        if isinstance(value, str) and announces_secret(str(name)):
            yield value, str(name)


def _in_query(url: str, plain: Container[str]) -> Iterator[tuple[str, str]]:
    """Values of a query that are named as secrets are, or look as if they were drawn at random."""
    match = _WITH_QUERY.fullmatch(url)
    for each in match[1].split("#")[0].split("&") if match else ():
        name, equals, value = each.partition("=")
        value = value if equals else name
        if name in plain or "{" in value:
            continue
        if announces_secret(name) or _RANDOM.fullmatch(value):
            yield value, name
            yield unquote_plus(value), name
