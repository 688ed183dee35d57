"""Probes of services: connecting, certificates, authentication, expectations."""

from __future__ import annotations

import asyncio
import errno
import socket
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.health import HealthReport
from opsconsole.model.state import State
from opsconsole.sources.http import connector as connector_module
from opsconsole.sources.http.connector import Connector
from opsconsole.sources.http.resolver import Resolver
from opsconsole.sources.http.transport import LeanTransport
from opsconsole.sources.http.transport_fault import TransportFaultError
from tests.sources.hostile_server import Hostile, running
from tests.sources.probing import make_probe


@pytest.fixture(scope="module")
def hostile() -> Iterator[Hostile]:
    with running() as server:
        yield server


@pytest.fixture
async def connector() -> AsyncIterator[Connector]:
    made = Connector()
    yield made
    await made.close()


async def fault_of(connector: Connector, url: str, **options: Any) -> Fault:
    probe = make_probe(connector, url, **options)
    reading = await probe.collect()
    await probe.close()
    assert reading.fault is not None, reading.value
    return reading.fault


async def report_of(connector: Connector, url: str, **options: Any) -> HealthReport:
    probe = make_probe(connector, url, timeout=5, **options)
    reading = await probe.collect()
    await probe.close()
    assert reading.value is not None, reading.fault
    return reading.value


async def test_refused(connector: Connector) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        fault = await fault_of(connector, f"http://127.0.0.1:{port}/health")
    assert fault.kind is FaultKind.CONNECT
    assert fault.message == f"connection refused by 127.0.0.1:{port}"
    assert fault.blames_target


async def test_localhost_tries_both_families_without_a_lookup() -> None:
    def never(_name: str) -> list[str]:
        raise AssertionError("localhost was looked up")

    connector = Connector(resolver=Resolver(never))
    server = await asyncio.start_server(lambda _r, w: w.close(), "::1", 0)
    port = server.sockets[0].getsockname()[1]
    fault = await fault_of(connector, f"http://localhost:{port}/")
    assert fault.message == f"localhost:{port} closed the connection without an answer"
    server.close()
    await connector.close()


async def test_a_backlog_that_is_full_is_a_connect_timeout(connector: Connector) -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for sock in waiting:
            sock.setblocking(False)
            sock.connect_ex(("127.0.0.1", port))
        await asyncio.sleep(0.05)
        fault = await fault_of(connector, f"http://127.0.0.1:{port}/")
        for sock in waiting:
            sock.close()
    assert (fault.kind, fault.phase) == (FaultKind.TIMEOUT, "connect")


async def test_our_own_lack_of_descriptors_blames_nobody(
    connector: Connector, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object, **_options: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr("opsconsole.sources.http.dial.TimedSocket", refuse)
    fault = await fault_of(connector, "http://127.0.0.1:9/")
    assert fault.kind is FaultKind.LOCAL
    assert "ulimit" in fault.hint
    assert not fault.blames_target


@pytest.mark.parametrize("url", ["http://[::1/", "http:///health", "ftp://host/", "gopher:x"])
async def test_a_url_that_cannot_be_asked_is_a_fault(connector: Connector, url: str) -> None:
    fault = await fault_of(connector, url)
    assert not fault.blames_target


async def test_a_defect_of_our_own_is_shown_and_stops_nothing(
    hostile: Hostile, connector: Connector, monkeypatch: pytest.MonkeyPatch
) -> None:
    def defect(*_args: object, **_options: object) -> None:
        raise ZeroDivisionError("secret text")

    monkeypatch.setattr("opsconsole.sources.health.http_probe.read_health", defect)
    fault = await fault_of(connector, hostile.url("ok"))
    assert fault.kind is FaultKind.INTERNAL
    assert "ZeroDivisionError" in fault.message
    assert "secret" not in fault.message


async def test_a_console_that_was_held_up_blames_itself(
    hostile: Hostile, connector: Connector
) -> None:
    probe = make_probe(connector, hostile.url("never_answers"), timeout=0.2)
    look = asyncio.create_task(probe.collect())
    await asyncio.sleep(0.05)
    time.sleep(1.0)  # noqa: ASYNC251  the event loop hangs, as under a suspended process
    reading = await look
    await probe.close()
    assert reading.fault is not None
    assert reading.fault.kind is FaultKind.LOCAL
    assert "held up" in reading.fault.message


async def test_a_change_that_was_sent_is_never_said_not_to_have_been(
    hostile: Hostile, connector: Connector
) -> None:
    transport = LeanTransport(connector, timeout=0.2)
    request = httpx.Request("POST", hostile.url("never_answers"))
    look = asyncio.create_task(transport.handle_async_request(request))
    await asyncio.sleep(0.05)
    time.sleep(1.0)  # noqa: ASYNC251  the event loop hangs
    with pytest.raises(TransportFaultError) as caught:
        await look
    assert caught.value.fault.kind is FaultKind.PROTOCOL


async def test_an_answer_that_waited_for_a_held_up_console_counts(
    hostile: Hostile, connector: Connector
) -> None:
    probe = make_probe(connector, hostile.url("ok"), timeout=0.2)
    await probe.collect()
    look = asyncio.create_task(probe.collect())
    await asyncio.sleep(0)
    time.sleep(1.0)  # noqa: ASYNC251  the event loop hangs, the answer is there meanwhile
    reading = await look
    await probe.close()
    assert reading.value is not None


# --- certificates -------------------------------------------------------------------------------


async def test_a_private_authority_is_trusted_when_named(
    hostile: Hostile, connector: Connector
) -> None:
    http = {"tls_config": {"ca_file": "ca.pem"}}
    url = hostile.url("ok", port="tls")
    assert (await report_of(connector, url, http=http, base=hostile.folder)).state is State.OK
    fault = await fault_of(connector, url)
    assert fault.kind is FaultKind.TLS
    assert "authority" in fault.message or "self-signed" in fault.message
    assert "ca_file" in fault.hint


@pytest.mark.parametrize(
    ("port", "message"),
    [
        ("tls_expired", "certificate expired 3 d ago"),
        ("tls_wrong_host", "wrong host: the certificate is not for 127.0.0.1"),
        ("tls_unknown", "certificate of an unknown authority"),
        ("http", "the port does not speak TLS"),
    ],
)
async def test_a_bad_certificate_is_named(
    hostile: Hostile, connector: Connector, port: str, message: str
) -> None:
    http = {"tls_config": {"ca_file": "ca.pem"}}
    url = f"https://127.0.0.1:{hostile.ports[port]}/ok"
    fault = await fault_of(connector, url, http=http, base=hostile.folder)
    if port == "http":
        assert fault.kind in (FaultKind.TLS, FaultKind.TIMEOUT)
    else:
        assert fault.kind is FaultKind.TLS
        assert fault.message.startswith(message)


async def test_verification_is_skipped_only_where_the_configuration_says_so(
    hostile: Hostile, connector: Connector
) -> None:
    http = {"tls_config": {"insecure_skip_verify": True}}
    url = hostile.url("ok", port="tls_expired")
    assert (await report_of(connector, url, http=http)).state is State.OK
    assert (await fault_of(connector, url)).kind is FaultKind.TLS


@pytest.mark.parametrize(
    ("port", "tls_config", "days"),
    [
        # Of one that was kept, of one that nobody verifies, and of one that was refused.
        ("tls", {"ca_file": "ca.pem"}, None),
        ("tls_expired", {"insecure_skip_verify": True}, -3),
        ("tls_expired", {"ca_file": "ca.pem"}, -3),
    ],
)
async def test_each_look_over_tls_has_the_certificate_s_end(
    hostile: Hostile,
    connector: Connector,
    port: str,
    tls_config: dict[str, Any],
    days: int | None,
) -> None:
    url = hostile.url("ok", port=port)
    http = {"tls_config": tls_config}
    probe = make_probe(connector, url, timeout=5, http=http, base=hostile.folder)
    first, second = await probe.collect(), await probe.collect()
    await probe.close()
    assert first.certificate is not None
    assert first.certificate == second.certificate
    left = first.certificate.left(time.time()) / 86400
    assert left > 0 if days is None else round(left) == days


async def test_a_look_without_tls_has_none(hostile: Hostile, connector: Connector) -> None:
    probe = make_probe(connector, hostile.url("ok"), timeout=5)
    reading = await probe.collect()
    await probe.close()
    assert reading.value is not None
    assert reading.certificate is None


async def test_the_name_of_the_certificate_can_be_told(
    hostile: Hostile, connector: Connector
) -> None:
    http = {"tls_config": {"ca_file": "ca.pem", "server_name": "elsewhere.example"}}
    url = hostile.url("ok", port="tls_wrong_host")
    assert (await report_of(connector, url, http=http, base=hostile.folder)).state is State.OK


async def test_a_client_certificate_is_shown_when_there_is_one(
    hostile: Hostile, connector: Connector
) -> None:
    url = hostile.url("ok", port="tls_client")
    with_one = {"tls_config": {"ca_file": "ca.pem", "cert_file": "client.pem"}}
    report = await report_of(connector, url, http=with_one, base=hostile.folder)
    assert report.state is State.OK
    without = {"tls_config": {"ca_file": "ca.pem"}}
    fault = await fault_of(connector, url, http=without, base=hostile.folder)
    # Servers say so in an alert, or just close, as this one does.
    assert fault.kind in (FaultKind.TLS, FaultKind.PROTOCOL)
    assert "client certificate" in fault.hint


async def test_plain_http_to_a_tls_port_is_named(hostile: Hostile, connector: Connector) -> None:
    fault = await fault_of(connector, f"http://127.0.0.1:{hostile.ports['tls']}/")
    assert fault.kind is FaultKind.PROTOCOL


async def test_a_silent_handshake_is_a_tls_timeout(hostile: Hostile, connector: Connector) -> None:
    fault = await fault_of(connector, f"https://127.0.0.1:{hostile.ports['silent']}/")
    assert (fault.kind, fault.phase) == (FaultKind.TIMEOUT, "tls")


async def test_a_missing_authority_file_is_ours(connector: Connector, tmp_path: Path) -> None:
    http = {"tls_config": {"ca_file": "absent.pem"}}
    fault = await fault_of(connector, "https://127.0.0.1:9/", http=http, base=tmp_path)
    assert fault.kind is FaultKind.LOCAL
    assert "absent.pem" in fault.message


# --- authentication -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "http",
    [
        {"authorization": {"credentials": {"file": "token"}}},
        {"basic_auth": {"username": "ops", "password": {"file": "token"}}},
    ],
)
async def test_credentials_are_sent_and_shown_nowhere(
    hostile: Hostile, connector: Connector, tmp_path: Path, http: dict[str, Any]
) -> None:
    token = tmp_path / "token"
    token.write_text("letmein\n")
    token.chmod(0o600)
    report = await report_of(connector, hostile.url("needs_token"), http=http, base=tmp_path)
    assert report.state is State.OK
    assert "letmein" not in repr(report)


async def test_a_changed_secret_is_read_again_when_refused(
    hostile: Hostile, connector: Connector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connector_module, "REREAD_EVERY", 0.0)
    token = tmp_path / "token"
    token.write_text("old")
    token.chmod(0o600)
    http = {"authorization": {"credentials": {"file": "token"}}}
    probe = make_probe(connector, hostile.url("needs_token"), http=http, base=tmp_path, timeout=5)
    refused = await probe.collect()
    assert refused.fault is not None
    assert refused.fault.kind is FaultKind.AUTH
    token.write_text("letmein")
    accepted = await probe.collect()
    assert accepted.value is not None
    await probe.close()


async def test_a_secret_that_cannot_be_had_is_ours(connector: Connector, tmp_path: Path) -> None:
    http = {"authorization": {"credentials": {"file": "absent"}}}
    fault = await fault_of(connector, "http://127.0.0.1:9/", http=http, base=tmp_path)
    assert fault.kind is FaultKind.LOCAL
    assert "absent" in fault.message


async def test_a_secret_with_a_line_break_is_not_sent(
    connector: Connector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "a\r\nX-Evil: 1")
    http = {"authorization": {"credentials": "${env:TOKEN}"}}
    fault = await fault_of(connector, "http://127.0.0.1:9/", http=http)
    assert fault.kind is FaultKind.LOCAL
    assert "X-Evil" not in str(fault)


async def test_headers_are_sent_and_credentials_of_the_url_are_not(
    hostile: Hostile, connector: Connector
) -> None:
    url = hostile.url("echo_head").replace("http://", "http://ops:hunter2@")
    http = {"http_headers": {"X-Tenant": "blue"}}
    report = await report_of(connector, url, http=http)
    assert "x-tenant: blue" in report.version.lower() or "x-tenant" in report.raw.lower()
    assert "hunter2" not in repr(report)
    assert "authorization" not in report.raw.lower()


async def test_a_proxy_is_asked_in_absolute_form(hostile: Hostile, connector: Connector) -> None:
    http = {"proxy_url": f"http://127.0.0.1:{hostile.ports['http']}"}
    report = await report_of(connector, "http://inside.example/x?a=1", http=http)
    assert report.state is State.OK


# --- expectations -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("case", "health", "state"),
    [
        ("landing_page", {"expect": {"contains": "Welcome"}}, State.OK),
        ("landing_page", {"expect": {"contains": "Goodbye"}}, State.DOWN),
        ("landing_page", {"expect": {"regex": "W.l+come"}}, State.OK),
        ("empty", {"expect": {"status": [200]}}, State.OK),
        ("ok", {"expect": {"json_path": "status", "equals": "healthy"}}, State.OK),
        ("ok", {"expect": {"json_path": "status", "equals": "great"}}, State.DOWN),
        ("lying_body", {"expect": {"status": [200, 503]}}, State.OK),
        ("ok", {"expect": {"status": [204]}}, State.DOWN),
        ("ok", {"state": "status"}, State.OK),
        ("ok", {"state": "no.such"}, State.UNKNOWN),
    ],
)
async def test_expectations(
    hostile: Hostile, connector: Connector, case: str, health: dict[str, Any], state: State
) -> None:
    report = await report_of(connector, hostile.url(case), health=health)
    assert report.state is state, report


async def test_head_has_no_body_to_read(hostile: Hostile, connector: Connector) -> None:
    report = await report_of(connector, hostile.url("no_content"), health={"method": "HEAD"})
    assert report.state is State.OK
    assert report.format == "status code"
