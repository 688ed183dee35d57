"""Blind is what cannot be relied on; a heartbeat is sent by nobody who is."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from opsconsole.config.notify import Heartbeat
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.snapshot import Snapshot, SourceView
from opsconsole.model.source_id import THIS_HOST, SourceId, SourceKind
from opsconsole.sources.http.connector import Connector
from opsconsole.watcher.heartbeat import Beating
from opsconsole.watcher.notify.notifying import Delivery
from opsconsole.watcher.own_health import LATE_BY, STILL_AFTER, Blind, OwnHealth, why_blind
from tests.watcher.post_office import Hook, hook

NOW = 1_700_000_000.0
BEGAN = NOW - 3600
FAULT = Fault(FaultKind.CONNECT, "refused")
DOCKER = SourceView(SourceId(SourceKind.DOCKER, "docker"), "", 5.0, NOW - 1, BEGAN)
STORE = SourceView(SourceId(SourceKind.PROMETHEUS, "prometheus"), "", 15.0, NOW - 1, BEGAN)
PROBES = SourceView(SourceId(SourceKind.PROBE), "", 5.0, NOW - 1, BEGAN)
HOST = SourceView(THIS_HOST, "", 2.0, NOW - 1, BEGAN)


def blind(*sources: SourceView, pulse: float = NOW, began: float = BEGAN) -> Blind | None:
    return why_blind(Snapshot(1, NOW, sources=sources), pulse, began, NOW)


@pytest.mark.parametrize(
    ("sources", "why"),
    [
        ((), None),
        ((HOST,), None),
        ((replace(HOST, fault=FAULT), PROBES), None),
        ((replace(DOCKER, fault=FAULT), PROBES), None),
        ((replace(DOCKER, fault=FAULT), replace(STORE, fault=FAULT), HOST), Blind.DARK),
        ((replace(DOCKER, taken_at=NOW - 60), HOST), Blind.DARK),
        ((replace(DOCKER, taken_at=None),), Blind.DARK),
        ((replace(PROBES, fault=FAULT), DOCKER), Blind.CUT_OFF),
        ((replace(DOCKER, lag=LATE_BY + 1), PROBES), Blind.LATE),
    ],
)
def test_what_blinds_a_watcher(sources: tuple[SourceView, ...], why: Blind | None) -> None:
    assert blind(*sources) is why


def test_an_engine_that_stands_still_sees_nothing() -> None:
    assert blind(PROBES, pulse=NOW - STILL_AFTER) is None
    assert blind(PROBES, pulse=NOW - STILL_AFTER - 1) is Blind.STANDS_STILL


def test_one_that_has_just_begun_has_not_failed() -> None:
    assert blind(replace(DOCKER, taken_at=None), began=NOW - 5) is Blind.STARTING


# ---- the heartbeat ----


def health(at: float, **more: object) -> OwnHealth:
    known = {"at": at, "leads": True, "blind": None, "lag": 0.0, "snapshot": Snapshot(1, at)}
    return OwnHealth(**{**known, **more})  # type: ignore[arg-type]


@pytest.fixture
def server() -> Iterator[Hook]:
    with hook() as found:
        yield found


async def beats(server: Hook, *healths: OwnHealth) -> list[tuple[str, str]]:
    """What was sent while a watcher was as ``healths`` say, one after the other."""
    settings = Heartbeat.model_validate({"url": f"{server.url}/ping/1", "every": "60s"})
    connector = Connector()
    beating = Beating(settings, Path(), connector)
    for each in healths:
        await beating.follow(each)
    await beating.close()
    await connector.close()
    return [(each.path, each.body.decode()) for each in server.posts]


async def test_it_beats_once_a_minute(server: Hook) -> None:
    every = [health(NOW + second) for second in range(181)]
    assert await beats(server, *every) == [("/ping/1", "")] * 4


async def test_it_fails_at_once_with_the_reason_and_beats_no_more(server: Hook) -> None:
    seen = [health(NOW + second) for second in range(31)]
    blinded = [health(NOW + second, blind=Blind.DARK) for second in range(31, 120)]
    found = await beats(server, *seen, *blinded)
    assert found == [("/ping/1", "")] + [("/ping/1/fail", str(Blind.DARK.value))] * 2


async def test_an_engine_that_stands_still_is_missed_within_90_seconds(server: Hook) -> None:
    settings = Heartbeat.model_validate({"url": server.url})
    connector = Connector()
    beating = Beating(settings, Path(), connector)
    for second in range(-100, 300):
        now = NOW + second
        why = why_blind(Snapshot(1, now, sources=(replace(PROBES, taken_at=now),)), NOW, BEGAN, now)
        before = len(server.posts)
        await beating.follow(health(now, blind=why if second > 0 else None))
        if second > 90:
            assert all(each.path == "/fail" for each in server.posts[before:])
    assert [each.path for each in server.posts].count("/fail") >= 4
    await beating.close()
    await connector.close()


async def test_one_whose_message_was_not_taken_fails(server: Hook) -> None:
    unheard = health(NOW, deliveries=(Delivery("chat", fault="connect: refused"),))
    assert await beats(server, unheard) == [
        ("/ping/1/fail", "chat was not reached: connect: refused")
    ]


async def test_nobody_beats_who_stands_by_or_has_just_begun(server: Hook) -> None:
    waiting = [health(NOW, leads=False), health(NOW + 60, blind=Blind.STARTING)]
    assert await beats(server, *waiting) == []


async def test_a_heartbeat_that_is_not_taken_is_said(server: Hook) -> None:
    server.code = 500
    settings = Heartbeat.model_validate({"url": server.url})
    connector = Connector()
    beating = Beating(settings, Path(), connector)
    await beating.follow(health(NOW))
    assert "HTTP 500" in beating.fault
    await beating.close()
    await connector.close()
