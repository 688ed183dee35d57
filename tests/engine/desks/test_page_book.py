"""Declared pages against a real server: read on demand, compared, bounded, never without need."""

import base64
import json
import threading
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.clock import SystemClock
from opsconsole.config.services import Service
from opsconsole.config.settings import Settings
from opsconsole.engine.desks.page_book import PageBook
from opsconsole.engine.desks.page_changes import marked
from opsconsole.model.asked.pages import Change, EntryKind, PageEntry, PageView
from opsconsole.model.fault import FaultKind
from opsconsole.sources.page import ENTRY_LIMIT, read_page


class Server(ThreadingHTTPServer):
    """Answers each path with its bytes; None is no answer at all."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.bodies: dict[str, bytes | None] = {}
        self.asked: list[tuple[str, str]] = []
        self.authorised: list[str | None] = []
        self.release = threading.Event()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append((self.command, self.path))
        self.server.authorised.append(self.headers.get("Authorization"))
        body = self.server.bodies.get(self.path, b"")
        if body is None:
            self.server.release.wait(10)
            return
        self.send_response(200 if self.path in self.server.bodies else 404)
        self.send_header("Content-Type", "application/json" if body[:1] in b"{[" else "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield made
    made.release.set()
    made.shutdown()
    thread.join()
    made.server_close()


def settings(server: Server, endpoints: dict[str, str], **more: object) -> Settings:
    service = {"instances": [server.address], "endpoints": endpoints, "timeout": "1s", **more}
    return Settings(services={"api": Service.model_validate(service)})


@pytest.fixture
async def books() -> AsyncIterator[list[PageBook]]:
    made: list[PageBook] = []
    yield made
    for book in made:
        await book.close()


def book_of(books: list[PageBook], found: Settings) -> PageBook:
    books.append(PageBook(found, Path(), SystemClock()))
    return books[-1]


def entries(view: PageView) -> dict[str, tuple[str, Change, str]]:
    assert view.body is not None
    return {each.key: (each.value, each.change, each.before) for each in view.body.entries}


async def test_a_page_is_read_when_asked_and_compared_with_the_look_before(
    server: Server, books: list[PageBook]
) -> None:
    server.bodies["/stats"] = b'{"hits": 1, "gone": true, "cache": {"rate": 0.5}}'
    book = book_of(books, settings(server, {"stats": "/stats"}))
    assert server.asked == []
    (first,) = await book.look("api")
    assert entries(first)["hits"] == ("1", Change.NONE, "")
    assert first.before_at is None
    server.bodies["/stats"] = b'{"hits": 1200, "cache": {"rate": 0.5}, "new": null}'
    (second,) = await book.look("api")
    assert entries(second) == {
        "hits": ("1,200", Change.CHANGED, "1"),
        "gone": ("true", Change.REMOVED, ""),
        "cache": ("1 key", Change.NONE, ""),
        "rate": ("0.5", Change.NONE, ""),
        "new": ("null", Change.ADDED, ""),
    }
    (third,) = await book.look("api")
    assert entries(third)["hits"] == ("1,200", Change.CHANGED, "1")
    assert third.before_at == second.before_at == first.taken_at
    assert {method for method, _ in server.asked} == {"GET"}


async def test_what_cannot_be_read_keeps_what_was_and_says_why(
    server: Server, books: list[PageBook]
) -> None:
    server.bodies["/stats"] = b'{"hits": 1}'
    book = book_of(books, settings(server, {"stats": "/stats"}))
    await book.look("api")
    server.bodies["/stats"] = None
    (view,) = await book.look("api")
    assert view.fault is not None
    assert view.fault.kind is FaultKind.TIMEOUT
    assert entries(view)["hits"] == ("1", Change.NONE, "")
    assert view.taken_at is not None
    assert view.taken_at < view.looked_at


async def test_a_page_that_is_too_large_or_absent_is_a_fault_or_its_own_words(
    server: Server, books: list[PageBook]
) -> None:
    server.bodies["/large"] = b'{"a": "' + b"x" * 400_000 + b'"}'
    book = book_of(books, settings(server, {"large": "/large", "absent": "/absent"}))
    large, absent = await book.look("api")
    assert large.fault is not None
    assert large.fault.kind is FaultKind.TOO_LARGE
    assert absent.body is not None
    assert absent.body.status == 404


async def test_credentials_go_to_the_service_and_to_nobody_else(
    server: Server, books: list[PageBook], tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hunter2")
    secret.chmod(0o600)
    other = server.address.replace("127.0.0.1", "localhost")
    endpoints = {"own": "/own", "whole": f"{server.address}/whole", "other": f"{other}/other"}
    http = {"basic_auth": {"username": "kim", "password": {"file": str(secret)}}}
    await book_of(books, settings(server, endpoints, http=http)).look("api")
    seen = dict(zip((path for _, path in server.asked), server.authorised, strict=True))
    expected = f"Basic {base64.b64encode(b'kim:hunter2').decode()}"
    assert seen == {"/own": expected, "/whole": expected, "/other": None}


async def test_a_service_without_pages_has_none(server: Server, books: list[PageBook]) -> None:
    book = book_of(books, settings(server, {}))
    assert await book.look("api") == ()
    assert await book.look("nobody") == ()
    assert server.asked == []


HOSTILE = b'{"\\u001b[2Jkey": "\\u202eabc\\u0007", "list": [1, {"a": "b\\nc"}], "n": -0.5}'


def test_what_is_read_is_clean_and_in_order() -> None:
    body = read_page(HOSTILE, 200, "application/json", 0.1)
    found = [(each.depth, each.key, each.value, each.kind) for each in body.entries]
    assert found == [
        (0, "␛[2Jkey", "<202E>abc␇", EntryKind.STRING),
        (0, "list", "2 items", EntryKind.LIST),
        (1, "[0]", "1", EntryKind.NUMBER),
        (1, "[1]", "1 key", EntryKind.OBJECT),
        (2, "a", "b␊c", EntryKind.STRING),
        (0, "n", "-0.5", EntryKind.NUMBER),
    ]


@pytest.mark.parametrize(
    ("body", "note"),
    [(b'{"a": NaN}', "shown as text: invalid number NaN"), (b"# plain\n\nwords", "")],
)
def test_what_is_not_json_is_lines(body: bytes, note: str) -> None:
    found = read_page(body, 200, "text/plain", 0.1)
    assert {each.kind for each in found.entries} == {EntryKind.TEXT}
    assert found.note == note


def test_a_long_page_is_cut_and_says_by_how_much() -> None:
    body = json.dumps(list(range(ENTRY_LIMIT + 7))).encode()
    found = read_page(body, 200, "application/json", 0.1)
    assert (len(found.entries), found.more) == (ENTRY_LIMIT, 7)


leaves = st.none() | st.booleans() | st.integers(-5, 5) | st.text("ab", max_size=2)
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=2), inner, max_size=4)
    ),
)


def read(value: object) -> tuple[PageEntry, ...]:
    return read_page(json.dumps({"root": value}).encode(), 200, "application/json", 0.0).entries


@given(values, values)
def test_a_comparison_keeps_the_later_look_and_names_all_that_is_gone(
    before: object, after: object
) -> None:
    old, new = read(before), read(after)
    found = marked(old, new)
    kept = [each for each in found if each.change is not Change.REMOVED]
    assert [(each.path, each.value, each.kind) for each in kept] == [
        (each.path, each.value, each.kind) for each in new
    ]
    gone = {each.path for each in found if each.change is Change.REMOVED}
    assert gone == {each.path for each in old} - {each.path for each in new}
    assert all(each.change is Change.NONE for each in marked(new, new))
