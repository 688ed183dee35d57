"""Several services on a real engine: one container after the other, up to one that stays ill."""

from opsconsole.demo.docker_engine import Engine
from opsconsole.model.operation import Confirmation, Operation, OperationState
from tests.operations.place import Place
from tests.operations.test_group import over, plans_of

S = OperationState
ONE = """
  {name}:
    actions:
      restart:
        docker: {{containers: [{container}], stop_timeout: 1s}}
        min_healthy: 300ms
        deadline: 3s
"""
DIES = ["sh", "-c", "test -e /ran && exit 3; touch /ran; sleep 600"]


def write(place: Place, engine: Engine, containers: dict[str, str]) -> None:
    services = "".join(ONE.format(name=n, container=c) for n, c in containers.items())
    place.write(f"""
docker: {{host: "{engine.url}"}}
operations: {{cooldown: 0.001ms, restart_limit: 1000}}
services:
{services}""")


def started(engine: Engine, containers: dict[str, str]) -> dict[str, str]:
    client = engine.client()
    return {
        name: client.containers.get(container).attrs["State"]["StartedAt"]
        for name, container in containers.items()
    }


async def carried_out(place: Place, names: list[str]) -> dict[str, Operation]:
    operator = place.operator()
    first, *then = await plans_of(operator, names)
    begun = await operator.perform(first, Confirmation("", "a test"), tuple(then))
    assert isinstance(begun, Operation), begun
    return await over(place, operator, len(names))


async def test_each_container_is_restarted_after_the_verdict_of_the_one_before(
    docker_sandbox: Engine, place: Place
) -> None:
    containers = {name: f"{name}-{docker_sandbox.owner}" for name in ("api", "cache", "db")}
    for container in containers.values():
        docker_sandbox.run(container)
    before = started(docker_sandbox, containers)
    write(place, docker_sandbox, containers)
    runs = await carried_out(place, ["cache", "db", "api"])
    assert [run.state for run in runs.values()] == [S.VERIFIED] * 3, runs
    after = started(docker_sandbox, containers)
    assert all(after[name] != before[name] for name in containers)
    assert after["cache"] < after["db"] < after["api"], "the engine's own times"


async def test_one_that_does_not_come_back_leaves_the_rest_as_they_were(
    docker_sandbox: Engine, place: Place
) -> None:
    containers = {name: f"{name}-{docker_sandbox.owner}" for name in ("api", "cache", "db")}
    for name, container in containers.items():
        docker_sandbox.run(container, command=DIES if name == "cache" else None)
    before = started(docker_sandbox, containers)
    write(place, docker_sandbox, containers)
    runs = await carried_out(place, ["api", "cache", "db"])
    assert [run.state for run in runs.values()] == [S.VERIFIED, S.FAILED, S.REFUSED], runs
    assert runs["db"].summary == "not begun: cache before it was failed"
    after = started(docker_sandbox, containers)
    assert after["db"] == before["db"]
