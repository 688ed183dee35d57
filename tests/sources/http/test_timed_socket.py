"""The time of an answer is that of its bytes, not of when this process came to read them."""

import asyncio
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
import trustme

from opsconsole.config.http import TlsConfig
from opsconsole.sources.http import timed_socket
from opsconsole.sources.http.connector import Connector
from opsconsole.sources.http.timed_socket import TimedSocket
from opsconsole.sources.http.transport import BLUR, TOOK, LeanTransport

HELD = 0.3
"""Seconds for which the loop does not come to read."""

PIECES = (b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n", b"quite", b"ok\n")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")


@contextmanager
def answering(
    wrap: Callable[[socket.socket], socket.socket], answered: threading.Event
) -> Iterator[int]:
    """A server on a thread of its own that answers each request at once, in pieces."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        sock, _peer = listener.accept()
        with wrap(sock) as peer:
            while peer.recv(65536):
                for piece in PIECES:
                    peer.sendall(piece)
                answered.set()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()


async def ask_and_be_held_up(
    transport: LeanTransport, url: str, answered: threading.Event
) -> httpx.Response:
    """Ask, and keep the loop busy from before the answer is there until long after."""
    answered.clear()
    asked = asyncio.create_task(transport.handle_async_request(httpx.Request("GET", url)))
    while not answered.is_set():
        # Connecting and sending need turns of the loop; what has arrived is read in the next one.
        await asyncio.sleep(0)
        answered.wait(0.01)
    # The loop itself is to stand still.
    time.sleep(HELD)  # noqa: ASYNC251
    return await asked


@pytest.mark.parametrize("over_tls", [False, True])
async def test_what_lay_unread_is_not_the_targets_time(over_tls: bool, tmp_path: Path) -> None:
    authority = trustme.CA()
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)

    def wrap(sock: socket.socket) -> socket.socket:
        return context.wrap_socket(sock, server_side=True) if over_tls else sock

    answered = threading.Event()
    connector = Connector()
    tls = TlsConfig.model_validate({"ca_file": str(ca_file)} if over_tls else {})
    transport = LeanTransport(connector, timeout=30.0, tls=tls)
    with answering(wrap, answered) as port:
        url = f"{'https' if over_tls else 'http'}://127.0.0.1:{port}/health"
        for _first_and_kept in range(2):
            answer = await ask_and_be_held_up(transport, url, answered)
            assert answer.read() == b"quiteok\n"
            assert answer.extensions[BLUR] is not None
            assert 0.0 <= answer.extensions[TOOK] < HELD
        await transport.aclose()
    await connector.close()


async def test_a_request_that_took_long_to_leave_is_no_sharp_look(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    send = TimedSocket.send

    def held_up(sock: TimedSocket, data: bytes, flags: int = 0) -> int:
        time.sleep(HELD)
        return send(sock, data, flags)

    monkeypatch.setattr(TimedSocket, "send", held_up)
    connector = Connector()
    transport = LeanTransport(connector, timeout=30.0, tls=TlsConfig())
    with answering(lambda sock: sock, threading.Event()) as port:
        request = httpx.Request("GET", f"http://127.0.0.1:{port}/health")
        answer = await transport.handle_async_request(request)
        assert answer.extensions[BLUR] >= HELD
        await transport.aclose()
    await connector.close()


def test_two_clocks_are_read_at_one_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    # The first time this process loses its core after the first clock, then after the second.
    steady = iter([1.0, 1.5, 2.0, 2.5, 3.0, 3.00001])
    wall = iter([101.4, 102.0, 103.0])
    clocks = SimpleNamespace(monotonic=lambda: next(steady), time=lambda: next(wall))
    monkeypatch.setattr(timed_socket, "time", clocks)
    assert timed_socket._both_clocks() == (103.0, 3.0)
