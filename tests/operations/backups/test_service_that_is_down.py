"""Backup and restore beside a service: what its health decides, and what it does not."""

from pathlib import Path

import pytest

from opsconsole.model.operation import ActionKind, ActionRequest, OperationState
from tests.operations.backups.test_files_operation import do, ids, refusal_of
from tests.operations.place import Place, planned

_NOBODY = "http://127.0.0.1:9"

CONFIG = f"""
docker: []
operations: {{cooldown: 0.001ms, backups: backups}}
services:
  reports:
    instances: ["{_NOBODY}"]
    health: /health
    timeout: 200ms
    actions:
      backup:
        files: [data]
        min_healthy: 60s
        deadline: 90s
"""
FOLLOW = "        restore: {command: [touch, reloaded], min_healthy: 0.1s, deadline: 1s}\n"


@pytest.fixture
def data(place: Place) -> Path:
    """A service that is down, with data to back up and no restore declared."""
    place.write(CONFIG)
    data = place.config.parent / "data"
    data.mkdir()
    (data / "model").write_bytes(b"good model")
    return data


async def test_a_backup_of_it_is_verified_by_its_bytes_alone(place: Place, data: Path) -> None:
    operator = place.operator()
    plan = await planned(operator, ActionRequest("reports", ActionKind.BACKUP))
    assert plan.verification == ("the backup is read back and every byte compared",)
    made = await do(operator, "backup")
    assert made.state is OperationState.VERIFIED, made
    assert "every byte compared" in made.summary


async def test_what_is_backed_up_can_be_restored_though_no_restore_is_declared(
    place: Place, data: Path
) -> None:
    place.write(CONFIG + FOLLOW)
    operator = place.operator()
    await do(operator, "backup")
    (data / "model").write_bytes(b"broken model")
    plan = await planned(operator, ActionRequest("reports", ActionKind.RESTORE))
    assert [step.driver for step in plan.steps] == ["files", "command"]
    assert ids(place)[0].removeprefix("backup-") in plan.steps[0].summary
    assert plan.verification[0] == "every restored path is in place"
    assert plan.verification[1].startswith("1 copy healthy for 0.1 s within 1 s")
    back = await do(operator, "restore")
    assert (data / "model").read_bytes() == b"good model"
    assert (data.parent / "reloaded").exists()
    assert back.state is not OperationState.VERIFIED, "the service is still down"


async def test_only_backups_that_are_kept_here_can_be_restored_unasked(place: Place) -> None:
    place.write(CONFIG.replace("files: [data]", "command: ['true']"))
    operator = place.operator()
    assert (await refusal_of(operator, "restore")).code == "not-declared"
    plan = await planned(operator, ActionRequest("reports", ActionKind.BACKUP))
    assert "cannot see what was copied" in plan.verification[0]
