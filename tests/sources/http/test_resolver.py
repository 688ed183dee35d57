"""Names: one lookup at a time, kept for 30 s, and hung ones starve nobody."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator

import pytest

from opsconsole.model.fault import FaultKind
from opsconsole.sources.http import resolver as resolver_module
from opsconsole.sources.http.connector import Connector
from opsconsole.sources.http.resolver import Resolver, as_literal, is_link_local
from opsconsole.sources.http.transport_fault import TransportFaultError
from tests.sources.probing import make_probe


class Names:
    """A name service whose ``hung-*`` names never answer until it is released."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.running: dict[str, int] = {}
        self.most: dict[str, int] = {}
        self.at_once = 0
        self._release = threading.Event()
        self._lock = threading.Lock()

    def __call__(self, name: str) -> list[str]:
        with self._lock:
            self.asked.append(name)
            self.at_once = max(self.at_once, 1 + sum(self.running.values()))
            self.running[name] = self.running.get(name, 0) + 1
            self.most[name] = max(self.most.get(name, 0), self.running[name])
        try:
            return self._answer(name)
        finally:
            with self._lock:
                self.running[name] -= 1

    def _answer(self, name: str) -> list[str]:
        if name.startswith("hung"):
            self._release.wait(20)
            raise socket.gaierror(socket.EAI_AGAIN, "temporary failure")
        if name.startswith("slow"):
            self._release.wait(0.2)
        if name.startswith("absent"):
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        if name.startswith("metadata"):
            return ["169.254.169.254", "fe80::1"]
        if name.startswith("mixed"):
            return ["169.254.169.254", "127.0.0.1", "127.0.0.1"]
        return ["127.0.0.1"]

    def release(self) -> None:
        self._release.set()


@pytest.fixture
def names() -> Iterator[Names]:
    made = Names()
    yield made
    made.release()


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(
        b'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 15\r\n\r\n{"status":"ok"}'
    )
    writer.close()


async def test_forty_hung_names_cost_the_good_ones_nothing(names: Names) -> None:
    connector = Connector(resolver=Resolver(names))
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    hung = [
        make_probe(connector, f"http://hung-{n}.example:{port}/", timeout=1.0) for n in range(40)
    ]
    good = [
        make_probe(connector, f"http://good-{n}.example:{port}/", timeout=2.0) for n in range(20)
    ]
    for _round in range(2):
        bad = [asyncio.create_task(probe.collect()) for probe in hung]
        await asyncio.sleep(0)
        readings = await asyncio.gather(*(probe.collect() for probe in good))
        assert [reading.fault for reading in readings] == [None] * 20
        for reading in await asyncio.gather(*bad):
            assert reading.fault is not None
            assert (reading.fault.kind, reading.fault.phase) == (FaultKind.TIMEOUT, "dns")
            assert not reading.fault.blames_target
    assert max(names.most.values()) == 1
    names.release()
    server.close()
    await connector.close()


async def test_names_that_hung_before_are_asked_a_few_at_a_time(
    names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolver_module, "PATIENCE", 0.05)
    monkeypatch.setattr(resolver_module, "KEPT", 0.0)
    resolver = Resolver(names)
    slow = [f"slow-{number}.example" for number in range(12)]
    await asyncio.gather(*(resolver.resolve(name) for name in slow))
    assert names.at_once > 4
    names.at_once = 0
    results = await asyncio.gather(
        *(resolver.resolve(name) for name in slow), return_exceptions=True
    )
    assert names.at_once <= 4
    assert ("127.0.0.1",) in results
    resolver.close()


async def test_known_names_are_answered_while_untried_ones_fill_every_thread(
    names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolver_module, "KEPT", 0.0)
    resolver = Resolver(names)
    await resolver.resolve("known.example")
    hung = [asyncio.create_task(resolver.resolve(f"hung-{number}")) for number in range(300)]
    await asyncio.sleep(0.1)
    async with asyncio.timeout(0.3):
        assert await resolver.resolve("known.example") == ("127.0.0.1",)
    for task in hung:
        task.cancel()
    await asyncio.gather(*hung, return_exceptions=True)
    names.release()
    resolver.close()


async def test_one_lookup_serves_all_who_ask(names: Names) -> None:
    resolver = Resolver(names)
    found = await asyncio.gather(*(resolver.resolve("a.example") for _ in range(50)))
    assert set(found) == {("127.0.0.1",)}
    assert names.asked == ["a.example"]
    resolver.close()


async def test_an_answer_is_kept_only_for_its_time(
    names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolver_module, "KEPT", 0.05)
    resolver = Resolver(names)
    await resolver.resolve("a.example")
    await resolver.resolve("a.example")
    assert len(names.asked) == 1
    await asyncio.sleep(0.06)
    await resolver.resolve("a.example")
    assert len(names.asked) == 2
    resolver.close()


async def test_a_name_that_vanished_is_not_answered_from_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = [["127.0.0.1"]]

    def lookup(_name: str) -> list[str]:
        if not answers:
            raise socket.gaierror(socket.EAI_NONAME, "gone")
        return answers.pop()

    monkeypatch.setattr(resolver_module, "KEPT", 0.0)
    resolver = Resolver(lookup)
    assert await resolver.resolve("a.example") == ("127.0.0.1",)
    with pytest.raises(TransportFaultError, match=r"no address for the name a\.example"):
        await resolver.resolve("a.example")
    resolver.close()


@pytest.mark.parametrize(
    ("name", "kind", "part"),
    [
        ("absent.example", FaultKind.DNS, "no address for the name absent.example"),
        ("metadata.example", FaultKind.LOCAL, "link-local address 169.254.169.254: refused"),
    ],
)
async def test_what_cannot_be_used_is_classified(
    names: Names, name: str, kind: FaultKind, part: str
) -> None:
    resolver = Resolver(names)
    with pytest.raises(TransportFaultError) as caught:
        await resolver.resolve(name)
    assert caught.value.fault.kind is kind
    assert part in caught.value.fault.message
    assert not caught.value.fault.blames_target
    resolver.close()


async def test_usable_addresses_are_kept_and_others_dropped(names: Names) -> None:
    resolver = Resolver(names)
    assert await resolver.resolve("mixed.example") == ("127.0.0.1",)
    resolver.close()


async def test_literals_and_localhost_are_not_looked_up(names: Names) -> None:
    resolver = Resolver(names)
    assert await resolver.resolve("169.254.169.254") == ("169.254.169.254",)
    assert await resolver.resolve("[::1]") == ("::1",)
    assert await resolver.resolve("LOCALHOST") == ("127.0.0.1", "::1")
    assert names.asked == []
    resolver.close()


def test_addresses() -> None:
    assert as_literal("[fe80::1%eth0]") == "fe80::1%eth0"
    assert as_literal("example.org") is None
    assert as_literal("1.2.3") is None
    for address in ("169.254.0.1", "fe80::1%2", "::ffff:169.254.169.254", "fd00:ec2::254"):
        assert is_link_local(address)
    for address in ("10.0.0.1", "::1", "fd00::1", "127.0.0.1"):
        assert not is_link_local(address)


async def test_closing_abandons_what_hangs(names: Names) -> None:
    resolver = Resolver(names)
    waiting = asyncio.create_task(resolver.resolve("hung.example"))
    await asyncio.sleep(0.05)
    resolver.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
