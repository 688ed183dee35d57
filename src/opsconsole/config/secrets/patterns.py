"""Texts that look like secrets, so that none is left in a configuration by mistake.

Invariant: nothing here returns or shows the text that it looked at. Only forms that are hardly
ever anything else are taken for secrets; a reference is not one.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from opsconsole.config.files.problems import KeyPath

_FORMS: Final[tuple[tuple[str, re.Pattern[str]], ...]] = (
    ("a private key", re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")),
    ("a bearer token", re.compile(r"\bBearer\s+(?!\$)[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE)),
    ("basic credentials", re.compile(r"\bBasic\s+[A-Za-z0-9+/]{8,}={0,2}(?:\s|$)")),
    ("a GitHub token", re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,})")),
    ("an AWS access key", re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b")),
    ("a Slack token", re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{10,}")),
    ("a Slack webhook", re.compile(r"hooks\.slack\.com/services/\w+")),
    ("an API key", re.compile(r"\bsk-[A-Za-z0-9_-]{16,}")),
    ("a Google API key", re.compile(r"\bAIza[A-Za-z0-9_-]{30,}")),
    ("a JSON web token", re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}")),
    ("a password in a URL", re.compile(r"[a-z][a-z0-9+.-]*://[^\s/:@]*:(?!\$\{)[^\s/@]+@")),
    (
        "a secret in a query",
        re.compile(r"[?&](?:token|api_?key|appid|password|secret|access_token)=[^&\s{$]+", re.I),
    ),
)
_NAMES: Final = re.compile(
    r"(?:^|[_-])(?:password|passwd|secret|token|api_?key|apikey|private_?key)$", re.IGNORECASE
)
_PLACES: Final = frozenset({"env", "query", "json", "set", "http_headers"})
"""Mappings of free names, in which a name may show that its value is a secret."""


_WRITTEN: Final = re.compile(
    r"""(?ix) (\b[\w-]*(?:password|passwd|secret|token|api[_-]?key|authorization)\b"?\s*[=:]\s*)
    ("[^"]*"|'[^']*'|(?:(?:bearer|basic)\s+)?[^\s,;&]+)"""
)
"""A name that announces a secret, and what is written after it."""

HIDDEN: Final = "[secret]"


def redacted(text: str) -> str:
    """``text`` without what looks like a secret, for what leaves the machine."""
    for _, form in _FORMS:
        text = form.sub(HIDDEN, text)
    return _WRITTEN.sub(rf"\g<1>{HIDDEN}", text)


def find_secrets(value: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, str]]:
    """Where a secret seems to be written out, and what kind it seems to be."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from find_secrets(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from find_secrets(item, (*path, index))
    elif isinstance(value, str) and (kind := _kind_of(value, path)):
        yield path, kind


def _kind_of(text: str, path: KeyPath) -> str:
    for kind, form in _FORMS:
        if form.search(text):
            return kind
    named = len(path) > 1 and path[-2] in _PLACES and _NAMES.search(str(path[-1]))
    return "a secret" if named and text and not text.startswith(("${", "{")) else ""
