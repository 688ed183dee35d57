"""Values that may be shown nowhere, and the one place that knows them.

Invariant: from the moment that a value is hidden, no text that passes ``hidden`` holds it: neither
as it is nor encoded as for a URL, JSON, HTML or base64. ``text.sanitize`` passes every text from
outside, so that what a service echoes of a secret enters nothing. Values of fewer than ``LEAST``
characters, and plain words, are not hidden, since they stand in any text: where the password is
``postgres``, so is the name of a container. Safe to use from several threads.
"""

import base64
import json
import re
import threading
from collections.abc import Container, Iterator
from typing import Final
from urllib.parse import quote, quote_plus

from opsconsole.patterns import Pattern, one_of

MASK: Final = "•••"
LEAST: Final = 4

_LINE: Final = 8
"""Characters of a line of a longer secret, such as a key, that is hidden by itself."""


_WORD: Final = re.compile(r"[A-Za-z]?[a-z]{1,8}|[A-Z]{1,8}")

_KEPT: Final = 500
"""Values that are hidden at once; of secrets that change by the hour the oldest have ended."""

_FEW: Final = 8
"""Forms up to which looking for each is quicker than looking for all at once."""


class _Values:
    """Every form of every value, the longest first, so that no part of one is left."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of: dict[str, frozenset[str]] = {}
        self.forms: tuple[str, ...] = ()
        self.any: Pattern | None = None

    def add(self, value: str, forms: frozenset[str]) -> None:
        with self._lock:
            if value in self._of:
                return
            self._of[value] = forms
            while len(self._of) > _KEPT:
                del self._of[next(iter(self._of))]
            self.forms = tuple(sorted(frozenset().union(*self._of.values()), key=_by_length))
            self.any = one_of(self.forms) if len(self.forms) > _FEW else None


_values = _Values()


def hide(value: str) -> None:
    """Show ``value`` nowhere from now on."""
    found = {value, *(line.strip() for line in value.splitlines() if len(line.strip()) >= _LINE)}
    forms = {form for each in found if not _is_common(each) for form in _forms(each)}
    if forms:
        _values.add(value, frozenset(form for form in forms if len(form) >= LEAST))


def hidden(text: str) -> str:
    """``text`` with a mask in the place of each value that was hidden."""
    any_of = _values.any
    if any_of is not None and not any_of.search(text):
        return text
    for form in _values.forms:
        if form in text:
            text = text.replace(form, MASK)
    return text


def without_query(url: str, plain: Container[str] = ()) -> str:
    """A URL or a path without the values of its query but those of parameters that are ``plain``.

    What is asked for in a query is as often a key as not.
    """
    head, mark, query = url.partition("?")
    query, hash_mark, fragment = query.partition("#")
    if not mark or not query:
        return url
    shown = "&".join(_parameter(each, plain) for each in query.split("&"))
    return f"{head}?{shown}{hash_mark}{fragment}"


def _parameter(text: str, plain: Container[str]) -> str:
    name, equals, value = text.partition("=")
    if name in plain or not (value or not equals):
        return text
    return f"{name}={MASK}" if equals else MASK


def _is_common(value: str) -> bool:
    """Whether texts hold it by chance."""
    return len(value) < LEAST or _WORD.fullmatch(value) is not None


def _forms(value: str) -> Iterator[str]:
    # It knows the names of all characters, which few commands need.
    import html

    yield value
    for escaped in (quote(value, safe=""), quote(value), quote_plus(value)):
        yield escaped
        yield _lower_escapes(escaped)
    for ascii_only in (True, False):
        written = json.dumps(value, ensure_ascii=ascii_only)[1:-1]
        yield written
        yield written.replace("/", "\\/")
    yield html.escape(value)
    raw = value.encode("utf-8", "surrogateescape")
    for encoded in (base64.b64encode(raw), base64.urlsafe_b64encode(raw)):
        yield encoded.decode("ascii").rstrip("=")


def _lower_escapes(text: str) -> str:
    """``%2F`` as ``%2f``."""
    first, *rest = text.split("%")
    return "%".join([first, *(each[:2].lower() + each[2:] for each in rest)])


def _by_length(form: str) -> tuple[int, str]:
    return -len(form), form
