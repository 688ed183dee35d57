"""The stream of events breaks, falls silent, floods and lies, and is followed on."""

import asyncio
import json
import socket
import threading

import pytest

from opsconsole.model.events import Event, EventKind
from opsconsole.render.timeline.words import words
from tests.patience import soon as until
from tests.sources.docker_fakes import STREAM, fake_daemon, never, raw
from tests.sources.docker_sources import source_at, view_of

ID = "ab" * 32


def event_line(action: str, at: int, **attributes: str) -> bytes:
    actor = {"ID": ID, "Attributes": {"name": "web", **attributes}}
    body = {"Type": "container", "Action": action, "Actor": actor, "timeNano": at}
    line = json.dumps(body).encode() + b"\n"
    return b"%x\r\n%b\r\n" % (len(line), line)


async def test_a_broken_stream_is_followed_again_from_where_it_broke() -> None:
    connections = 0

    def breaks_once(peer: socket.socket, path: str) -> None:
        nonlocal connections
        connections += 1
        line = event_line("die", 1_700_000_000_000_000_005, exitCode="3")
        if connections == 1:
            raw(STREAM + line)(peer, path)
            return
        raw(STREAM + event_line("start", 1_700_000_001_000_000_000))(peer, path)
        never(peer, path)

    told: list[Event] = []
    with fake_daemon(events=breaks_once) as daemon:
        async with source_at(daemon.url, told.append) as source:
            await view_of(source)
            await until(lambda: len(told) >= 3)
        asked = [path for path in daemon.requests if "/events" in path]

    assert [words(event) for event in told if event.kind is EventKind.CONTAINER] == [
        "died, exit 3",
        "started",
    ]
    (gap,) = [event for event in told if event.kind is EventKind.SOURCE]
    assert "interrupted" in words(gap)
    assert "since=" not in asked[0]
    assert "since=1700000000.000000006" in asked[1]


async def test_a_stream_that_never_stands_for_long_is_news_once() -> None:
    told: list[Event] = []
    with fake_daemon(events=raw(STREAM)) as daemon:
        async with source_at(daemon.url, told.append) as source:
            await view_of(source)
            await until(lambda: sum("/events" in path for path in daemon.requests) >= 4)

    assert len(told) == 1


async def test_a_silent_stream_is_renewed_without_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opsconsole.sources.docker.source.SILENCE", 0.2)

    told: list[Event] = []
    with fake_daemon() as daemon:
        async with source_at(daemon.url, told.append) as source:
            await view_of(source)
            await until(lambda: sum("/events" in path for path in daemon.requests) >= 2)

    assert told == []


async def test_a_stream_of_garbage_is_left_and_tried_again() -> None:
    attempts = 0

    def garbage(peer: socket.socket, path: str) -> None:
        nonlocal attempts
        attempts += 1
        raw(STREAM + b"5\r\n{{{{\n\r\n")(peer, path)

    with fake_daemon(events=garbage) as daemon:
        async with source_at(daemon.url) as source:
            await view_of(source)
            await until(lambda: attempts >= 2)
            assert (await source.collect()).fault is None


async def test_a_flood_of_events_is_bounded_and_counted() -> None:
    def torrent(peer: socket.socket, path: str) -> None:
        lines = b"".join(event_line("start", 10**18 + n) for n in range(5000))
        raw(STREAM + lines)(peer, path)
        never(peer, path)

    told: list[Event] = []
    with fake_daemon(events=torrent) as daemon:
        async with source_at(daemon.url, told.append) as source:
            await view_of(source)
            await until(lambda: any(event.kind is EventKind.SOURCE for event in told))
            await asyncio.sleep(0.2)

    started = [event for event in told if event.kind is EventKind.CONTAINER]
    assert 400 < len(started) < 800
    assert "too fast" in next(words(e) for e in told if e.kind is EventKind.SOURCE)


async def test_closing_ends_the_stream_and_its_thread() -> None:
    with fake_daemon() as daemon:
        async with source_at(daemon.url) as source:
            await view_of(source)
            await until(lambda: any("/events" in path for path in daemon.requests))
        await source.close()
    assert not [t for t in threading.enumerate() if t.name == "docker-events" and t.is_alive()]
