"""Restart and scale of a Swarm service, on an engine of its own."""

import signal
from typing import Any, cast

import pytest

from opsconsole.demo.docker_engine import Engine
from opsconsole.model.operation import ActionKind, ActionRequest, OperationState
from tests.operations.place import Place, ended, outlived, performed, planned, refused
from tests.patience import until

_S = OperationState


@pytest.fixture
def swarm(swarm_engine: Engine, place: Place) -> Engine:
    """A swarm of one node with the service ``web`` of one replica."""
    services = cast(Any, swarm_engine.client().services)
    replicas = {"Replicated": {"Replicas": 1}}
    services.create(swarm_engine.image(), name="web", mode=replicas)
    place.write(f"""
state_dir: {place.state}
docker: {{host: "{swarm_engine.url}"}}
operations: {{cooldown: 0.001ms}}
services:
  web:
    actions:
      restart: {{swarm: web, min_healthy: 500ms, deadline: 40s}}
      scale: {{swarm: web, maximum: 3, min_healthy: 500ms, deadline: 40s}}
""")
    # The engine still changes a service on its own until its first task runs.
    until(lambda: len(_tasks_running(swarm_engine)) == 1)
    return swarm_engine


def _tasks_running(swarm: Engine) -> set[str]:
    tasks = _service(swarm).tasks(filters={"desired-state": "running"})
    return {task["ID"] for task in tasks if task["Status"]["State"] == "running"}


def _service(swarm: Engine) -> Any:
    services = cast(Any, swarm.client().services)
    return services.get("web")


async def test_scale_and_restart(swarm: Engine, place: Place) -> None:
    operator = place.operator()
    plan = await planned(operator, ActionRequest("web", ActionKind.SCALE, parameters={"to": "3"}))
    assert "from 1 to 3" in plan.steps[0].summary
    assert plan.undo == "scale back to 1"
    operation = await ended(operator, (await performed(operator, plan)).id)
    assert operation.state is _S.VERIFIED, operation
    before = _tasks_running(swarm)
    assert len(before) == 3

    too_many = ActionRequest("web", ActionKind.SCALE, parameters={"to": "4"})
    assert refused(await operator.plan(too_many, None)) == "bad-parameter"

    plan = await planned(operator, ActionRequest("web", ActionKind.RESTART))
    operation = await ended(operator, (await performed(operator, plan)).id)
    assert operation.state is _S.VERIFIED, operation
    after = _tasks_running(swarm)
    assert len(after) == 3
    assert not before & after


@pytest.mark.parametrize("death", [signal.SIGKILL, signal.SIGHUP])
async def test_the_console_is_killed_and_the_service_is_scaled(
    swarm: Engine, place: Place, death: signal.Signals
) -> None:
    operation = await outlived(place, "scale", "web", "--to", "3", death=death)
    assert operation.state is _S.VERIFIED, operation
    assert len(_tasks_running(swarm)) == 3


async def test_a_service_that_somebody_changed_is_left_alone(swarm: Engine, place: Place) -> None:
    operator = place.operator()
    plan = await planned(operator, ActionRequest("web", ActionKind.SCALE, parameters={"to": "3"}))
    _service(swarm).scale(2)
    operation = await ended(operator, (await performed(operator, plan)).id)
    assert operation.state is _S.REFUSED
    assert "replicas was 1, is 2" in operation.summary
