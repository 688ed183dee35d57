"""Restart of containers when the engine or the container misbehaves, on a real engine."""

import asyncio

from opsconsole.demo.docker_engine import Engine
from opsconsole.model.operation import ActionKind, ActionRequest, OperationState
from tests.operations.place import Place, ended, performed, planned, refused
from tests.patience import soon as until
from tests.servers.engines import OwnEngine

_S = OperationState


def _config(engine: Engine, name: str) -> str:
    return f"""
docker: {{host: "{engine.url}", timeout: 1s}}
operations: {{cooldown: 0.001ms, restart_limit: 1000}}
services:
  web:
    actions:
      restart:
        docker: {{containers: [{name}], stop_timeout: 1s}}
        min_healthy: 300ms
        deadline: 20s
"""


async def test_a_container_that_was_replaced_makes_the_plan_stale(
    docker_sandbox: Engine, place: Place
) -> None:
    name = f"web-{docker_sandbox.owner}"
    container = docker_sandbox.run(name)
    place.write(_config(docker_sandbox, name))
    operator = place.operator()
    plan = await planned(operator, ActionRequest("web", ActionKind.RESTART))
    container.remove(force=True)
    other = docker_sandbox.run(name)
    operation = await ended(operator, (await performed(operator, plan)).id)
    assert operation.state is _S.REFUSED
    assert (
        f"{name} id was {plan.fingerprint[f'{name} id']}, is {(other.id or '')[:12]}"
        in operation.summary
    )


async def test_a_container_that_is_gone_is_refused(docker_sandbox: Engine, place: Place) -> None:
    name = f"web-{docker_sandbox.owner}"
    container = docker_sandbox.run(name)
    place.write(_config(docker_sandbox, name))
    operator = place.operator()
    plan = await planned(operator, ActionRequest("web", ActionKind.RESTART))
    container.remove(force=True)
    operation = await ended(operator, (await performed(operator, plan)).id)
    assert operation.state is _S.REFUSED
    assert f"there is no container {name}" in operation.summary
    answer = await operator.plan(ActionRequest("web", ActionKind.RESTART), None)
    assert refused(answer) == "cannot-look"


async def test_an_engine_that_hangs_in_the_middle_is_looked_at_when_it_is_back(
    private_docker_engine: OwnEngine, place: Place
) -> None:
    name = f"web-{private_docker_engine.owner}"
    command = ["sh", "-c", "trap '' TERM; while true; do sleep 0.2; done"]
    container = private_docker_engine.run(name, command=command)
    place.write(
        _config(private_docker_engine, name).replace("stop_timeout: 1s", "stop_timeout: 2s")
    )
    operator = place.operator()
    plan = await planned(operator, ActionRequest("web", ActionKind.RESTART))
    started = await performed(operator, plan)

    def is_running_step() -> bool:
        found = operator.operation(started.id)
        return found is not None and found.steps[0].state == "running"

    await until(is_running_step)
    await asyncio.sleep(0.7)
    private_docker_engine.suspend()

    def is_unknown() -> bool:
        found = operator.operation(started.id)
        return found is not None and found.state is _S.UNKNOWN

    await until(is_unknown)
    private_docker_engine.resume()
    operation = await ended(operator, started.id)
    assert operation.state is _S.VERIFIED, operation
    assert "looked up: it started again" in operation.steps[0].detail
    container.reload()
    assert container.status == "running"


async def test_an_engine_that_is_not_there_is_said(place: Place) -> None:
    place.write(
        """
docker: {host: "unix:///nowhere/docker.sock"}
services:
  web:
    actions:
      restart: {docker: web}
"""
    )
    answer = await place.operator().plan(ActionRequest("web", ActionKind.RESTART), None)
    assert refused(answer) == "cannot-look"
    assert "no Docker Engine at /nowhere/docker.sock" in str(answer)
