"""Restart of containers on a real engine."""

import signal

import pytest
from docker import APIClient

from opsconsole.config.loader import load
from opsconsole.demo.docker_engine import Engine
from opsconsole.machines.machines import Machines
from opsconsole.model.operation import ActionKind, ActionRequest, OperationState
from opsconsole.operations.driving.driver import Outcome
from opsconsole.operations.planning.declared import find
from opsconsole.operations.planning.planner import make_driver
from opsconsole.threads import BoundedExecutor
from tests.operations.place import Place, ended, outlived, performed, planned, restarted
from tests.patience import soon as until


def _config(engine: Engine, names: list[str], action: str = "") -> str:
    return f"""
docker: {{host: "{engine.url}"}}
operations: {{cooldown: 0.001ms, restart_limit: 1000}}
services:
  web:
    actions:
      restart:
        docker: {{containers: [{", ".join(names)}], stop_timeout: 1s}}
        min_healthy: 500ms
        deadline: 20s
        {action}
"""


def _names(engine: Engine, count: int) -> list[str]:
    return [f"web-{engine.owner}-{number}" for number in range(1, count + 1)]


def _started(engine: Engine, name: str) -> str:
    found: str = engine.client().containers.get(name).attrs["State"]["StartedAt"]
    return found


async def test_three_containers_roll_one_by_one(docker_sandbox: Engine, place: Place) -> None:
    names = _names(docker_sandbox, 3)
    for name in names:
        docker_sandbox.run(name, healthcheck="wget -q -O /dev/null http://127.0.0.1:8080/")
    before = [_started(docker_sandbox, name) for name in names]
    place.write(_config(docker_sandbox, names))
    operation = await restarted(place.operator())
    assert operation.state is OperationState.VERIFIED, operation
    after = [_started(docker_sandbox, name) for name in names]
    assert all(old != new for old, new in zip(before, after, strict=True))
    assert [step.state for step in operation.steps] == ["done"] * 3
    ends = [step.ended_at or 0 for step in operation.steps]
    begins = [step.started_at or 0 for step in operation.steps]
    assert all(nxt > end + 0.5 for end, nxt in zip(ends, begins[1:], strict=False)), operation.steps


@pytest.mark.parametrize("death", [signal.SIGKILL, signal.SIGHUP])
async def test_the_console_is_killed_and_all_three_are_restarted(
    docker_sandbox: Engine, place: Place, death: signal.Signals
) -> None:
    names = _names(docker_sandbox, 3)
    for name in names:
        docker_sandbox.run(name)
    before = [_started(docker_sandbox, name) for name in names]
    place.write(f"state_dir: {place.state}\n" + _config(docker_sandbox, names))
    operation = await outlived(place, "restart", "web", death=death)
    assert operation.state is OperationState.VERIFIED, operation
    after = [_started(docker_sandbox, name) for name in names]
    assert all(old != new for old, new in zip(before, after, strict=True))


async def test_a_container_that_stays_down_fails_with_the_rest_untouched(
    docker_sandbox: Engine, place: Place
) -> None:
    names = _names(docker_sandbox, 2)
    docker_sandbox.run(
        names[0], command=["sh", "-c", "test -e /ran && exit 3; touch /ran; sleep 60"]
    )
    docker_sandbox.run(names[1])
    untouched = _started(docker_sandbox, names[1])
    place.write(_config(docker_sandbox, names).replace("20s", "2s"))
    operation = await restarted(place.operator())
    assert operation.state is OperationState.FAILED, operation
    assert _started(docker_sandbox, names[1]) == untouched
    assert operation.steps[1].state == "waiting"
    assert "not done" in operation.steps[1].detail


async def test_one_container_alone(docker_sandbox: Engine, place: Place) -> None:
    names = _names(docker_sandbox, 2)
    for name in names:
        docker_sandbox.run(name)
    before = [_started(docker_sandbox, name) for name in names]
    place.write(_config(docker_sandbox, names))
    operator = place.operator()
    request = ActionRequest("web", ActionKind.RESTART, parameters={"instance": names[1]})
    plan = await planned(operator, request)
    assert len(plan.steps) == 1
    operation = await ended(operator, (await performed(operator, plan)).id)
    assert operation.state is OperationState.VERIFIED, operation
    assert _started(docker_sandbox, names[0]) == before[0]
    assert _started(docker_sandbox, names[1]) != before[1]


async def test_the_copy_that_is_ill_is_restarted_and_the_others_are_not(
    docker_sandbox: Engine, place: Place
) -> None:
    names = _names(docker_sandbox, 3)
    for name in names:
        docker_sandbox.run(name)
    docker_sandbox.client().containers.get(names[1]).kill()
    before = [_started(docker_sandbox, name) for name in names]
    place.write(_config(docker_sandbox, names))
    operator = place.operator()
    usual = ActionRequest("web", ActionKind.RESTART, parameters={"copies": "usual"})
    plan = await planned(operator, usual)
    assert [(copy.name, copy.chosen) for copy in plan.copies] == [
        (name, name == names[1]) for name in names
    ]
    operation = await ended(operator, (await performed(operator, plan)).id)
    assert operation.state is OperationState.VERIFIED, operation
    after = [_started(docker_sandbox, name) for name in names]
    moved = [old != new for old, new in zip(before, after, strict=True)]
    assert moved == [False, True, False]


async def test_what_dies_again_after_its_verdict_is_told_before_and_after(
    docker_sandbox: Engine, place: Place
) -> None:
    (name,) = _names(docker_sandbox, 1)
    container = docker_sandbox.run(name, command=["sh", "-c", "sleep 6; exit 1"], restart="always")

    def restarts() -> int:
        container.reload()
        return int(container.attrs["RestartCount"])

    await until(lambda: restarts() >= 2 and container.status == "running")
    place.write(_config(docker_sandbox, [name]))
    operator = place.operator()
    plan = await planned(operator, ActionRequest("web", ActionKind.RESTART))
    assert plan.warnings[0].startswith(f"{name} died ")
    assert plan.warnings[0].endswith(": a restart will not last")
    operation = await ended(operator, (await performed(operator, plan)).id)
    assert operation.state is OperationState.VERIFIED, operation

    def summary() -> str:
        found = operator.operation(operation.id)
        return found.summary if found else ""

    await until(lambda: "died again after" in summary())
    assert operator.holder("web") is None, "looking on holds no lock"
    assert summary().startswith(f"{name} died again after")


DEAF = ["sh", "-c", "trap '' TERM; while true; do sleep 1; done"]
"""What waits out its stop timeout, if it is asked to stop while it runs."""


@pytest.fixture
def stop_timeouts(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """For how long the engine was told to wait for each container, by its id."""
    asked: dict[str, int] = {}
    plain = APIClient.restart

    def restart(client: APIClient, container: str, timeout: int = 10) -> object:
        asked[container] = timeout
        return plain(client, container, timeout=timeout)

    monkeypatch.setattr(APIClient, "restart", restart)
    return asked


async def _deaf(engine: Engine, place: Place) -> tuple[list[str], dict[str, str]]:
    """Three that ignore TERM: two that were killed, and one that runs; the names by id."""
    names = _names(engine, 3)
    for name in names:
        engine.run(name, command=DEAF)
    containers = engine.client().containers
    containers.get(names[0]).kill()
    containers.get(names[1]).kill()
    await until(lambda: all(containers.get(each).status == "exited" for each in names[:2]))
    place.write(_config(engine, names).replace("stop_timeout: 1s", "stop_timeout: 2s"))
    return names, {str(containers.get(name).id): name for name in names}


async def test_only_what_runs_is_given_time_to_stop(
    docker_sandbox: Engine, place: Place, stop_timeouts: dict[str, int]
) -> None:
    names, ids = await _deaf(docker_sandbox, place)
    settings = load(place.config)
    found = find(settings, "web", ActionKind.RESTART, "")
    assert found is not None
    threads, machines = BoundedExecutor("test", 2), Machines()
    request = ActionRequest("web", ActionKind.RESTART)
    driver = make_driver(settings, found, request, place.config.parent, machines, threads)
    try:
        facts = await driver.observe()
        steps = driver.steps(facts)
        assert [step.instance for step in steps][-1] == names[2], "what is down comes first"
        for step in steps:
            assert (await driver.execute(step)).outcome is Outcome.DONE
    finally:
        await driver.close()
        threads.close()
        machines.close()
    assert {ids[each]: seconds for each, seconds in stop_timeouts.items()} == {
        names[0]: 0,
        names[1]: 0,
        names[2]: 2,
    }
