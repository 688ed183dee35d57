"""One look at a page of a service, for a person to read.

Invariant: a look is a GET, ends within ``timeout`` seconds, raises nothing and keeps nothing. The
answer is at most ``transport.BODY_LIMIT`` bytes and ``ENTRY_LIMIT`` entries, all sanitised.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from opsconsole.config.http import HttpConfig
from opsconsole.dataclass import dataclass
from opsconsole.model.asked.pages import EntryKind, PageBody, PageEntry
from opsconsole.model.fault import Fault
from opsconsole.sources.http.connector import Connector
from opsconsole.sources.http.target import ask_once
from opsconsole.sources.http.transport import TOOK
from opsconsole.sources.http.transport_fault import TransportFaultError
from opsconsole.sources.strict_json import InvalidJsonError, Json, parse
from opsconsole.text import sanitize, sanitize_bytes

ENTRY_LIMIT: Final = 2_000
ACCEPT: Final = "application/json, text/plain;q=0.8, */*;q=0.5"

_KEY_LIMIT: Final = 80
_VALUE_LIMIT: Final = 1_000


@dataclass(frozen=True, slots=True)
class PageAddress:
    """Where a page is. ``http`` holds the credentials that may be sent there."""

    name: str
    instance: str
    url: str
    http: HttpConfig


async def look_at(
    address: PageAddress, connector: Connector, base: Path, timeout: float
) -> PageBody | Fault:
    """Ask once."""
    try:
        response = await ask_once(
            address.url,
            accept=ACCEPT,
            http=address.http,
            timeout=timeout,
            connector=connector,
            base=base,
        )
    except TransportFaultError as error:
        return error.fault
    took = response.extensions[TOOK]
    content_type = sanitize(response.headers.get("content-type", ""), limit=100)
    return read_page(response.read(), response.status_code, content_type, took)


def read_page(body: bytes, status: int, content_type: str, took: float) -> PageBody:
    """The entries of a body: JSON by key, anything else by line."""
    note = ""
    entries: Iterator[PageEntry] | None = None
    if _claims_json(body, content_type):
        try:
            entries = _entries(parse(body))
        except InvalidJsonError as error:
            note = f"shown as text: {error}"
    if entries is None:
        entries = _lines(body)
    kept: list[PageEntry] = []
    more = 0
    for entry in entries:
        if len(kept) < ENTRY_LIMIT:
            kept.append(entry)
        else:
            more += 1
    return PageBody(tuple(kept), status, content_type, took, len(body), more, note)


def _claims_json(body: bytes, content_type: str) -> bool:
    return body[:64].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[") or "json" in content_type


def _entries(value: Json) -> Iterator[PageEntry]:
    if isinstance(value, dict | list):
        yield from _inner(value, "", 0)
    else:
        yield _entry("", 0, "", value)


def _inner(value: Json, path: str, depth: int) -> Iterator[PageEntry]:
    """What an object or a list holds, each followed by what it holds itself."""
    if isinstance(value, dict):
        pairs: Iterator[tuple[str, Json]] = iter(value.items())
    elif isinstance(value, list):
        pairs = ((f"[{number}]", each) for number, each in enumerate(value))
    else:
        return
    for key, inner in pairs:
        name = sanitize(key, limit=_KEY_LIMIT)
        # A NUL is in no sanitised key, so no two entries share a path.
        place = f"{path}\0{key}"
        yield _entry(place, depth, name, inner)
        yield from _inner(inner, place, depth + 1)


def _entry(path: str, depth: int, key: str, value: Json) -> PageEntry:
    kind, text = _written(value)
    return PageEntry(path, depth, key, text, kind)


def _written(value: Json) -> tuple[EntryKind, str]:
    if isinstance(value, dict):
        return EntryKind.OBJECT, _count(len(value), "key") if value else "{}"
    if isinstance(value, list):
        return EntryKind.LIST, _count(len(value), "item") if value else "[]"
    if isinstance(value, bool):
        return EntryKind.BOOLEAN, "true" if value else "false"
    if isinstance(value, str):
        return EntryKind.STRING, sanitize(value, limit=_VALUE_LIMIT)
    if value is None:
        return EntryKind.NULL, "null"
    return EntryKind.NUMBER, f"{value:,}" if isinstance(value, int) else repr(value)


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _lines(body: bytes) -> Iterator[PageEntry]:
    for number, line in enumerate(body.split(b"\n")):
        text = sanitize_bytes(line.rstrip(b"\r"), limit=_VALUE_LIMIT)
        if text.strip():
            yield PageEntry(f"\0{number}", 0, "", text, EntryKind.TEXT)
