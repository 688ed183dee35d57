"""Which certificate of a chain is wrong, by its subject, on a real TLS server."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from opsconsole.config.http import TlsConfig
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.sources.http.connector import Connector
from opsconsole.sources.http.transport import LeanTransport
from opsconsole.sources.http.transport_fault import TransportFaultError

NOW = datetime.now(UTC)
PAST, SOON = NOW - timedelta(days=3, minutes=1), NOW + timedelta(days=100)


class Issued(NamedTuple):
    name: x509.Name
    key: ec.EllipticCurvePrivateKey
    pem: bytes


def issued(name: str, by: Issued | None, ends: datetime, *, authority: bool) -> Issued:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.name if by else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=30))
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    )
    signed = builder.sign((by or Issued(subject, key, b"")).key, hashes.SHA256())
    return Issued(subject, key, signed.public_bytes(serialization.Encoding.PEM))


@asynccontextmanager
async def serving(folder: Path, leaf: Issued, *above: Issued) -> AsyncIterator[str]:
    pem = serialization.Encoding.PEM
    private = leaf.key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "server.pem").write_bytes(private + leaf.pem + b"".join(each.pem for each in above))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")

    async def close(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(close, "127.0.0.1", 0, ssl=context)
    async with server:
        yield f"https://localhost:{server.sockets[0].getsockname()[1]}/"


async def fault_at(url: str, ca_file: Path) -> Fault:
    connector = Connector()
    tls = TlsConfig.model_validate({"ca_file": str(ca_file)})
    transport = LeanTransport(connector, timeout=30.0, tls=tls)
    with pytest.raises(TransportFaultError) as caught:
        await transport.handle_async_request(httpx.Request("GET", url))
    await connector.close()
    assert caught.value.fault.kind is FaultKind.TLS
    return caught.value.fault


@pytest.mark.parametrize(
    ("leaf_ends", "middle_ends", "sends_middle", "says", "hint"),
    [
        (PAST, SOON, True, "certificate expired 3 d ago", "renew"),
        (SOON, PAST, True, "intermediate certificate Middle CA expired 3 d ago", "renew"),
        (SOON, SOON, False, "certificate of an unknown authority: Middle CA", "intermediate"),
    ],
)
async def test_the_certificate_that_is_wrong_is_named(
    tmp_path: Path,
    leaf_ends: datetime,
    middle_ends: datetime,
    sends_middle: bool,
    says: str,
    hint: str,
) -> None:
    root = issued("Root CA", None, SOON, authority=True)
    middle = issued("Middle CA", root, middle_ends, authority=True)
    leaf = issued("api.example", middle, leaf_ends, authority=False)
    ca_file = tmp_path / "root.pem"
    ca_file.write_bytes(root.pem)
    async with serving(tmp_path, leaf, *([middle] if sends_middle else [])) as url:
        fault = await fault_at(url, ca_file)
    assert fault.message == says
    assert hint in fault.hint
