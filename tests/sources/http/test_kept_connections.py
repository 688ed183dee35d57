"""How long a connection is kept: by looks, by age, and by its certificate."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import ssl
import weakref
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import trustme

from opsconsole.config.http import TlsConfig
from opsconsole.sources.http.connection import Connection
from opsconsole.sources.http.connector import Connector
from opsconsole.sources.http.timed_socket import TimedSocket
from opsconsole.sources.http.transport import LeanTransport
from tests.patience import soon
from tests.sources.local_http import Said, Server, listening, read_request


@pytest.fixture
async def connector() -> AsyncIterator[Connector]:
    made = Connector()
    yield made
    await made.close()


@pytest.mark.parametrize(("looks", "connections"), [(1, 6), (2, 3), (4, 2), (None, 1)])
async def test_a_connection_carries_so_many_looks(
    connector: Connector, looks: int | None, connections: int
) -> None:
    server = Server(lambda _asked: Said())
    async with listening(server) as url:
        transport = LeanTransport(connector, timeout=5, looks=looks)
        for _ in range(6):
            await transport.handle_async_request(httpx.Request("GET", url))
        await transport.aclose()
    assert server.connections == connections


@pytest.mark.parametrize("verified", [True, False])
async def test_a_kept_connection_ends_with_its_certificate(
    connector: Connector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verified: bool
) -> None:
    ends = datetime.now(UTC) + timedelta(hours=1)
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", not_after=ends).configure_cert(tls)
    server = Server(lambda _asked: Said())
    config = TlsConfig(ca_file="ca.pem", insecure_skip_verify=not verified)
    async with listening(server, tls) as url:
        transport = LeanTransport(connector, timeout=5, tls=config, base=tmp_path)
        for _ in range(2):
            await transport.handle_async_request(httpx.Request("GET", url))
        assert server.connections == 1
        later = ends.timestamp() + 1
        monkeypatch.setattr("opsconsole.sources.http.connection.time.time", lambda: later)
        await transport.handle_async_request(httpx.Request("GET", url))
        await transport.aclose()
    # The certificate is good by the clock of OpenSSL, so the new handshake succeeds here.
    assert server.connections == (2 if verified else 1)


async def test_nothing_of_a_closed_connection_waits_for_the_collector(
    connector: Connector, monkeypatch: pytest.MonkeyPatch
) -> None:
    sockets: list[weakref.ref[TimedSocket]] = []
    init = Connection.__init__

    def noted(self: Connection, sock: TimedSocket, peer: str) -> None:
        sockets.append(weakref.ref(sock))
        init(self, sock, peer)

    monkeypatch.setattr(Connection, "__init__", noted)
    server = Server(lambda _asked: Said())
    gc.disable()
    try:
        async with listening(server) as url:
            transport = LeanTransport(connector, timeout=5, looks=1)
            for _ in range(3):
                await transport.handle_async_request(httpx.Request("GET", url))
            await transport.aclose()
        await soon(lambda: not any(each() for each in sockets))
    finally:
        gc.enable()


async def test_none_is_kept_once_the_transport_is_closed(connector: Connector) -> None:
    asked, let_go, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        asked.set()
        await let_go.wait()
        writer.write(Said().wire())
        with contextlib.suppress(OSError):
            await reader.read()
        ended.set()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    transport = LeanTransport(connector, timeout=60)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    look = asyncio.create_task(transport.handle_async_request(httpx.Request("GET", url)))
    await asked.wait()
    await transport.aclose()
    let_go.set()
    assert (await look).status_code == 200
    await soon(ended.is_set)
    server.close()
    await server.wait_closed()
