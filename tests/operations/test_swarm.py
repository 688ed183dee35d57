"""Restart and scale of a Swarm service, on an engine of its own."""

from typing import Any, cast

import pytest

from opsconsole.demo.docker_engine import Engine
from opsconsole.model.operation import ActionKind, ActionRequest, OperationState
from tests.operations.place import Place, ended, performed, planned, refused

_S = OperationState


@pytest.fixture
def swarm(private_docker_engine: Engine, place: Place) -> Engine:
    """A swarm of one node with the service ``web`` of one replica."""
    client = private_docker_engine.client()
    client.swarm.init(advertise_addr="127.0.0.1")
    services = cast(Any, client.services)
    replicas = {"Replicated": {"Replicas": 1}}
    services.create(private_docker_engine.image(), name="web", mode=replicas)
    place.write(f"""
docker: {{host: "{private_docker_engine.url}"}}
operations: {{cooldown: 0.001ms}}
services:
  web:
    actions:
      restart: {{swarm: web, min_healthy: 500ms, deadline: 40s}}
      scale: {{swarm: web, maximum: 3, min_healthy: 500ms, deadline: 40s}}
""")
    return private_docker_engine


def _service(swarm: Engine) -> Any:
    services = cast(Any, swarm.client().services)
    return services.get("web")


async def test_scale_and_restart(swarm: Engine, place: Place) -> None:
    operator = place.operator()
    plan = await planned(operator, ActionRequest("web", ActionKind.SCALE, parameters={"to": "3"}))
    assert "from 1 to 3" in plan.steps[0].summary
    assert plan.undo == "scale back to 1"
    operation = await ended(operator, (await performed(operator, plan)).id, 60)
    assert operation.state is _S.VERIFIED, operation
    service = _service(swarm)
    running = {"desired-state": "running"}
    before = {task["ID"] for task in service.tasks(filters=running)}
    assert len(before) == 3

    too_many = ActionRequest("web", ActionKind.SCALE, parameters={"to": "4"})
    assert refused(await operator.plan(too_many, None)) == "bad-parameter"

    plan = await planned(operator, ActionRequest("web", ActionKind.RESTART))
    operation = await ended(operator, (await performed(operator, plan)).id, 90)
    assert operation.state is _S.VERIFIED, operation
    after = {task["ID"] for task in service.tasks(filters=running)}
    assert len(after) == 3
    assert not before & after


async def test_a_service_that_somebody_changed_is_left_alone(swarm: Engine, place: Place) -> None:
    operator = place.operator()
    plan = await planned(operator, ActionRequest("web", ActionKind.SCALE, parameters={"to": "3"}))
    _service(swarm).scale(2)
    operation = await ended(operator, (await performed(operator, plan)).id)
    assert operation.state is _S.REFUSED
    assert "replicas was 1, is 2" in operation.summary
