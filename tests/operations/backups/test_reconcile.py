"""What a driver finds out by looking, when nobody can say whether the call took effect."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from opsconsole.config.settings import Settings
from opsconsole.machines.machines import Machines
from opsconsole.model.operation import ActionKind, ActionRequest
from opsconsole.model.state import State
from opsconsole.operations.backups import restorer, switch
from opsconsole.operations.drivers import registry
from opsconsole.operations.driving.driver import DriverContext, Outcome
from opsconsole.threads import BoundedExecutor
from tests.operations.backups.trees import picture


class KilledError(BaseException):
    """Stands for SIGKILL: nothing may tidy up after it."""


class Service:
    """A service whose two paths are backed up."""

    def __init__(self, folder: Path, threads: BoundedExecutor) -> None:
        self.folder = folder
        self.threads = threads
        self.paths = [folder / "one", folder / "two"]
        for path in self.paths:
            path.write_bytes(b"good")
        actions = {
            "backup": {"files": [str(path) for path in self.paths]},
            "restore": {"backup": "latest"},
        }
        self.settings = Settings.model_validate(
            {
                "docker": [],
                "operations": {"backups": str(folder / "backups")},
                "services": {"reports": {"actions": actions}},
            }
        )

    def driver(self, kind: ActionKind) -> Any:
        actions = self.settings.services["reports"].actions
        action = actions.backup if kind is ActionKind.BACKUP else actions.restore
        assert action is not None
        return registry.make(
            DriverContext(
                "reports", kind, action, self.settings, self.folder, Machines(),
                self.threads, ActionRequest("reports", kind),
            )
        )  # fmt: skip

    def contents(self) -> list[bytes]:
        return [path.read_bytes() for path in self.paths]


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    threads = BoundedExecutor("test", 2)
    yield Service(tmp_path, threads)
    threads.close()


async def test_a_backup_that_was_made_and_one_that_was_not(service: Service) -> None:
    driver = service.driver(ActionKind.BACKUP)
    (step,) = driver.steps(await driver.observe())
    before = await driver.before(step)
    later = service.driver(ActionKind.BACKUP)
    not_yet = await later.reconcile(step, before)
    assert not_yet.outcome is Outcome.FAILED
    assert f"there is no backup {before['id']}" in not_yet.detail
    assert (await driver.execute(step)).outcome is Outcome.DONE
    assert (await later.reconcile(step, before)).outcome is Outcome.DONE
    assert [sight.state for sight in await later.look((step,), 0)] == [State.OK]


@pytest.mark.parametrize("switches", [0, 1, 2])
async def test_a_restore_that_was_cut_off(
    service: Service, monkeypatch: pytest.MonkeyPatch, switches: int
) -> None:
    maker = service.driver(ActionKind.BACKUP)
    (step,) = maker.steps(await maker.observe())
    await maker.before(step)
    assert (await maker.execute(step)).outcome is Outcome.DONE
    for path in service.paths:
        path.write_bytes(b"broken")
    driver = service.driver(ActionKind.RESTORE)
    (step,) = driver.steps(await driver.observe())
    before = await driver.before(step)
    left = switches
    real = switch.switch

    def dies(*arguments: Any) -> None:
        nonlocal left
        if left == 0:
            raise KilledError
        left -= 1
        real(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(switch, "switch", dies)
        patch.setattr(restorer, "_give_up", lambda *arguments: None)
        if switches == 2:
            patch.setattr(restorer, "complete", dies)
        with pytest.raises(KilledError):
            await driver.execute(step)
    seen = picture(service.folder)
    later = service.driver(ActionKind.RESTORE)
    found = await later.reconcile(step, before)
    assert picture(service.folder) == seen
    assert found.outcome is (Outcome.DONE if switches == 2 else Outcome.FAILED)
    assert ("cut off" in found.detail) == (switches < 2)
    ended = await later.conclude((step,), "failed")
    assert "undone" in ended.detail if switches < 2 else "completed" in ended.detail
    assert service.contents() == [b"good" if switches == 2 else b"broken"] * 2
    assert not list(service.folder.glob("*.restore-*"))
    assert (await later.conclude((step,), "failed")).detail == ""


async def test_a_restored_file_that_vanishes_is_down(service: Service) -> None:
    maker = service.driver(ActionKind.BACKUP)
    (step,) = maker.steps(await maker.observe())
    await maker.execute(step)
    driver = service.driver(ActionKind.RESTORE)
    (step,) = driver.steps(await driver.observe())
    await driver.before(step)
    assert (await driver.execute(step)).outcome is Outcome.DONE
    service.paths[0].unlink()
    written = service.folder / "written by the service"
    written.touch()
    written.replace(service.paths[1])
    first, second = await driver.look((step,), 0)
    assert (first.state, first.detail) == (State.DOWN, "it is gone")
    assert (second.state, second.detail) == (State.OK, "restored, and rewritten since")
