"""A call that was sent and not answered: looked up, told as it is, never sent again."""

from collections.abc import Callable

import pytest

from opsconsole.model.operation import ActionKind, ActionRequest, OperationState
from tests.operations.place import Place, ended, http_config, performed, planned, restarted
from tests.operations.recording_server import Behaviour, RecordingServer

Serve = Callable[[], RecordingServer]
_S = OperationState


@pytest.mark.parametrize("answer", ["hang", "close", "error"])
@pytest.mark.parametrize(
    ("acts", "says_uptime", "state", "step"),
    [
        (True, True, _S.VERIFIED, "done"),
        (False, True, _S.FAILED, "failed"),
        (True, False, _S.INCONCLUSIVE, "unknown"),
        (False, False, _S.INCONCLUSIVE, "unknown"),
    ],
)
async def test_the_truth_is_looked_for(
    answer: str,
    acts: bool,
    says_uptime: bool,
    state: OperationState,
    step: str,
    place: Place,
    serve: Serve,
) -> None:
    server = serve()
    server.behaviour = Behaviour(answer=answer, acts=acts, says_uptime=says_uptime)
    deadline = "60s" if acts and says_uptime else "3s"
    config = http_config(server, action=f"min_healthy: 0.2s, deadline: {deadline}")
    place.write(config.replace("timeout: 2s", "timeout: 300ms"))
    operation = await restarted(place.operator())
    assert operation.state is state, operation
    assert operation.steps[0].state == step
    assert "looked up" in operation.steps[0].detail
    assert len(server.changes) == 1


async def test_a_refusal_by_the_service_is_a_failure(place: Place, serve: Serve) -> None:
    server = serve()
    server.behaviour.answer = "refuse"
    place.write(http_config(server))
    operation = await restarted(place.operator())
    assert operation.state is _S.FAILED
    assert "HTTP 409" in operation.summary
    assert any("not now" in line for line in operation.evidence)


async def test_a_service_that_is_not_there_was_sent_nothing(place: Place, serve: Serve) -> None:
    server = serve()
    place.write(http_config(server))
    operator = place.operator()
    plan = await planned(operator, ActionRequest("web", ActionKind.RESTART))
    server.stop()
    operation = await ended(operator, (await performed(operator, plan)).id)
    assert operation.state is _S.FAILED
    assert "nothing was sent" in operation.summary


async def test_health_that_never_returns_fails_at_the_deadline(place: Place, serve: Serve) -> None:
    server, second = serve(), serve()
    server.behaviour = Behaviour(healthy=False, heals=False)
    place.write(http_config(server, second, action="min_healthy: 100ms, deadline: 1s"))
    operation = await restarted(place.operator())
    assert operation.state is _S.FAILED
    assert "not healthy after 1 s" in operation.summary
    assert second.changes == [], "stopped at the first that fails"
    assert operation.steps[1].detail.startswith("not done")


async def test_the_only_healthy_instance_is_restarted_last(place: Place, serve: Serve) -> None:
    healthy, sick = serve(), serve()
    sick.behaviour.healthy = False
    place.write(http_config(healthy, sick))
    operation = await restarted(place.operator())
    assert operation.state is _S.VERIFIED, operation
    assert sick.changes[0].at < healthy.changes[0].at


async def test_the_only_healthy_instance_is_not_restarted_alone(place: Place, serve: Serve) -> None:
    healthy, sick = serve(), serve()
    sick.behaviour.healthy = False
    place.write(http_config(healthy, sick))
    operator = place.operator()
    request = ActionRequest("web", ActionKind.RESTART, parameters={"instance": "web-1"})
    started = await performed(operator, await planned(operator, request))
    operation = await ended(operator, started.id)
    assert operation.state is _S.FAILED
    assert "only healthy instance" in operation.summary
    assert healthy.changes == []
