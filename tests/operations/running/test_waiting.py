"""Who waits for a verdict gets one, or is told that nobody will give it."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from opsconsole.model.operation import ActionKind, ActionRequest, OperationState
from opsconsole.operations.journal.records import Intent
from opsconsole.operations.planning.declared import digest, find
from opsconsole.operations.who import whoami
from tests.operations.place import Place, http_config, planned
from tests.operations.recording_server import RecordingServer

Serve = Callable[[], RecordingServer]
_SABOTAGE = str(Path(__file__).parents[1] / "sabotage")
_OPERATION = "0123456789abcdef"


@pytest.mark.parametrize("boundary", [3, 6, 9])
def test_a_command_whose_runner_is_killed_returns_with_a_verdict(
    place: Place, serve: Serve, monkeypatch: pytest.MonkeyPatch, boundary: int
) -> None:
    server = serve()
    place.write(f"state_dir: {place.state}\n" + http_config(server, action="min_healthy: 50ms"))
    monkeypatch.setenv("PYTHONPATH", _SABOTAGE)
    monkeypatch.setenv("KILL_AT", str(boundary))
    argv = [sys.executable, "-m", "opsconsole", "restart", "web", "--yes", "--reason", "a test"]
    done = subprocess.run(
        [*argv, "-c", str(place.config)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    (operation,) = place.operator().operations()
    assert operation.state.final, done
    assert done.returncode in {0, 1, 3}
    assert operation.state in done.stdout
    assert len(server.changes) <= 1


async def test_who_waits_for_what_nobody_can_take_up_is_not_kept(
    place: Place, serve: Serve
) -> None:
    place.write(http_config(serve()))
    operator = place.operator()
    plan = await planned(operator, ActionRequest("web", ActionKind.RESTART))
    found = find(operator._settings, "web", ActionKind.RESTART, "")
    assert found is not None
    declaration = digest(operator._settings, found)
    journal = place.there.journal()
    base, config = str(place.config.parent), str(place.config)
    journal.submit(Intent(_OPERATION, plan, whoami(), "", declaration, config, base), 1.0)
    journal.advance(_OPERATION, OperationState.DISPATCHED, 2.0)
    journal.close()
    left = operator.operation(_OPERATION)
    assert left is not None
    seen = [each async for each in operator.follow(left, 0.01)]
    assert [each.state for each in seen] == [OperationState.DISPATCHED] * 2


async def test_one_that_is_gone_from_the_journal_is_not_waited_for(
    place: Place, serve: Serve
) -> None:
    place.write(http_config(serve()))
    operator = place.operator()
    plan = await planned(operator, ActionRequest("web", ActionKind.RESTART))
    journal = place.there.journal()
    config = str(place.config)
    journal.submit(Intent(_OPERATION, plan, whoami(), "", "", config, "/"), 1.0)
    left = operator.operation(_OPERATION)
    assert left is not None
    journal.close()
    with place.there.journal().database.transaction() as changes:
        changes.change("DELETE FROM steps")
        changes.change("DELETE FROM operations")
    assert len([each async for each in operator.follow(left, 0.01)]) == 2
