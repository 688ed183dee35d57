"""Degrading by pausing replicas or by limits, and putting it back, on a real engine."""

import pytest

from opsconsole.demo.docker_engine import Engine
from opsconsole.model.operation import ActionKind, ActionRequest, Operation, OperationState
from tests.operations.place import Place, ended, performed, planned, refused

_S = OperationState


def _config(engine: Engine, names: list[str], how: str) -> str:
    return f"""
docker: {{host: "{engine.url}"}}
operations: {{cooldown: 0.001ms}}
services:
  web:
    actions:
      degrade:
        docker: {{containers: [{", ".join(names)}], {how}}}
        min_healthy: 200ms
        deadline: 5s
        for: 1h
"""


async def _perform(place: Place, kind: ActionKind) -> Operation:
    operator = place.operator()
    plan = await planned(operator, ActionRequest("web", kind))
    return await ended(operator, (await performed(operator, plan, "load")).id)


def _statuses(engine: Engine, names: list[str]) -> list[str]:
    return [engine.client().containers.get(name).status for name in names]


async def test_some_replicas_are_paused_and_unpaused(docker_sandbox: Engine, place: Place) -> None:
    names = [f"web-{docker_sandbox.owner}-{number}" for number in (1, 2, 3)]
    for name in names:
        docker_sandbox.run(name)
    place.write(_config(docker_sandbox, names, "pause: 2"))
    assert (await _perform(place, ActionKind.DEGRADE)).state is _S.VERIFIED
    assert _statuses(docker_sandbox, names) == ["running", "paused", "paused"]
    assert (await _perform(place, ActionKind.RECOVER)).state is _S.VERIFIED
    assert _statuses(docker_sandbox, names) == ["running"] * 3


@pytest.mark.parametrize("memory", [None, "64m"])
async def test_limits_are_put_back(
    docker_sandbox: Engine, place: Place, memory: str | None
) -> None:
    name = f"web-{docker_sandbox.owner}"
    container = docker_sandbox.run(name, mem_limit=memory)
    how = "cpus: 0.25" + (", memory: 32MiB" if memory else "")
    place.write(_config(docker_sandbox, [name], how))
    operation = await _perform(place, ActionKind.DEGRADE)
    assert operation.state is _S.VERIFIED, operation
    container.reload()
    assert container.attrs["HostConfig"]["NanoCpus"] == 250_000_000
    if memory:
        assert container.attrs["HostConfig"]["Memory"] == 32 << 20
    operation = await _perform(place, ActionKind.RECOVER)
    assert operation.state is _S.VERIFIED, operation
    container.reload()
    cpus = docker_sandbox.client().info()["NCPU"]
    assert container.attrs["HostConfig"]["NanoCpus"] == cpus * 1_000_000_000
    if memory:
        assert container.attrs["HostConfig"]["Memory"] == 64 << 20


async def test_the_last_replica_is_never_paused(docker_sandbox: Engine, place: Place) -> None:
    name = f"web-{docker_sandbox.owner}"
    docker_sandbox.run(name)
    place.write(_config(docker_sandbox, [name], "pause: 1"))
    answer = await place.operator().plan(ActionRequest("web", ActionKind.DEGRADE), None)
    assert refused(answer) == "cannot-look"
    assert "none would be left" in str(answer)


async def test_a_limit_that_could_not_be_taken_away_is_not_given(
    docker_sandbox: Engine, place: Place
) -> None:
    name = f"web-{docker_sandbox.owner}"
    docker_sandbox.run(name)
    place.write(_config(docker_sandbox, [name], "memory: 32MiB"))
    answer = await place.operator().plan(ActionRequest("web", ActionKind.DEGRADE), None)
    assert refused(answer) == "cannot-look"
    assert "has no memory limit" in str(answer)
