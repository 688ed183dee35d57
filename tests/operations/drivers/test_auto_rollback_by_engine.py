"""A broken image is restarted without success and rolled back by itself, on a real engine."""

from opsconsole.demo.docker_engine import Engine
from opsconsole.model.operation import ActionKind, ActionRequest, OperationState
from tests.operations.drivers.rollbacks import config_of, inspected, name_of, names_on
from tests.operations.place import Place, ended, performed, planned
from tests.patience import soon as until

_RESTART = """      restart:
        docker: {{containers: [{name}], stop_timeout: 1s}}
        min_healthy: 300ms
        deadline: 3s
        auto_rollback: true
"""


async def test_an_update_to_a_broken_image_is_rolled_back(
    docker_sandbox: Engine, place: Place
) -> None:
    docker_sandbox.image(1)
    name = name_of(docker_sandbox, "updated")
    docker_sandbox.run(
        name, image=docker_sandbox.image(2), healthcheck="grep -q 'version 1' /www/index.html"
    )
    config = config_of(docker_sandbox, name) + _RESTART.format(name=name)
    place.write(config.replace("operations: {", "operations: {rollback_countdown: 500ms, "))
    operator = place.operator()
    plan = await planned(operator, ActionRequest("web", ActionKind.RESTART, reason="a test"))
    failed = await ended(operator, (await performed(operator, plan)).id)
    assert failed.state is OperationState.FAILED, failed
    await until(lambda: operator.operations()[0].kind is ActionKind.ROLLBACK)
    rollback = await ended(operator, operator.operations()[0].id)
    assert rollback.state is OperationState.VERIFIED, rollback
    after = inspected(docker_sandbox, name)
    assert after["Config"]["Image"] == docker_sandbox.image(1)
    assert after["State"]["Health"]["Status"] == "healthy"
    assert names_on(docker_sandbox) == {name}

    def is_told() -> bool:
        found = operator.operation(failed.id)
        return found is not None and found.rollback == f"verified as {rollback.id}"

    await until(is_told)
