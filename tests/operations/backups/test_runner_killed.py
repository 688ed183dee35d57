"""The runner of a backup or a restore is killed: the next one ends it by looking, and tidies up."""

import os
import random
from pathlib import Path

import pytest

from opsconsole.model.operation import ActionKind, ActionRequest, Operation, OperationState
from opsconsole.operations.backups.catalogue import verified
from opsconsole.operations.backups.store import Store
from tests.operations.backups.trees import picture
from tests.operations.place import Place, ended, performed, planned

CONFIG = """
docker: []
operations: {cooldown: 0.001ms, backups: backups}
services:
  reports:
    actions:
      backup: {files: [data], min_healthy: 50ms}
      restore: {backup: latest, min_healthy: 50ms}
"""
KILLS = max(4, int(os.environ.get("OPSCONSOLE_TEST_KILLS", "32")) // 8)
CHANCE = random.Random(8)
MOMENTS = [round(CHANCE.uniform(0.2, 1.0), 3) for _ in range(KILLS)]
SABOTAGE = str(Path(__file__).parents[1] / "sabotage")


@pytest.fixture
def data(place: Place) -> Path:
    """A folder of 300 files beside the configuration."""
    place.write(CONFIG)
    data = place.config.parent / "data"
    data.mkdir()
    for number in range(300):
        (data / str(number)).write_bytes(b"%d" % number * 2000)
    return data


async def killed(
    place: Place, kind: ActionKind, monkeypatch: pytest.MonkeyPatch, moment: float
) -> Operation:
    operator = place.operator()
    plan = await planned(operator, ActionRequest("reports", kind, reason="a test"))
    with monkeypatch.context() as patch:
        patch.setenv("PYTHONPATH", SABOTAGE)
        patch.setenv("KILL_AFTER", str(moment))
        started = await performed(operator, plan)
        await place.until_its_runner_is_gone(started.id)
    await place.operator().reconcile()
    return await ended(operator, started.id)


@pytest.mark.parametrize("moment", MOMENTS)
async def test_killed(
    place: Place, data: Path, monkeypatch: pytest.MonkeyPatch, moment: float
) -> None:
    store = Store(place.config.parent / "backups" / "reports")
    operator = place.operator()
    plan = await planned(operator, ActionRequest("reports", ActionKind.BACKUP, reason="first"))
    first = await ended(operator, (await performed(operator, plan)).id)
    assert first.state is OperationState.VERIFIED, first
    made = await killed(place, ActionKind.BACKUP, monkeypatch, moment)
    listed = verified(store)
    assert all(each.whole and each.files == 300 for each in listed)
    assert store.leftovers() == ()
    assert made.state is not OperationState.VERIFIED or len(listed) == 2
    backed_up = picture(data)
    (data / "0").write_bytes(b"broken")
    broken = picture(data)
    restored = await killed(place, ActionKind.RESTORE, monkeypatch, moment)
    assert restored.state.final
    assert picture(data) in (broken, backed_up)
    assert restored.state is not OperationState.VERIFIED or picture(data) == backed_up
    assert not list(data.parent.glob("data.restore-*"))
