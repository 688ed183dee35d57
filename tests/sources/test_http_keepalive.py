"""A kept connection saves time and never gives a false DOWN or somebody else's answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from opsconsole.model.fault import FaultKind
from opsconsole.model.state import State
from opsconsole.sources.http import connection as http1_connection
from opsconsole.sources.http.connector import Connector
from opsconsole.sources.http.target import KEPT_LOOKS
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


class CountingServer:
    """Answers every request; counts connections and requests, and remembers methods."""

    def __init__(self, *, drop_after: int = 0) -> None:
        self.connections = 0
        self.requests: list[str] = []
        self._drop_after = drop_after

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        served = 0
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.requests.append(head.split(b" ", 1)[0].decode())
                if self._drop_after and served >= self._drop_after:
                    break
                served += 1
                writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{"status":"ok"}')
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()

    async def start(self) -> tuple[asyncio.Server, str]:
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        return server, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/health"


@pytest.mark.parametrize(
    "case",
    [
        "ok",
        "closed_between_requests",
        "closed_on_second_request",
        "reset_on_second_request",
        "presend_at_once",
        "old_http",
        "bare_line_feeds",
    ],
)
@pytest.mark.parametrize("pause", [0.0, 0.01, 0.04])
async def test_no_false_down_and_no_foreign_answer(
    hostile: Hostile, connector: Connector, case: str, pause: float
) -> None:
    await expect_ten_times_ok(connector, hostile.url(case), pause)


async def test_an_answer_sent_ahead_is_not_taken_for_the_next(
    hostile: Hostile, connector: Connector
) -> None:
    # Longer than the server waits before it sends what nobody asked for.
    await expect_ten_times_ok(connector, hostile.url("presend_later"), 0.06)


async def expect_ten_times_ok(connector: Connector, url: str, pause: float) -> None:
    probe = make_probe(connector, url, timeout=5)
    readings = []
    for _ in range(10):
        readings.append(await probe.collect())
        await asyncio.sleep(pause)
    await probe.close()
    assert [reading.value and reading.value.state for reading in readings] == [State.OK] * 10


async def test_an_answer_that_breaks_off_is_not_asked_for_again(
    hostile: Hostile, connector: Connector
) -> None:
    probe = make_probe(connector, hostile.url("broken_on_second_request"), timeout=5)
    first = await probe.collect()
    second = await probe.collect()
    await probe.close()
    assert first.value is not None
    assert second.fault is not None
    assert second.fault.kind is FaultKind.PROTOCOL


async def test_one_connection_serves_a_few_looks(connector: Connector) -> None:
    counting = CountingServer()
    server, url = await counting.start()
    async with server:
        probe = make_probe(connector, url, timeout=5)
        for _ in range(20):
            await probe.collect()
        await probe.close()
        assert counting.connections == 20 / KEPT_LOOKS
        assert len(counting.requests) == 20


async def test_a_stale_connection_is_replaced_exactly_once(connector: Connector) -> None:
    counting = CountingServer(drop_after=1)
    server, url = await counting.start()
    async with server:
        probe = make_probe(connector, url, timeout=5)
        for _ in range(3):
            reading = await probe.collect()
            assert reading.value is not None
        await probe.close()
    # Each look after the first met a stale connection and asked once more.
    assert counting.connections == 3
    assert len(counting.requests) == 5


async def test_a_change_is_never_sent_twice(connector: Connector) -> None:
    counting = CountingServer(drop_after=1)
    server, url = await counting.start()
    async with server:
        transport = LeanTransport(connector, timeout=5)
        async with httpx.AsyncClient(transport=transport) as client:
            for _ in range(4):
                answer = await client.post(url, json={"reason": "load"})
                assert answer.status_code == 200
    assert counting.requests == ["POST"] * 4
    assert counting.connections == 4


async def test_an_old_connection_is_replaced(
    connector: Connector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http1_connection, "MAX_AGE", 0.05)
    counting = CountingServer()
    server, url = await counting.start()
    async with server:
        probe = make_probe(connector, url, timeout=5)
        await probe.collect()
        await asyncio.sleep(0.06)
        await probe.collect()
        await probe.close()
    assert counting.connections == 2


async def test_without_spare_descriptors_nothing_is_kept(
    connector: Connector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connector, "may_keep", lambda: False)
    counting = CountingServer()
    server, url = await counting.start()
    async with server:
        probe = make_probe(connector, url, timeout=5)
        for _ in range(3):
            assert (await probe.collect()).value is not None
        await probe.close()
    assert counting.connections == 3


async def test_a_cancelled_look_leaves_no_answer_for_the_next(
    hostile: Hostile, connector: Connector
) -> None:
    transport = LeanTransport(connector, timeout=5)
    slow = httpx.Request("GET", hostile.url("never_answers"))
    task = asyncio.create_task(transport.handle_async_request(slow))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    good = await transport.handle_async_request(httpx.Request("GET", hostile.url("ok")))
    assert good.status_code == 200
    await transport.aclose()


async def test_httpx_sees_an_ordinary_transport(hostile: Hostile, connector: Connector) -> None:
    transport = LeanTransport(connector, timeout=2)
    async with httpx.AsyncClient(transport=transport) as client:
        answer = await client.get(hostile.url("echo_head"), headers={"X-Own": "yes"})
        head = answer.json()["version"]
        assert head.startswith("GET /echo_head HTTP/1.1\r\n")
        assert "accept-encoding: identity\r\n" in head
        assert "gzip" not in head
        assert "x-own: yes\r\n" in head
        assert head.count("host: ") == 1
        with pytest.raises(httpx.TransportError) as caught:
            await client.get(hostile.url("infinite_body"))
    assert isinstance(caught.value, TransportFaultError)
    assert caught.value.fault.kind is FaultKind.TOO_LARGE
