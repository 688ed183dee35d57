"""Giving up verifying: the verdict is inconclusive, and what follows may begin."""

import asyncio
from collections.abc import Callable

import pytest

from opsconsole.cli.main import main
from opsconsole.model.operation import ActionKind, ActionRequest, Operation, OperationState
from tests.operations.place import Place, ended, http_config, performed, planned, refused
from tests.operations.recording_server import Behaviour, RecordingServer
from tests.patience import soon as until

Serve = Callable[[], RecordingServer]
LONG = "min_healthy: 1s, deadline: 10m"
RESTART = ActionRequest("web", ActionKind.RESTART)


async def verifying(place: Place, *servers: RecordingServer) -> Operation:
    """A restart of a service that stays ill, once it is being verified."""
    servers[0].behaviour = Behaviour(healthy=False, heals=False)
    place.write(f"state_dir: {place.state}\n" + http_config(*servers, action=LONG))
    operator = place.operator()
    started = await performed(operator, await planned(operator, RESTART))
    found = operator.operation

    def state() -> OperationState:
        seen = found(started.id)
        return seen.state if seen else OperationState.INTENT

    if len(servers) == 1:
        await until(lambda: state() is OperationState.VERIFYING)
    else:
        await until(lambda: bool(servers[0].changes))
    return started


async def test_a_command_ends_it_and_the_next_may_begin(place: Place, serve: Serve) -> None:
    started = await verifying(place, serve())
    operator = place.operator()
    assert refused(await operator.plan(RESTART, None)) == "locked"
    argv = ["operations", "give-up", started.id, "-c", str(place.config)]
    assert await in_thread([*argv, "--read-only"]) == 2
    assert await in_thread(argv) == 0
    operation = await ended(operator, started.id)
    assert operation.state is OperationState.INCONCLUSIVE
    assert operation.summary.startswith("given up by ")
    assert operation.rollback_at is None
    await place.until_its_runner_is_gone(started.id)
    await planned(operator, RESTART)
    assert await in_thread(argv) == 2, "it has its verdict"


async def in_thread(argv: list[str]) -> int:
    return await asyncio.to_thread(main, argv)


async def test_between_steps_it_ends_too_and_no_other_is_begun(place: Place, serve: Serve) -> None:
    first, second = serve(), serve()
    started = await verifying(place, first, second)
    operator = place.operator()
    answer = await operator.give_up(started.id)
    assert isinstance(answer, Operation)
    operation = await ended(operator, started.id)
    assert operation.state is OperationState.INCONCLUSIVE, operation
    assert "given up by" in operation.summary
    assert second.changes == []


@pytest.mark.parametrize("operation", ["0" * 16, "\x1b[31mnothing"])
async def test_what_is_not_there_is_not_given_up(place: Place, operation: str) -> None:
    place.write("docker: []\n")
    assert refused(await place.operator().give_up(operation)) == "nothing-to-do"
