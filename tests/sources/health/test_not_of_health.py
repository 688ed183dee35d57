"""Answers that say nothing of the health of who gives them: unknown, and said."""

from __future__ import annotations

from typing import Any

import pytest

from opsconsole.model.fault import FaultKind
from opsconsole.model.state import State
from opsconsole.sources.http.connector import Connector
from tests.sources.local_http import Said, Server, listening
from tests.sources.probing import make_probe

BODIES = [b"", b"slow down", b'{"status": "error", "message": "rate limited"}', b"x" * 3000]


async def look(said: Said, **options: Any) -> Any:
    connector = Connector()
    async with listening(Server(lambda _asked: said)) as url:
        probe = make_probe(connector, url, timeout=5, **options)
        reading = await probe.collect()
        await probe.close()
    await connector.close()
    return reading


@pytest.mark.parametrize("body", BODIES[:2])
async def test_who_is_asked_too_often_is_not_down(body: bytes) -> None:
    fault = (await look(Said(body, 429))).fault
    assert fault.kind is FaultKind.OVERLOADED
    assert (fault.status, fault.retry_after, fault.blames_target) == (429, 0.0, False)


@pytest.mark.parametrize("body", BODIES)
async def test_the_rest_that_is_asked_for_is_known_and_said(body: bytes) -> None:
    """Whatever the body says: it is that of what limits the rate."""
    fault = (await look(Said(body, 429, {"Retry-After": "30"}))).fault
    assert (fault.kind, fault.blames_target) == (FaultKind.OVERLOADED, False)
    assert fault.retry_after == 30.0
    assert "it asks for 30 s of rest" in fault.message


async def test_vault_says_standby_by_the_same_code() -> None:
    body = b'{"initialized": true, "sealed": false, "standby": true}'
    assert (await look(Said(body, 429))).value.state is State.DEGRADED


async def test_a_429_that_is_expected_is_good() -> None:
    reading = await look(Said(b"", 429), health={"expect": {"status": [429]}})
    assert reading.value.state is State.OK


@pytest.mark.parametrize("status", [426, 505])
async def test_a_server_that_wants_another_protocol_is_not_down(status: int) -> None:
    fault = (await look(Said(b"", status))).fault
    assert (fault.kind, fault.blames_target) == (FaultKind.UNSUPPORTED, False)


@pytest.mark.parametrize(
    ("age", "known"), [("0", True), ("11", True), ("12", False), ("9" * 20, False)]
)
@pytest.mark.parametrize("status", [200, 503])
async def test_what_a_cache_has_kept_for_long_is_no_look(
    age: str, known: bool, status: int
) -> None:
    """The interval is 5 s, so that 11 s are stale."""
    reading = await look(Said(b'{"status": "healthy"}', status, {"Age": age}))
    if known:
        assert reading.value is not None
        return
    assert (reading.fault.kind, reading.fault.blames_target) == (FaultKind.CACHED, False)
    assert "s old" in reading.fault.message
