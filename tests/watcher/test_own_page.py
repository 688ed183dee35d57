"""The watcher's own page: what it says, and what hostile clients cost."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from opsconsole.watcher.notify.notifying import Delivery
from opsconsole.watcher.own_health import Blind, OwnHealth
from opsconsole.watcher.own_page import CLIENTS, HEAD_LIMIT, OwnPage
from tests.watcher.world import World

LISTEN = "127.0.0.1:0"


def health(**more: object) -> OwnHealth:
    world = World()
    world.add("db")
    known = {"at": world.now, "leads": True, "blind": None, "lag": 0.1, "snapshot": world.snapshot}
    return OwnHealth(**{**known, **more})  # type: ignore[arg-type]


@pytest.fixture
async def page() -> AsyncIterator[OwnPage]:
    found = OwnPage(LISTEN, health)
    assert await found.open() == ""
    yield found
    await found.close()


async def ask(page: OwnPage, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", page.port)
    try:
        writer.write(request)
        await writer.drain()
        return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


def get(path: str, method: str = "GET") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:9715\r\n\r\n".encode()


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:80", "[::1]:9715", "127.0.0.2", ""])
async def test_it_is_asked_for_by_an_address_of_this_host(page: OwnPage, host: str) -> None:
    line = f"Host: {host}\r\n" if host else ""
    answer = await ask(page, f"GET /healthz HTTP/1.1\r\n{line}\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize(
    "lines",
    [
        "Host: evil.example:9715",
        "host:evil.example",
        "Host: 127.0.0.1.evil.example",
        "Host: localhost\r\nHost: evil.example",
        "Host: localhost@evil.example",
        "Host: ",
        "Host: [::1",
    ],
)
@pytest.mark.parametrize("path", ["/healthz", "/metrics"])
async def test_a_name_that_is_made_to_lead_here_gets_nothing(
    page: OwnPage, lines: str, path: str
) -> None:
    answer = await ask(page, f"GET {path} HTTP/1.1\r\n{lines}\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 421 ")
    assert b"opsconsole_watch" not in answer


async def test_it_says_how_the_watcher_is(page: OwnPage) -> None:
    head, _, body = (await ask(page, get("/healthz"))).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert json.loads(body)["ok"] is True
    assert json.loads(body)["leads"] is True


@pytest.mark.parametrize(
    "more",
    [
        {"blind": Blind.DARK},
        {"lock_fault": "gone"},
        {"deliveries": (Delivery("chat", fault="connect: refused"),)},
        {"deliveries": (Delivery("chat", unkept="no room"),)},
    ],
)
async def test_one_that_is_not_well_answers_503(more: dict[str, object]) -> None:
    found = OwnPage(LISTEN, lambda: health(**more))
    await found.open()
    assert (await ask(found, get("/healthz"))).startswith(b"HTTP/1.1 503 ")
    await found.close()


async def test_its_figures_are_read_as_prometheus_reads_them() -> None:
    delivery = Delivery('a"b\\c\nd', accepted=3, refused=1, lasting=2)
    found = OwnPage(LISTEN, lambda: health(deliveries=(delivery,)))
    await found.open()
    body = (await ask(found, get("/metrics"))).partition(b"\r\n\r\n")[2].decode()
    await found.close()
    assert "opsconsole_watch_leads 1\n" in body
    assert 'opsconsole_watch_pushes_total{receiver="a\\"b\\\\c\\nd",taken="yes"} 3\n' in body
    assert 'opsconsole_watch_services{state="ok"} 1\n' in body
    assert len(list(text_string_to_metric_families(body))) == 10


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (get("/"), b"404"),
        (get("/healthz", "POST"), b"405"),
        (get("/metrics?x=1"), b"200"),
        (get("/healthz", "HEAD"), b"200"),
        (b"\x16\x03\x01\r\n\r\n", b"405"),
    ],
)
async def test_what_it_answers_otherwise(page: OwnPage, request_: bytes, status: bytes) -> None:
    answer = await ask(page, request_)
    assert answer.split(b" ")[1] == status
    assert (answer.partition(b"\r\n\r\n")[2] == b"") is request_.startswith(b"HEAD")


async def test_hostile_clients_cost_little_and_hold_nobody_up(
    page: OwnPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opsconsole.watcher.own_page.WITHIN", 0.5)
    assert await ask(page, b"GET /" + b"a" * (HEAD_LIMIT * 2)) == b""
    silent = [await asyncio.open_connection("127.0.0.1", page.port) for _ in range(CLIENTS)]
    refused = await ask(page, get("/healthz"))
    assert refused in {b""} or refused.startswith(b"HTTP/1.1 200")

    # Those that say nothing are gone after a while.
    while not (await ask(page, get("/healthz"))).startswith(b"HTTP/1.1 200"):
        pass
    for _, writer in silent:
        writer.close()


async def test_who_does_not_read_the_answer_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opsconsole.watcher.own_page.WITHIN", 0.5)
    monkeypatch.setattr("opsconsole.watcher.own_page.CLIENTS", 1)
    name = "x" * 4_000_000
    found = OwnPage(LISTEN, lambda: health(deliveries=(Delivery(name),)))
    await found.open()
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect(("127.0.0.1", found.port))
        slow.sendall(get("/metrics"))
        while not (await ask(found, get("/"))).startswith(b"HTTP/1.1 404"):
            pass
        read = 0
        with contextlib.suppress(ConnectionError):
            while said := await asyncio.to_thread(slow.recv, 1_000_000):
                read += len(said)
    await found.close()
    assert read < len(name), "its place is free, so nothing of it is there any more"


@pytest.mark.parametrize("listen", ["localhost:0", "[::1]:0"])
async def test_it_listens_wherever_this_host_is_meant(listen: str) -> None:
    found = OwnPage(listen, health)
    said = await found.open()
    # Not every machine has IPv6.
    assert (found.port is not None) is (said == "")
    assert said == "" or "::1" in listen
    await found.close()


async def test_a_port_that_is_taken_is_said_and_tried_again(page: OwnPage) -> None:
    other = OwnPage(f"127.0.0.1:{page.port}", health)
    assert "cannot listen" in await other.open()
    await page.close()
    assert await other.open() == ""
    await other.close()
