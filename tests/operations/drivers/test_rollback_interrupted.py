"""Rollback of containers whose console, runner or engine goes away in the middle."""

import signal
from pathlib import Path

import pytest

from opsconsole.demo.docker_engine import Engine
from opsconsole.demo.processes import free_port
from opsconsole.model.operation import OperationState
from tests.operations.drivers.rollbacks import (
    config_of,
    inspected,
    name_of,
    names_on,
    rollback_request,
)
from tests.operations.place import Place, ended, outlived, performed, planned
from tests.patience import soon as until
from tests.servers.engines import OwnEngine, host_port

_SABOTAGE = str(Path(__file__).parents[1] / "sabotage")


@pytest.mark.parametrize("death", [signal.SIGKILL, signal.SIGHUP])
async def test_the_console_is_killed_and_the_rollback_ends_with_a_verdict(
    docker_sandbox: Engine, place: Place, death: signal.Signals
) -> None:
    docker_sandbox.image(1)
    name = name_of(docker_sandbox, "killed")
    # Engines give ports away in one and the same order: another one's may get it meanwhile.
    port = free_port()
    docker_sandbox.run(name, image=docker_sandbox.image(2), ports={8080: port})
    place.write(f"state_dir: {place.state}\n" + config_of(docker_sandbox, name))
    operation = await outlived(place, "rollback", "web", death=death)
    assert operation.state is OperationState.VERIFIED, operation
    after = docker_sandbox.client().containers.get(name)
    assert after.attrs["Config"]["Image"] == docker_sandbox.image(1)
    assert host_port(after) == port


@pytest.mark.parametrize("moment", [0.45])
async def test_a_runner_killed_halfway_leaves_one_container_and_a_verdict(
    docker_sandbox: Engine, place: Place, monkeypatch: pytest.MonkeyPatch, moment: float
) -> None:
    docker_sandbox.image(1)
    name = name_of(docker_sandbox, "halfway")
    docker_sandbox.run(name, image=docker_sandbox.image(2))
    place.write(config_of(docker_sandbox, name, deadline="5s"))
    monkeypatch.setenv("PYTHONPATH", _SABOTAGE)
    monkeypatch.setenv("KILL_AFTER", str(moment))
    operator = place.operator()
    operation = await performed(operator, await planned(operator, rollback_request()))
    await place.until_its_runner_is_gone(operation.id)
    await place.operator().reconcile()
    operation = await ended(operator, operation.id)
    assert names_on(docker_sandbox) == {name}
    after = inspected(docker_sandbox, name)
    assert after["State"]["Running"]
    verified = operation.state is OperationState.VERIFIED
    assert after["Config"]["Image"] == docker_sandbox.image(1 if verified else 2)


async def test_an_engine_that_hangs_leaves_both_containers_and_says_where(
    private_docker_engine: OwnEngine, place: Place
) -> None:
    engine = private_docker_engine
    engine.image(1)
    engine.run("web", image=engine.image(2), healthcheck="grep -q 'version 2' /www/index.html")
    place.write(
        config_of(engine, "web", deadline="2s").replace(
            "docker: {host", "docker: {timeout: 2s, host", 1
        )
    )
    operator = place.operator()
    operation = await performed(operator, await planned(operator, rollback_request()))

    def is_verifying() -> bool:
        found = operator.operation(operation.id)
        return found is not None and found.state is OperationState.VERIFYING

    await until(is_verifying)
    engine.suspend()
    try:
        operation = await ended(operator, operation.id)
    finally:
        engine.resume()
    assert operation.state is OperationState.INCONCLUSIVE, operation
    containers = engine.client().api.containers(all=True)
    there = {each["Names"][0].lstrip("/"): each["State"] for each in containers}
    kept = next(name for name in there if name.startswith("web-before-"))
    assert there == {"web": "running", kept: "exited"}
    assert "left for a person to decide" in operation.summary
    assert kept in operation.summary
