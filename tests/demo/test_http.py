"""The platforms' HTTP server as a client on the wire sees it."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.demo.fleet import Fleet
from opsconsole.demo.platforms.http import BadRequestError, Request, parse_head

PIECES = st.sampled_from(
    b"GET|POST| |/|/a?b=%zz|http://[|HTTP/1.1|HTTP/1.0|\r\n|Host: x|Connection: close|: "
    b"|Transfer-Encoding: x|\x00|\xff".split(b"|")
)


@pytest.fixture(name="wire")
def _wire(fleet: Fleet) -> Iterator[socket.socket]:
    address = ("127.0.0.1", fleet.layout.of("oatie")[0].port)
    with contextlib.closing(socket.create_connection(address, timeout=5)) as connection:
        yield connection


def exchange(wire: socket.socket, request: bytes) -> tuple[int, dict[str, str], bytes]:
    """Send and read one response: status, headers, body."""
    wire.sendall(request)
    with wire.makefile("rb") as stream:
        status = int(stream.readline().split()[1])
        headers = {}
        while (line := stream.readline().strip()) != b"":
            name, _, value = line.decode().partition(": ")
            headers[name.lower()] = value
        if request.startswith(b"HEAD"):
            return status, headers, b""
        return status, headers, stream.read(int(headers["content-length"]))


def test_connection_is_kept_for_several_requests(wire: socket.socket) -> None:
    for _ in range(3):
        status, headers, body = exchange(wire, b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert status == 200
        assert headers["connection"] == "keep-alive"
        assert body.startswith(b"{")


def test_head_has_a_length_and_no_body(wire: socket.socket) -> None:
    status, headers, _ = exchange(wire, b"HEAD /health HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (status, int(headers["content-length"]) > 0) == (200, True)
    assert exchange(wire, b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")[0] == 200


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /nothing HTTP/1.1\r\n\r\n", 404),
        (b"POST /health HTTP/1.1\r\n\r\n", 405),
        (b"GET /health\r\n\r\n", 400),
        (b"GET /health HTTP/2.0\r\n\r\n", 505),
        (b"GET http://[ HTTP/1.1\r\n\r\n", 400),
        (b"POST /api/reports HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 501),
        (b"POST /api/reports HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST /api/reports HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", 413),
        (b"POST /api/reports HTTP/1.1\r\nContent-Length: 2\r\n\r\n[]", 422),
        (b"GET /health HTTP/1.1\r\nX: " + b"x" * 20_000 + b"\r\n\r\n", 431),
        (b"GET /api/performance/resources/trends?hours=-1 HTTP/1.1\r\n\r\n", 422),
    ],
)
def test_bad_request_gets_its_status(wire: socket.socket, request_: bytes, status: int) -> None:
    assert exchange(wire, request_)[0] == status


@pytest.mark.parametrize(
    "request_",
    [b"GET /health HTTP/1.1\r\nConnection: close\r\n\r\n", b"GET /health HTTP/1.0\r\n\r\n"],
)
def test_connection_is_closed_when_asked(wire: socket.socket, request_: bytes) -> None:
    status, headers, _ = exchange(wire, request_)
    assert (status, headers["connection"]) == (200, "close")
    assert wire.recv(1) == b""


@given(st.lists(PIECES, max_size=12).map(b"".join))
def test_any_head_is_parsed_or_refused(head: bytes) -> None:
    try:
        status = int(isinstance(parse_head(head), Request)) * 200
    except BadRequestError as refused:
        status = refused.status
    assert status in (200, 400, 501, 505)
