"""Two engines with a container of one name: what is done is done where it was said."""

from opsconsole.demo.docker_engine import Engine
from opsconsole.model.operation import ActionKind, ActionRequest, OperationState, Refusal
from tests.operations.place import Place, restarted


def _config(first: Engine, second: Engine, name: str, engine: str) -> str:
    return f"""
docker:
  - {{name: first, host: "{first.url}"}}
  - {{name: second, host: "{second.url}"}}
services:
  web:
    {engine}
    actions:
      restart:
        docker: {{containers: [{name}], stop_timeout: 1s}}
        min_healthy: 500ms
        deadline: 20s
"""


def _started(engine: Engine, name: str) -> str:
    found: str = engine.client().containers.get(name).attrs["State"]["StartedAt"]
    return found


async def test_a_restart_is_of_the_engine_that_is_named(
    docker_sandbox: Engine, private_docker_engine: Engine, place: Place
) -> None:
    name = f"web-{docker_sandbox.owner}"
    engines = (docker_sandbox, private_docker_engine)
    for engine in engines:
        engine.run(name)
    before = [_started(engine, name) for engine in engines]
    place.write(_config(*engines, name, ""))
    request = ActionRequest("web", ActionKind.RESTART, reason="a test")
    answer = await place.operator().plan(request, None)
    assert isinstance(answer, Refusal)
    assert "2 Docker Engines are configured: first, second" in answer.message
    assert "engine:" in str(answer)
    place.write(_config(*engines, name, "engine: second"))
    operation = await restarted(place.operator())
    assert operation.state is OperationState.VERIFIED, operation
    after = [_started(engine, name) for engine in engines]
    assert after[0] == before[0]
    assert after[1] != before[1]
