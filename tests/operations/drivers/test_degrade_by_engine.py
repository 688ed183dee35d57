"""What a degradation by the engine takes away for a while, and releases as it was."""

import pytest

from opsconsole.demo.docker_engine import LABEL, Engine
from opsconsole.model.operation import ActionKind, ActionRequest, Operation, OperationState
from tests.operations.place import Place, ended, performed, planned
from tests.patience import soon as until
from tests.servers.engines import host_port

_S = OperationState
_HEALTHY = (
    """echo '{"status": "ok"}' > /www/health.json; trap 'exit 0' TERM; """
    "httpd -f -p 8080 -h /www & wait"
)
_LIMITS = ("NanoCpus", "CpuQuota", "CpuPeriod", "Memory", "MemorySwap")


def _config(engine: Engine, how: str, urls: list[str] | None = None, lasts: str = "1h") -> str:
    probes = (
        f"instances: [{', '.join(urls)}]\n    health: /health.json\n    timeout: 500ms"
        if urls
        else ""
    )
    return f"""
docker: {{host: "{engine.url}"}}
operations: {{cooldown: 0.001ms}}
services:
  web:
    {probes}
    actions:
      degrade:
        docker: {how}
        min_healthy: 300ms
        deadline: 5s
        for: {lasts}
"""


async def _perform(place: Place, kind: ActionKind) -> Operation:
    operator = place.operator()
    plan = await planned(operator, ActionRequest("web", kind))
    return await ended(operator, (await performed(operator, plan, "load")).id)


def _limits(engine: Engine, name: str) -> list[int]:
    host = engine.client().containers.get(name).attrs["HostConfig"]
    return [host[key] for key in _LIMITS]


@pytest.mark.parametrize(
    "given",
    [
        {"nano_cpus": 1_000_000_000, "mem_limit": "64m", "memswap_limit": "96m"},
        {"cpu_quota": 100_000, "cpu_period": 200_000, "mem_limit": "64m", "memswap_limit": -1},
    ],
    ids=["some swap", "by quota, swap without end"],
)
async def test_every_limit_is_what_it_was(
    docker_sandbox: Engine, place: Place, given: dict[str, object]
) -> None:
    name = f"limits-{docker_sandbox.owner}"
    api = docker_sandbox.client().api
    host = api.create_host_config(**given)  # type: ignore[arg-type]
    api.create_container(
        docker_sandbox.image(), name=name, labels={LABEL: docker_sandbox.owner}, host_config=host
    )
    api.start(name)
    before = _limits(docker_sandbox, name)
    place.write(_config(docker_sandbox, f"{{containers: [{name}], cpus: 0.25, memory: 32MiB}}"))
    operation = await _perform(place, ActionKind.DEGRADE)
    assert operation.state is _S.VERIFIED, operation
    during = _limits(docker_sandbox, name)
    assert during[3] == 32 << 20
    assert 250_000_000 in during or during[1] / max(during[2], 1) == 0.25
    operation = await _perform(place, ActionKind.DEGRADE)
    assert operation.state is _S.VERIFIED, operation
    operation = await _perform(place, ActionKind.RECOVER)
    assert operation.state is _S.VERIFIED, operation
    assert _limits(docker_sandbox, name) == before


async def test_a_paused_replica_is_not_expected_to_answer_until_its_end_has_come(
    docker_sandbox: Engine, place: Place
) -> None:
    names = [f"pause-{docker_sandbox.owner}-{number}" for number in (1, 2)]
    urls = []
    for name in names:
        container = docker_sandbox.run(name, command=["sh", "-c", _HEALTHY], ports={8080: None})
        port = host_port(container)
        urls.append(f"{{url: 'http://127.0.0.1:{port}', container: {name}}}")
    how = f"{{containers: [{', '.join(names)}], pause: 1}}"
    place.write(_config(docker_sandbox, how, urls, lasts="3s"))
    operator = place.operator()
    plan = await planned(operator, ActionRequest("web", ActionKind.DEGRADE))
    operation = await ended(operator, (await performed(operator, plan, "load")).id)
    assert operation.state is _S.VERIFIED, operation

    def statuses() -> list[str]:
        return [docker_sandbox.client().containers.get(name).status for name in names]

    assert statuses() == ["running", "paused"]
    await until(lambda: statuses() == ["running", "running"])
    await until(lambda: operator.operations()[0].state.final)
    recovery = operator.operations()[0]
    assert (recovery.kind, recovery.state) == (ActionKind.RECOVER, _S.VERIFIED), recovery


async def test_what_is_gone_does_not_hold_up_the_recovery_of_the_rest(
    docker_sandbox: Engine, place: Place
) -> None:
    names = [f"gone-{docker_sandbox.owner}-{number}" for number in (1, 2, 3)]
    for name in names:
        docker_sandbox.run(name)
    place.write(_config(docker_sandbox, f"{{containers: [{', '.join(names)}], pause: 2}}"))
    assert (await _perform(place, ActionKind.DEGRADE)).state is _S.VERIFIED
    docker_sandbox.client().containers.get(names[1]).remove(force=True)
    operation = await _perform(place, ActionKind.RECOVER)
    assert operation.state is _S.VERIFIED, operation
    assert [step.state for step in operation.steps] == ["done", "done"]
    assert docker_sandbox.client().containers.get(names[2]).status == "running"
