"""Restart by HTTP from plan to verdict, against a real service."""

import contextlib
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from opsconsole.model.operation import ActionKind, ActionRequest, OperationState
from tests.contents import contents
from tests.operations.place import Place, ended, http_config, performed, planned, restarted
from tests.operations.recording_server import RecordingServer
from tests.patience import soon as until

Serve = Callable[[], RecordingServer]


async def test_each_instance_is_restarted_once_and_verified(place: Place, serve: Serve) -> None:
    servers = [serve(), serve(), serve()]
    place.write(http_config(*servers))
    operation = await restarted(place.operator())
    assert operation.state is OperationState.VERIFIED, operation
    assert [len(server.changes) for server in servers] == [1, 1, 1]
    calls = [server.changes[0].at for server in servers]
    assert calls == sorted(calls)
    assert calls[1] - calls[0] > 0.2, "the next only when the last was healthy for min_healthy"
    assert [step.state for step in operation.steps] == ["done"] * 3
    assert any("latency" in line for line in operation.evidence)


async def test_a_secret_reaches_the_service_and_nothing_else(
    place: Place, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    canary = "canary-93be1f"
    monkeypatch.setenv("WEB_TOKEN", canary)
    server = serve()
    secret = "http: {authorization: {credentials: '${env:WEB_TOKEN}'}}\n    actions:"
    place.write(http_config(server).replace("actions:", secret, 1))
    server.behaviour.gate = threading.Event()
    operator = place.operator()
    plan = await planned(operator, ActionRequest("web", ActionKind.RESTART))
    started = await performed(operator, plan)
    await until(lambda: bool(server.changes))
    commands = _command_lines()
    assert any(started.id.encode() in command for command in commands), "the runner is seen"
    server.behaviour.gate.set()
    operation = await ended(operator, started.id)
    assert operation.state is OperationState.VERIFIED, operation
    assert server.changes[0].authorization == f"Bearer {canary}"
    assert not any(canary.encode() in command for command in commands)
    assert canary not in repr(operation) + repr(plan)
    assert not any(canary.encode() in each for each in contents(place.state).values())


def _command_lines() -> list[bytes]:
    """The arguments of every process of this host."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found.append(path.read_bytes())
    return found
