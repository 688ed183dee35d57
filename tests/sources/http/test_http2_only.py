"""A server that speaks HTTP/2 alone is not understood, which says nothing of its health."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme

from opsconsole.model.fault import FaultKind
from opsconsole.sources.http.connector import Connector
from tests.sources.local_http import serving
from tests.sources.probing import make_probe

SETTINGS = b"\0\0\x06\x04\0\0\0\0\0" + b"\0\x03\0\0\0\x64"
GOAWAY = b"\0\0\x08\x07\0\0\0\0\0" + b"\0" * 7 + b"\x01"
NO_SUCH_PROTOCOL = b"\x15\x03\x03\0\x02\x02\x78"
"""A TLS alert: fatal, no_application_protocol."""


@asynccontextmanager
async def saying(*parts: bytes, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A server that says ``parts`` to each client that has sent something."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65536)
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0)
        writer.close()

    async with serving(talk, tls) as port:
        yield port


@pytest.mark.parametrize(
    "parts",
    [(SETTINGS,), (GOAWAY,), (SETTINGS + GOAWAY,), (SETTINGS[:1], SETTINGS[1:5], SETTINGS[5:])],
)
async def test_over_plain_tcp(parts: tuple[bytes, ...]) -> None:
    connector = Connector()
    async with saying(*parts) as port:
        reading = await make_probe(connector, f"http://127.0.0.1:{port}/", timeout=5).collect()
    await connector.close()
    assert reading.fault is not None
    assert reading.fault.kind is FaultKind.UNSUPPORTED
    assert "HTTP/2" in reading.fault.message
    assert not reading.fault.blames_target


@pytest.mark.parametrize("agreed", [True, False])
async def test_over_tls(tmp_path: Path, agreed: bool) -> None:
    """With a handshake that ends well, and with one that ends for lack of a protocol."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    connector = Connector()
    http = {"tls_config": {"ca_file": "ca.pem"}}
    says = SETTINGS if agreed else NO_SUCH_PROTOCOL
    async with saying(says, tls=tls if agreed else None) as port:
        probe = make_probe(
            connector, f"https://127.0.0.1:{port}/", timeout=5, http=http, base=tmp_path
        )
        reading = await probe.collect()
    await connector.close()
    assert reading.fault is not None
    assert reading.fault.kind is FaultKind.UNSUPPORTED, reading.fault
    assert "HTTP/2" in reading.fault.message


async def test_what_only_begins_like_a_frame_is_a_broken_answer() -> None:
    connector = Connector()
    async with saying(b"\0\0\x06\x01\0\0\0\0\x05rest") as port:
        reading = await make_probe(connector, f"http://127.0.0.1:{port}/", timeout=5).collect()
    await connector.close()
    assert reading.fault is not None
    assert reading.fault.kind is FaultKind.PROTOCOL
