"""Restart by HTTP from plan to verdict, against a real service."""

from collections.abc import Callable

from opsconsole.model.operation import OperationState
from tests.operations.place import Place, http_config, restarted
from tests.operations.recording_server import RecordingServer

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
