"""The engine's own rollback of a Swarm service, on an engine of the test's own."""

from typing import Any

import pytest

from opsconsole.demo.docker_engine import Engine
from opsconsole.model.operation import ActionKind, ActionRequest, Operation, OperationState
from tests.operations.place import Place, ended, performed, planned, refused
from tests.patience import until

_ROLLBACK = ActionRequest("web", ActionKind.ROLLBACK, reason="a test")
_SCALE = ActionRequest("web", ActionKind.SCALE, reason="a test", parameters={"to": "3"})


@pytest.fixture
def swarm(swarm_engine: Engine, place: Place) -> Engine:
    """A swarm of one node with the service ``web`` of one replica of :1."""
    client: Any = swarm_engine.client()
    client.services.create(
        swarm_engine.image(1),
        name="web",
        mode={"Replicated": {"Replicas": 1}},
        env=["PASSWORD=hunter2"],
        stop_grace_period=1_000_000_000,
    )
    place.write(f"""
docker: {{host: "{swarm_engine.url}"}}
operations: {{cooldown: 0.001ms}}
services:
  web:
    actions:
      rollback: {{swarm: web, min_healthy: 500ms, deadline: 30s}}
      scale: {{swarm: web, min_healthy: 500ms, deadline: 30s}}
""")
    # The engine still changes a service on its own until its first task runs.
    until(lambda: len(_running(swarm_engine)) == 1)
    return swarm_engine


def _service(swarm: Engine) -> Any:
    services: Any = swarm.client().services
    return services.get("web")


def _running(swarm: Engine) -> list[str]:
    tasks = _service(swarm).tasks(filters={"desired-state": "running"})
    running = [task for task in tasks if task["Status"]["State"] == "running"]
    return [task["Spec"]["ContainerSpec"]["Image"] for task in running]


def _word(swarm: Engine) -> str:
    return str((_service(swarm).attrs.get("UpdateStatus") or {}).get("State", ""))


async def _carried_out(place: Place, request: ActionRequest) -> Operation:
    operator = place.operator()
    plan = await planned(operator, request)
    assert "hunter2" not in repr(plan)
    return await ended(operator, (await performed(operator, plan)).id)


async def test_scaled_up_updated_to_a_broken_image_and_rolled_back(
    swarm: Engine, place: Place
) -> None:
    assert "never been updated" in str(await place.operator().plan(_ROLLBACK, None))

    operation = await _carried_out(place, _SCALE)
    assert operation.state is OperationState.VERIFIED, operation
    assert len(_running(swarm)) == 3

    _service(swarm).update(image=swarm.image(2), command=["/bin/false"])
    until(lambda: _word(swarm) == "paused")
    operation = await _carried_out(place, _ROLLBACK)
    assert operation.state is OperationState.VERIFIED, operation
    assert _running(swarm) == [swarm.image(1)] * 3
    assert _service(swarm).attrs["Spec"]["TaskTemplate"]["ContainerSpec"].get("Command") is None
    assert "hunter2" not in repr(operation)

    again = await place.operator().plan(_ROLLBACK, None)
    assert refused(again) == "rollback-of-rollback"
    assert refused(await place.operator(read_only=True).plan(_ROLLBACK, None)) == "read-only"

    _service(swarm).remove()
    until(lambda: not swarm.client().api.containers(all=True))
    assert "no Swarm service web" in str(await place.operator().plan(_ROLLBACK, None))
