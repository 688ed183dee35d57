"""An engine over TCP: certificates are checked, and what is unchecked on purpose is quiet."""

import json
import ssl
from hashlib import sha256
from pathlib import Path

import pytest
import trustme

from opsconsole.clock import SystemClock
from opsconsole.config.settings import Docker
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.sources.docker.source import DockerSource
from tests.sources.docker_fakes import fake_daemon


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def server(authority: trustme.CA) -> ssl.SSLContext:
    """Serves as 127.0.0.1 and wants a client's certificate of the same authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def write_files(authority: trustme.CA, client: trustme.LeafCert, folder: Path) -> Path:
    folder.mkdir(parents=True)
    authority.cert_pem.write_to_path(folder / "ca.pem")
    client.private_key_pem.write_to_path(folder / "key.pem")
    for number, pem in enumerate(client.cert_chain_pems):
        pem.write_to_path(folder / "cert.pem", append=number > 0)
    return folder


async def fault_of(settings: Docker, environ: dict[str, str]) -> Fault | None:
    source = DockerSource(settings, SystemClock(), lambda event: None, environ=environ)
    reading = await source.collect()
    await source.close()
    return reading.fault


async def test_both_sides_are_checked(
    authority: trustme.CA, server: ssl.SSLContext, tmp_path: Path
) -> None:
    folder = write_files(authority, authority.issue_cert("client"), tmp_path / "good")
    with fake_daemon(tls=server) as daemon:
        assert await fault_of(Docker(host=daemon.url, tls=str(folder), timeout=5), {}) is None


async def test_an_engine_of_another_authority_is_not_trusted(
    authority: trustme.CA, server: ssl.SSLContext, tmp_path: Path
) -> None:
    folder = write_files(trustme.CA(), authority.issue_cert("client"), tmp_path / "other")
    with fake_daemon(tls=server) as daemon:
        fault = await fault_of(Docker(host=daemon.url, tls=str(folder), timeout=5), {})

    assert fault is not None
    assert fault.kind is FaultKind.TLS
    assert "certificate" in fault.hint


async def test_tls_spoken_to_without_tls_is_classified(
    server: ssl.SSLContext,
) -> None:
    with fake_daemon(tls=server) as daemon:
        fault = await fault_of(Docker(host=daemon.url, timeout=5), {})

    assert fault is not None
    assert fault.kind in (FaultKind.CONNECT, FaultKind.NOT_UNDERSTOOD)


async def test_a_context_that_skips_the_check_prints_no_warning(
    authority: trustme.CA, server: ssl.SSLContext, tmp_path: Path
) -> None:
    """A warning is an error in these tests; on the console it would be on the screen."""
    digest = sha256(b"lax").hexdigest()
    contexts = tmp_path / ".docker" / "contexts"
    write_files(trustme.CA(), authority.issue_cert("client"), contexts / "tls" / digest / "docker")
    meta = contexts / "meta" / digest / "meta.json"
    meta.parent.mkdir(parents=True)
    with fake_daemon(tls=server) as daemon:
        endpoint = {"docker": {"Host": daemon.url, "SkipTLSVerify": True}}
        meta.write_text(json.dumps({"Name": "lax", "Endpoints": endpoint}))
        environ = {"HOME": str(tmp_path), "DOCKER_CONTEXT": "lax"}
        assert await fault_of(Docker(timeout=5), environ) is None
