"""Servers of the Prometheus family that are slow, broken or someone else altogether."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from opsconsole.clock import SystemClock
from opsconsole.config.settings import Alertmanager, Prometheus
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.sources.http.connector import Connector
from opsconsole.sources.metrics.declared import Declared, Kind
from opsconsole.sources.prometheus.alertmanager import AlertmanagerSource
from opsconsole.sources.prometheus.server_api import endpoint_of
from opsconsole.sources.prometheus.source import PrometheusSource

TIMEOUT = 0.8
PATIENT = 60.0
"""Of what does answer, however slow the machine is."""

Talk = Callable[[socket.socket, bytes], None]
JSON_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def reply(head: bytes, body: bytes) -> Talk:
    def talk(peer: socket.socket, request: bytes) -> None:
        peer.sendall(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)

    return talk


def half_a_body(peer: socket.socket, request: bytes) -> None:
    peer.sendall(JSON_HEAD + b'Content-Length: 500\r\n\r\n{"status":"succ')


def drip(peer: socket.socket, request: bytes) -> None:
    peer.sendall(JSON_HEAD + b"Content-Length: 100000\r\n\r\n")
    for _ in range(60):
        peer.sendall(b" ")
        time.sleep(0.1)


def flood(peer: socket.socket, request: bytes) -> None:
    peer.sendall(JSON_HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
    for _ in range(2000):
        peer.sendall(chunk)


def never(peer: socket.socket, request: bytes) -> None:
    time.sleep(4)


CASES: list[tuple[str, Talk, FaultKind]] = [
    ("never answers", never, FaultKind.TIMEOUT),
    ("drips", drip, FaultKind.TIMEOUT),
    ("floods", flood, FaultKind.TOO_LARGE),
    ("half a body", half_a_body, FaultKind.PROTOCOL),
    ("html", reply(JSON_HEAD, b"<html>login</html>"), FaultKind.NOT_UNDERSTOOD),
    ("json of another sort", reply(JSON_HEAD, b'{"a": 1}'), FaultKind.NOT_UNDERSTOOD),
    ("503", reply(b"HTTP/1.1 503 Sorry\r\n", b"warming up"), FaultKind.OVERLOADED),
    ("401", reply(b"HTTP/1.1 401 No\r\n", b""), FaultKind.AUTH),
    ("404", reply(b"HTTP/1.1 404 No\r\n", b""), FaultKind.UNSUPPORTED),
    ("redirect", reply(b"HTTP/1.1 302 Go\r\nLocation: http://127.0.0.1:1/\r\n", b""),
     FaultKind.STATUS),
    ("gzip unasked", reply(JSON_HEAD + b"Content-Encoding: gzip\r\n", b"x"),
     FaultKind.NOT_UNDERSTOOD),
    ("closes", lambda peer, request: None, FaultKind.PROTOCOL),
]  # fmt: skip


@contextmanager
def server(talk: Talk) -> Iterator[str]:
    """A server that reads a request's first bytes and then does ``talk``."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.1)
    stopped = threading.Event()

    def one(peer: socket.socket) -> None:
        with peer:
            try:
                talk(peer, peer.recv(65536))
            except OSError:
                return

    def serve() -> None:
        while not stopped.is_set():
            try:
                peer, _ = listener.accept()
            except TimeoutError:
                continue
            threading.Thread(target=one, args=(peer,), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        stopped.set()
        thread.join()
        listener.close()


async def fault_of_prometheus(url: str, timeout: float = TIMEOUT) -> Fault | None:
    settings = Prometheus(url=url, timeout=timeout)
    source = PrometheusSource(settings, [], SystemClock(), Connector(), Path())
    reading = await source.collect()
    await source.close()
    return reading.fault


def _timeout(kind: FaultKind) -> float:
    return TIMEOUT if kind is FaultKind.TIMEOUT else PATIENT


@pytest.mark.parametrize(("name", "talk", "kind"), CASES, ids=[case[0] for case in CASES])
async def test_a_broken_prometheus_is_classified_in_time(
    name: str, talk: Talk, kind: FaultKind
) -> None:
    with server(talk) as url:
        fault = await fault_of_prometheus(url, _timeout(kind))
    assert fault is not None, name
    assert fault.kind is kind, fault


@pytest.mark.parametrize(("name", "talk", "kind"), CASES, ids=[case[0] for case in CASES])
async def test_a_broken_alertmanager_is_classified_in_time(
    name: str, talk: Talk, kind: FaultKind
) -> None:
    with server(talk) as url:
        source = AlertmanagerSource(
            Alertmanager(url=url, timeout=_timeout(kind)), SystemClock(), Connector(), Path()
        )
        reading = await source.collect()
        await source.close()
    assert reading.fault is not None, name
    assert reading.fault.kind is kind, reading.fault


async def test_nobody_listening_is_said() -> None:
    fault = await fault_of_prometheus("http://127.0.0.1:1")
    assert fault is not None
    assert fault.kind is FaultKind.CONNECT
    assert "127.0.0.1:1" in fault.message


async def test_credentials_in_a_url_are_never_shown() -> None:
    fault = await fault_of_prometheus("http://127.0.0.1:1/prefix?token=abc")
    assert fault is not None
    assert "abc" not in str(fault)
    assert endpoint_of("http://ops:s3cret@host:1/prefix?token=abc") == "http://host:1/prefix"


async def test_a_netrc_and_proxies_of_the_user_are_ignored(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login evil password evil\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    alerts = b'{"status":"success","data":{"alerts":[]}}'
    requests: list[bytes] = []

    def talk(peer: socket.socket, request: bytes) -> None:
        requests.append(request)
        reply(JSON_HEAD, alerts)(peer, request)

    with server(talk) as url:
        source = PrometheusSource(
            Prometheus(url=url, timeout=TIMEOUT), [], SystemClock(), Connector(), Path()
        )
        reading = await source.collect()
        await source.close()
    assert reading.fault is None
    assert b"authorization" not in requests[0].lower()


async def test_a_query_that_fails_costs_its_own_figure_only() -> None:
    alerts = b'{"status":"success","data":{"alerts":[]}}'
    vector = (
        b'{"status":"success","data":{"resultType":"vector",'
        b'"result":[{"metric":{},"value":[1,"7"]}]}}'
    )
    bad = b'{"status":"error","errorType":"bad_data","error":"parse error: \\u001b[2J"}'

    def by_path(peer: socket.socket, request: bytes) -> None:
        while request:
            if b"/api/v1/alerts" in request:
                reply(JSON_HEAD, alerts)(peer, request)
            elif b"query=good" in request:
                reply(JSON_HEAD, vector)(peer, request)
            else:
                reply(b"HTTP/1.1 400 Bad\r\n", bad)(peer, request)
            request = peer.recv(65536)

    queries = [Declared("api", "a", Kind.PROMQL, "good"), Declared("api", "b", Kind.PROMQL, "bad(")]
    with server(by_path) as url:
        source = PrometheusSource(
            Prometheus(url=url, timeout=2), queries, SystemClock(), Connector(), Path()
        )
        reading = await source.collect()
        await source.close()
    assert reading.value is not None
    assert [(value.name, value.value) for value in reading.value.metrics] == [("a", 7.0)]
    ((promql, fault),) = reading.value.problems
    assert promql == "bad("
    assert fault.kind is FaultKind.BAD_QUERY
    assert "parse error" in fault.message
    assert "\x1b" not in fault.message


async def test_a_query_that_hangs_is_asked_last_at_the_next_look() -> None:
    alerts = b'{"status":"success","data":{"alerts":[]}}'
    vector = (
        b'{"status":"success","data":{"resultType":"vector",'
        b'"result":[{"metric":{},"value":[1,"7"]}]}}'
    )

    def by_path(peer: socket.socket, request: bytes) -> None:
        while request:
            if b"query=slow" in request:
                time.sleep(3)
                return
            reply(JSON_HEAD, alerts if b"/api/v1/alerts" in request else vector)(peer, request)
            request = peer.recv(65536)

    declared = [Declared("api", name, Kind.PROMQL, name) for name in ("slow", "quick")]
    with server(by_path) as url:
        settings = Prometheus(url=url, timeout=TIMEOUT)
        source = PrometheusSource(settings, declared, SystemClock(), Connector(), Path())
        first = (await source.collect()).value
        second = (await source.collect()).value
        await source.close()
    assert first is not None
    assert second is not None
    assert [promql for promql, _ in first.problems] == ["slow", "quick"]
    assert [promql for promql, _ in second.problems] == ["slow"]
    assert [(value.name, value.value) for value in second.metrics] == [("quick", 7.0)]
