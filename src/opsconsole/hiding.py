"""Values that may be shown nowhere, and the one place that knows them.

Invariant: from the moment that a value is hidden, no text that passes ``hidden`` holds it: neither
as it is nor written as for a URL, JSON, HTML, hexadecimal or base64, alone or within what was
encoded together with it, such as a user's name. ``text.sanitize`` passes every text from outside,
so that what a service echoes of a secret enters nothing.

A value that stands in any text by chance (of fewer than ``LEAST`` characters, or a plain word:
where the password is ``postgres``, so is the name of a container) is hidden where a text says
itself that a secret stands there: as a whole word after a name that announces one or under which
the console was given it, after ``Bearer`` or ``Basic``, and as the user or password of a URL.
Safe to use from several threads.
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

_LONG: Final = 6
"""Characters of an encoded form from which on it stands in no text by chance."""

_WORD: Final = re.compile(r"[A-Za-z]?[a-z]{1,8}|[A-Z]{1,8}")

_KEPT: Final = 500
"""Values that are hidden at once; of secrets that change by the hour the oldest have ended."""

_FEW: Final = 8
"""Forms up to which looking for each is quicker than looking for all at once."""

_NAMES: Final = (
    r"pass(?:wd|word|phrase|code)|secret|token|credential|authorization|signature|session|jwt|hmac"
    r"|(?:api|access|private|account)[_-]?key|(?<![a-z])(?:pass|pwd|key|pin|sig|auth)(?![a-z])"
)
_SPOKEN: Final = (
    r"password|passwd|passphrase|secret|token|bearer|basic|(?<![\w-])--?[a-z][\w-]{0,30}"
)
_PLACE: Final = (
    # "db_password": "…", DB_PASSWORD=…, <password>…, X-Api-Key: …, Authorization: Bearer …
    r"(?i:(?:{names})[\w.-]{{0,30}}[\"'\\\]]{{0,4}}[ \t]{{0,4}}(?:=>|[=:>])[ \t]{{0,4}}"
    r"[\"'\\(<]{{0,4}}(?:(?:bearer|basic|token)[ \t]{{1,4}})?"
    # password …, --token …, Bearer …
    r"|(?:{spoken})[ \t]{{1,4}}(?:(?:is|was)[ \t])?[\"'\\]{{0,2}})"
)
_IN_JSON: Final = (
    r"(?i:(?:{names})[\w.-]{{0,30}}\"\s{{0,9}}:\s{{0,9}}\"(?:(?:bearer|basic|token) )?)"
)
_USER: Final = r"://(?:[^\s/@:]{0,64}:)?"


class _Values:
    """Every form of every value, the longest first, so that no part of one is left."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of: dict[str, frozenset[str]] = {}
        self._common: dict[str, None] = {}
        self._names: set[str] = set()
        self.forms: tuple[str, ...] = ()
        self.any: Pattern | None = None
        self.common: tuple[str, ...] = ()
        self.places: tuple[re.Pattern[str], ...] = ()
        self.in_json: tuple[re.Pattern[str], ...] = ()

    def add(self, value: str, forms: frozenset[str]) -> None:
        with self._lock:
            if value in self._of:
                return
            self._of[value] = forms
            while len(self._of) > _KEPT:
                del self._of[next(iter(self._of))]
            self.forms = tuple(sorted(frozenset().union(*self._of.values()), key=_by_length))
            self.any = one_of(self.forms) if len(self.forms) > _FEW else None

    def add_common(self, value: str, name: str) -> None:
        with self._lock:
            if value in self._common and name in self._names:
                return
            self._common[value] = None
            self._names.add(name)
            while len(self._common) > _KEPT:
                del self._common[next(iter(self._common))]
            common = tuple(sorted(self._common, key=_by_length))
            self.places, self.in_json = _places(common, self._names - {""})
            self.common = common


_values = _Values()


def hide(value: str, name: str = "") -> None:
    """Show ``value`` nowhere from now on; ``name`` is what it was given as."""
    found = {value, *(line.strip() for line in value.splitlines() if len(line.strip()) >= _LINE)}
    common = _is_common(value)
    forms = {form for each in found if not _is_common(each) for form in _forms(each)}
    forms |= {form for form in _encoded(value) if len(form) >= _LONG}
    forms = {form for form in forms if len(form) >= LEAST}
    if forms:
        _values.add(value, frozenset(forms))
    if common and value.strip():
        _values.add_common(value, name)


def hidden(text: str) -> str:
    """``text`` with a mask in place of each value that was hidden."""
    if _values.common:
        text = hidden_in_places(text)
    any_of = _values.any
    if any_of is not None and not any_of.search(text):
        return text
    for form in _values.forms:
        if form in text:
            text = text.replace(form, MASK)
    return text


def hidden_in_places(text: str) -> str:
    """``text`` without the common values where it says that a secret stands there."""
    return _without_common(text, _values.places)


def hidden_in_json(text: str) -> str:
    """The same of a JSON text before it is parsed, which shows names apart from their values.

    It is as good a JSON text as it was.
    """
    return _without_common(text, _values.in_json)


def _without_common(text: str, places: tuple[re.Pattern[str], ...]) -> str:
    if any(value in text for value in _values.common):
        for place in places:
            text = place.sub(rf"\g<1>{MASK}", text)
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
        yield quote(escaped, safe="")
    for ascii_only in (True, False):
        written = json.dumps(value, ensure_ascii=ascii_only)[1:-1]
        yield written
        yield written.replace("/", "\\/")
        yield "".join(_AS_GO.get(char, char) for char in written)
        yield json.dumps(written)[1:-1]
    yield repr(value)[1:-1]
    in_html = html.escape(value)
    yield in_html
    yield in_html.replace("&#x27;", "&#39;").replace("&quot;", "&#34;")
    raw = value.encode("utf-8", "surrogateescape")
    for encoded in (base64.b64encode(raw), base64.urlsafe_b64encode(raw)):
        yield encoded.decode("ascii").rstrip("=")


def _encoded(value: str) -> Iterator[str]:
    """What stands for it wherever it is encoded, also with something before and behind it."""
    raw = value.encode("utf-8", "surrogateescape")
    if len(raw) >= LEAST:
        yield raw.hex()
        yield raw.hex().upper()
    for before, cut in ((0, 0), (1, 2), (2, 3)):
        padded = b"\0" * before + raw
        whole = len(padded) * 8 // 6
        for encoded in (base64.b64encode(padded), base64.urlsafe_b64encode(padded)):
            yield encoded.decode("ascii")[cut:whole]


_AS_GO: Final = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}
"""Go and Java write these so in JSON."""


def _places(
    common: tuple[str, ...], names: set[str]
) -> tuple[tuple[re.Pattern[str], ...], tuple[re.Pattern[str], ...]]:
    """Where a text, and a JSON text, says that one of ``common`` is a secret.

    The first group is what says so.
    """
    values = "|".join(map(re.escape, common))
    given = (rf"(?<!\w){re.escape(name)}" for name in sorted(names))
    named = "|".join((_NAMES, *given))
    user = re.compile(rf"({_USER})(?:{values})(?=@)")
    place = re.compile(rf"({_PLACE.format(names=named, spoken=_SPOKEN)})(?:{values})(?!\w)")
    in_json = re.compile(rf"({_IN_JSON.format(names=named)})(?:{values})(?=\")")
    return (place, user), (in_json, user)


def _lower_escapes(text: str) -> str:
    """``%2F`` as ``%2f``."""
    first, *rest = text.split("%")
    return "%".join([first, *(each[:2].lower() + each[2:] for each in rest)])


def _by_length(form: str) -> tuple[int, str]:
    return -len(form), form
