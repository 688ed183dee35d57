"""A runner that is killed leaves an operation that is ended by looking, never by repeating."""

import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from opsconsole.model.operation import ActionKind, ActionRequest, Operation, OperationState
from opsconsole.operations.journal.audit import verify
from opsconsole.operations.locks.locks import LockKind, LockName
from tests.operations.place import Place, ended, http_config, performed, planned
from tests.operations.recording_server import RecordingServer

Serve = Callable[[], RecordingServer]

_KILLS = int(os.environ.get("OPSCONSOLE_TEST_KILLS", "16"))
_BOUNDARIES = 20
_SABOTAGE = str(Path(__file__).parents[1] / "sabotage")
_RANDOM = random.Random(20)
_MOMENTS = [round(_RANDOM.uniform(0.0, 1.2), 4) for _ in range(_KILLS)]
_ACTION = "min_healthy: 50ms, deadline: 2s"


async def _killed_and_taken_up(
    place: Place, servers: list[RecordingServer], monkeypatch: pytest.MonkeyPatch, how: str, at: str
) -> Operation:
    place.write(http_config(*servers, action=_ACTION))
    monkeypatch.setenv("PYTHONPATH", _SABOTAGE)
    monkeypatch.setenv(how, at)
    first = place.operator()
    plan = await planned(first, ActionRequest("web", ActionKind.RESTART, reason="a test"))
    started = await performed(first, plan)
    await place.until_its_runner_is_gone(started.id)
    await place.operator().reconcile()
    return await ended(first, started.id)


def _check(place: Place, servers: list[RecordingServer], operation: Operation) -> None:
    for server, step in zip(servers, operation.steps, strict=True):
        assert len(server.changes) <= 1, "a call was repeated"
        if server.changes:
            assert step.started_at is not None, "a side effect without an intent"
            assert step.state in {"done", "unknown"}
        assert step.state != "running"
    if operation.state is OperationState.VERIFIED:
        assert all(server.changes for server in servers)
    free = place.there.locks.take(LockName(LockKind.SERVICE, "web"), patience=5)
    assert free is not None
    free.release()
    assert verify(place.there.audit_rows()).whole


@pytest.mark.parametrize("boundary", range(1, _BOUNDARIES + 1))
async def test_at_each_boundary(
    boundary: int, place: Place, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    servers = [serve(), serve()]
    operation = await _killed_and_taken_up(place, servers, monkeypatch, "KILL_AT", str(boundary))
    _check(place, servers, operation)


@pytest.mark.parametrize("moment", _MOMENTS)
async def test_at_random_moments(
    moment: float, place: Place, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    servers = [serve(), serve()]
    operation = await _killed_and_taken_up(place, servers, monkeypatch, "KILL_AFTER", str(moment))
    _check(place, servers, operation)


async def test_an_intent_without_a_runner_is_never_carried_out(
    place: Place, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve()
    operation = await _killed_and_taken_up(place, [server], monkeypatch, "KILL_AT", "1")
    assert operation.state is OperationState.FAILED
    assert "nothing was done" in operation.summary
    assert server.changes == []


async def test_it_is_taken_up_by_whoever_asks_next(
    place: Place, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve()
    place.write(http_config(server, action=_ACTION))
    monkeypatch.setenv("PYTHONPATH", _SABOTAGE)
    monkeypatch.setenv("KILL_AT", "4")
    operator = place.operator()
    request = ActionRequest("web", ActionKind.RESTART, reason="a test")
    started = await performed(operator, await planned(operator, request))
    await place.until_its_runner_is_gone(started.id)
    await operator.plan(request, None)
    assert (await ended(operator, started.id)).state.final
