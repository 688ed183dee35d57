"""Looks of a verification: each on a connection of its own, at what is there now."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from opsconsole.config.settings import Settings
from opsconsole.model.state import State
from opsconsole.operations.driving.instance_probes import InstanceProbes
from tests.sources.local_http import Said, Server, listening

HEALTHY = b'{"status": "healthy"}'


def settings_for(url: str, **service: Any) -> Settings:
    web = {"instances": [url], "health": {}, **service}
    return Settings.model_validate({"services": {"web": web}})


async def test_each_look_dials() -> None:
    """A process that is draining answers on the connections that it has, and takes no new ones."""
    server = Server(lambda _asked: Said(HEALTHY))
    async with listening(server) as url:
        probes = InstanceProbes(settings_for(url), "web", Path())
        for _ in range(3):
            (sight,) = (await probes.look()).values()
            assert sight.state is State.OK
        await probes.close()
    assert server.connections == 3


@pytest.mark.parametrize(("age", "state"), [("9", State.UNKNOWN), ("2", State.OK), ("", State.OK)])
async def test_an_answer_from_before_the_change_is_no_look(age: str, state: State) -> None:
    server = Server(lambda _asked: Said(HEALTHY, headers={"Age": age} if age else {}))
    async with listening(server) as url:
        probes = InstanceProbes(settings_for(url, interval="60s"), "web", Path())
        (sight,) = (await probes.look(time.time() - 5.0)).values()
        (before,) = (await probes.look()).values()
        await probes.close()
    assert sight.state is state
    assert ("cache" in sight.detail) is (state is State.UNKNOWN)
    assert before.state is State.OK
    assert {each.headers["cache-control"] for each in server.asked} == {"no-cache"}


@pytest.mark.parametrize(
    ("header", "said", "state"),
    [
        ("X-Cache", "HIT", State.UNKNOWN),
        ("X-Cache-Status", "STALE", State.UNKNOWN),
        ("X-Proxy-Cache", "HIT", State.UNKNOWN),
        ("CF-Cache-Status", "HIT", State.UNKNOWN),
        ("Cache-Status", "edge; hit; ttl=3", State.UNKNOWN),
        ("X-Cache", "MISS from lb", State.OK),
        ("Cache-Status", "edge; fwd=miss", State.OK),
        ("X-Cache-Key", "hit", State.OK),
    ],
)
async def test_an_answer_that_a_cache_had_for_an_unknown_time_is_no_look(
    header: str, said: str, state: State
) -> None:
    server = Server(lambda _asked: Said(HEALTHY, headers={header: said}))
    async with listening(server) as url:
        probes = InstanceProbes(settings_for(url), "web", Path())
        (sight,) = (await probes.look(time.time() - 5.0)).values()
        (before,) = (await probes.look()).values()
        await probes.close()
    assert (sight.state, before.state) == (state, State.OK)


async def test_who_asks_for_rest_is_not_asked_again() -> None:
    server = Server(lambda _asked: Said(b"", 429, {"Retry-After": "60"}))
    async with listening(server) as url:
        probes = InstanceProbes(settings_for(url), "web", Path())
        sights = [sight for _ in range(3) for sight in (await probes.look()).values()]
        await probes.close()
    assert [sight.state for sight in sights] == [State.UNKNOWN] * 3
    assert len(server.asked) == 1


@pytest.mark.parametrize("body", [b"", b"gone", b'{"status": "down"}'])
async def test_what_says_that_it_is_down_has_answered(body: bytes) -> None:
    server = Server(lambda _asked: Said(body, 503))
    async with listening(server) as url:
        probes = InstanceProbes(settings_for(url), "web", Path())
        (sight,) = (await probes.look()).values()
        await probes.close()
    assert sight.state is State.DOWN
    assert sight.latency is not None


async def test_what_is_not_there_has_not_answered() -> None:
    async with listening(Server(lambda _asked: Said(HEALTHY))) as url:
        pass
    probes = InstanceProbes(settings_for(url), "web", Path())
    (sight,) = (await probes.look()).values()
    await probes.close()
    assert (sight.state, sight.latency) == (State.DOWN, None)
