"""Through a proxy: what is asked of it, and whom its failures blame."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import trustme

from opsconsole.config.http import TlsConfig
from opsconsole.demo.processes import free_port
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.sources.http.connector import Connector
from opsconsole.sources.http.transport import LeanTransport
from opsconsole.sources.http.transport_fault import TransportFaultError
from tests.sources.local_http import Proxy, Said, Server, listening, serving


@pytest.fixture
async def connector() -> AsyncIterator[Connector]:
    made = Connector()
    yield made
    await made.close()


@pytest.fixture(autouse=True)
def tls(tmp_path: Path) -> ssl.SSLContext:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("inside.example", "127.0.0.1").configure_cert(context)
    return context


async def ask(connector: Connector, proxy: str, url: str, base: Path) -> httpx.Response:
    transport = LeanTransport(
        connector, timeout=5, proxy=httpx.URL(proxy), base=base,
        tls=TlsConfig(ca_file="ca.pem"),
    )  # fmt: skip
    try:
        return await transport.handle_async_request(httpx.Request("GET", url))
    finally:
        await transport.aclose()


async def refused(connector: Connector, proxy: str, url: str, base: Path) -> Fault:
    with pytest.raises(TransportFaultError) as caught:
        await ask(connector, proxy, url, base)
    return caught.value.fault


async def test_a_target_behind_tls_is_led_to_by_a_tunnel(
    connector: Connector, tls: ssl.SSLContext, tmp_path: Path
) -> None:
    server, proxy = Server(lambda _asked: Said(b"hello")), Proxy("ops:hunter2")
    async with listening(server, tls) as url, listening(proxy) as through:
        port = url.rpartition(":")[2]
        named = through.replace("http://", "http://ops:hunter2@")
        answer = await ask(connector, named, f"https://inside.example:{port}/x", tmp_path)
    assert await answer.aread() == b"hello"
    (connect,) = proxy.asked
    assert (connect.method, connect.target) == ("CONNECT", f"inside.example:{port}")
    (asked,) = server.asked
    assert asked.target == "/x"
    assert "proxy-authorization" not in asked.headers


async def test_a_plain_target_is_asked_with_the_credentials_of_the_proxy(
    connector: Connector, tmp_path: Path
) -> None:
    server, proxy = Server(lambda _asked: Said(b"hello")), Proxy("ops:hunter2")
    async with listening(server) as url, listening(proxy) as through:
        named = through.replace("http://", "http://ops:hunter2@")
        answer = await ask(connector, named, f"{url}/x", tmp_path)
    assert await answer.aread() == b"hello"
    assert proxy.asked[0].target == f"{url}/x"


@pytest.mark.parametrize(
    ("status", "kind"),
    [(407, FaultKind.AUTH), (403, FaultKind.LOCAL), (502, FaultKind.CONNECT),
     (302, FaultKind.LOCAL)],
)  # fmt: skip
async def test_a_refusal_of_the_proxy_is_told_from_one_of_the_target(
    connector: Connector, tmp_path: Path, status: int, kind: FaultKind
) -> None:
    proxy = Proxy()
    proxy.status = status
    async with listening(proxy) as through:
        fault = await refused(connector, through, "https://inside.example/", tmp_path)
    assert fault.kind is kind
    assert str(status) in fault.message
    assert fault.blames_target is (status == 502)


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_is_away_blames_no_target(
    connector: Connector, tmp_path: Path, scheme: str
) -> None:
    through = f"http://127.0.0.1:{free_port()}"
    fault = await refused(connector, through, f"{scheme}://inside.example/", tmp_path)
    assert fault.kind is FaultKind.LOCAL
    assert "proxy 127.0.0.1" in fault.message


@pytest.mark.parametrize(
    "answer", [b"", b"SSH-2.0\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\nmore", b"x" * 100_000]
)
async def test_what_is_no_proxy_blames_no_target(
    connector: Connector, tmp_path: Path, answer: bytes
) -> None:
    async def babble(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        writer.close()

    async with serving(babble) as port:
        through = f"http://127.0.0.1:{port}"
        fault = await refused(connector, through, "https://inside.example/", tmp_path)
    assert fault.kind is FaultKind.LOCAL


async def test_a_proxy_behind_tls_is_refused_and_said(connector: Connector, tmp_path: Path) -> None:
    fault = await refused(connector, "https://127.0.0.1:1", "http://inside.example/", tmp_path)
    assert fault.kind is FaultKind.UNSUPPORTED
