"""A real Docker volume, backed up and put back by a real engine; no container is run for it."""

import asyncio
import io
import os
import signal
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from opsconsole.config.actions import Action, BackupAction
from opsconsole.config.settings import Settings
from opsconsole.demo.docker_engine import LABEL, Engine
from opsconsole.machines.machines import Machines
from opsconsole.model.operation import ActionKind, ActionRequest
from opsconsole.model.state import State
from opsconsole.operations.backups.catalogue import backups
from opsconsole.operations.backups.places import store_of
from opsconsole.operations.drivers import registry
from opsconsole.operations.drivers.docker.archive import HELPER_LABEL
from opsconsole.operations.drivers.docker.stopped_containers import notes
from opsconsole.operations.driving.driver import DriverContext, ObserveError, Outcome, StepOutcome
from opsconsole.threads import BoundedExecutor

if TYPE_CHECKING:
    from docker.models.containers import Container

SERVE = ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1 & wait $!; done"]
FILL = """
set -e; cd /data; mkdir -p sub/empty; echo model > sub/model; : > nothing; chmod 640 sub/model
ln sub/model sub/same; ln -s sub/model link; ln -s /etc/passwd absolute
chown 1234:2345 sub/model; chmod 2750 sub; mkfifo pipe; dd if=/dev/zero of=big bs=1M count=3
"""

DIES = """
import os, signal, sys
from pathlib import Path
from opsconsole.config.actions import VolumeTarget
from opsconsole.config.settings import Docker
from opsconsole.operations.backups.store import Store
from opsconsole.operations.drivers.docker.archive import with_engine
from opsconsole.operations.drivers.docker.stopped_containers import stopped
url, volume, folder = sys.argv[1:]
def die(engine):
    target = VolumeTarget(volume=volume, stop=True)
    with stopped(engine, target, Store(Path(folder)), "20260101T000000Z-000000"):
        os.kill(os.getpid(), signal.SIGKILL)
with_engine(Docker(host=url), die)
"""


class Volume:
    """A volume of the test's engine and a service that backs it up."""

    def __init__(self, engine: Engine, folder: Path, threads: BoundedExecutor) -> None:
        self.engine = engine
        self.folder = folder
        self.threads = threads
        self.name = f"volume-{engine.owner}-{folder.name[-12:]}".replace("_", "-")
        engine.client().volumes.create(self.name, labels={LABEL: engine.owner})

    def run(self, script: str) -> None:
        """Run a shell script that sees the volume at /data."""
        self.engine.client().containers.run(
            self.engine.image(), ["sh", "-c", script], remove=True,
            volumes={self.name: {"bind": "/data", "mode": "rw"}},
            labels={LABEL: self.engine.owner},
        )  # fmt: skip

    def mounted(self, name: str) -> "Container":
        """Start a container that mounts the volume at /srv/data."""
        container = self.engine.client().containers.run(
            self.engine.image(), SERVE, name=f"{name}-{self.engine.owner}", detach=True,
            volumes={self.name: {"bind": "/srv/data", "mode": "rw"}},
            labels={LABEL: self.engine.owner},
        )  # fmt: skip
        container.reload()
        return container

    def settings(self, target: dict[str, Any]) -> Settings:
        return Settings.model_validate(
            {
                "docker": {"host": self.engine.url},
                "operations": {"backups": str(self.folder / "backups")},
                "services": {
                    "ml": {
                        "actions": {
                            "backup": {"volume": target, "keep": 3},
                            "restore": {"backup": "latest"},
                        }
                    }
                },
            }
        )

    def driver(self, kind: ActionKind, settings: Settings, action: Action) -> Any:
        """The driver as the runner makes it."""
        request = ActionRequest("ml", kind)
        context = DriverContext(
            "ml", kind, action, settings, self.folder, Machines(), self.threads, request
        )
        return registry.make(context)

    async def do(self, kind: ActionKind, **target: Any) -> StepOutcome:
        """Plan, carry out and look, as the runner does."""
        settings = self.settings(target or {"volume": self.name})
        actions = settings.services["ml"].actions
        action = actions.backup if kind is ActionKind.BACKUP else actions.restore
        assert action is not None
        driver = self.driver(kind, settings, action)
        steps = driver.steps(await driver.observe())
        before = await driver.before(steps[0])
        outcome: StepOutcome = await driver.execute(steps[0])
        if outcome.outcome is Outcome.DONE:
            sights = await driver.look(steps, 0)
            assert [sight.state for sight in sights] == [State.OK], sights
            found = await self.driver(kind, settings, action).reconcile(steps[0], before)
            assert found.outcome is Outcome.DONE or "no container mounts" in found.detail
        await driver.close()
        return outcome

    def picture(self) -> dict[str, tuple[object, ...]]:
        """Everything in the volume, as the engine's own archive has it."""
        client = self.engine.client()
        container = client.containers.create(
            self.engine.image(), volumes={self.name: {"bind": "/data", "mode": "ro"}},
            labels={LABEL: self.engine.owner},
        )  # fmt: skip
        raw = b"".join(container.get_archive("/data")[0])
        container.remove()
        with tarfile.open(fileobj=io.BytesIO(raw)) as archive:
            return {
                info.name: (
                    info.type, info.mode, info.uid, info.gid, info.mtime, info.linkname,
                    archive.extractfile(info).read() if info.isreg() else b"",  # type: ignore[union-attr]
                )
                for info in archive
                if not info.isfifo()
            }  # fmt: skip

    def remove(self) -> None:
        self.engine.remove_containers()
        self.engine.client().volumes.get(self.name).remove(force=True)


@pytest.fixture
def volume(docker_sandbox: Engine, tmp_path: Path) -> Iterator[Volume]:
    threads = BoundedExecutor("test", 2)
    made = Volume(docker_sandbox, tmp_path, threads)
    yield made
    made.remove()
    threads.close()


def helpers(engine: Engine) -> list[object]:
    return list(engine.client().api.containers(all=True, filters={"label": HELPER_LABEL}))


async def test_a_volume_that_no_container_mounts(volume: Volume) -> None:
    volume.run(FILL)
    before = volume.picture()
    made = await volume.do(ActionKind.BACKUP)
    assert made.outcome is Outcome.DONE, made
    assert any("left out, fifo" in line for line in made.evidence)
    volume.run("rm -rf /data/sub /data/link; echo broken > /data/link; rm /data/big; : > /data/new")
    back = await volume.do(ActionKind.RESTORE)
    assert back.outcome is Outcome.DONE, back
    assert any("the backup does not have stay: new" in line for line in back.evidence)
    volume.run("rm /data/new; touch -d @1700000000 /data")
    after = volume.picture()
    assert {**after, "data": None} == {**before, "data": None}
    assert helpers(volume.engine) == []


async def test_a_running_container_is_stopped_only_when_declared(volume: Volume) -> None:
    volume.run(FILL)
    container = volume.mounted("ml")
    started = container.attrs["State"]["StartedAt"]
    made = await volume.do(ActionKind.BACKUP)
    assert any("ran while it was copied" in line for line in made.evidence)
    container.reload()
    assert container.attrs["State"]["StartedAt"] == started
    made = await volume.do(ActionKind.BACKUP, volume=volume.name, stop=True)
    assert made.outcome is Outcome.DONE, made
    assert not any("ran while" in line for line in made.evidence)
    back = await volume.do(ActionKind.RESTORE, volume=volume.name, stop=True)
    assert back.outcome is Outcome.DONE, back
    container.reload()
    assert container.status == "running"
    assert container.attrs["State"]["StartedAt"] != started


async def test_a_path_inside_a_container(volume: Volume) -> None:
    container = volume.mounted("inner")
    target = {"container": container.name, "path": "/srv/data/config"}
    assert container.exec_run(["sh", "-c", "echo one > /srv/data/config"]).exit_code == 0
    assert (await volume.do(ActionKind.BACKUP, **target)).outcome is Outcome.DONE
    container.exec_run(["sh", "-c", "echo two > /srv/data/config"])
    back = await volume.do(ActionKind.RESTORE, **target)
    assert back.outcome is Outcome.DONE, back
    assert container.exec_run(["cat", "/srv/data/config"]).output == b"one\n"
    container.exec_run(["ln", "-s", "/etc", "/srv/data/link"])
    linked = await volume.do(ActionKind.BACKUP, container=container.name, path="/srv/data/link")
    assert linked.outcome is Outcome.FAILED
    assert "link is a symlink to /etc; declare what it points to" in linked.detail


async def test_a_helper_that_was_left_is_removed(volume: Volume) -> None:
    volume.engine.client().containers.create(
        volume.engine.image(), labels={LABEL: volume.engine.owner, HELPER_LABEL: volume.name},
        volumes={volume.name: {"bind": "/elsewhere", "mode": "rw"}},
    )  # fmt: skip
    assert (await volume.do(ActionKind.BACKUP)).outcome is Outcome.DONE
    settings = volume.settings({"volume": volume.name})
    backup = settings.services["ml"].actions.backup
    assert backup is not None
    ended = await volume.driver(ActionKind.BACKUP, settings, backup).conclude((), "failed")
    assert ended.detail == "a helper container that was left has been removed"
    assert helpers(volume.engine) == []


async def test_what_is_not_there_is_refused(volume: Volume) -> None:
    with pytest.raises(ObserveError, match=r"there is no volume none-of-that"):
        await volume.do(ActionKind.BACKUP, volume="none-of-that")
    with pytest.raises(ObserveError, match=r"there is no container none-of-that"):
        await volume.do(ActionKind.BACKUP, container="none-of-that", path="/x")
    container = volume.mounted("missing")
    gone = await volume.do(ActionKind.BACKUP, container=container.name, path="/nothing/there")
    assert gone.outcome is Outcome.FAILED
    assert "Could not find the file /nothing/there" in gone.detail
    with pytest.raises(ObserveError, match="a whole container is not backed up"):
        await volume.do(ActionKind.BACKUP, container=container.name, path="/srv/..")
    assert backups(store_of(volume.settings({"volume": volume.name}), "ml", volume.folder)) == ()


async def test_a_container_that_a_dead_runner_stopped_is_started(volume: Volume) -> None:
    container = volume.mounted("left")
    settings = volume.settings({"volume": volume.name, "stop": True})
    backup = settings.services["ml"].actions.backup
    assert isinstance(backup, BackupAction)
    store = store_of(settings, "ml", volume.folder)
    argv = [sys.executable, "-c", DIES, volume.engine.url, volume.name, str(store.path)]
    died = await asyncio.create_subprocess_exec(*argv)
    assert await died.wait() == -signal.SIGKILL
    container.reload()
    assert container.status == "exited"
    assert len(notes(store)) == 1
    driver = volume.driver(ActionKind.BACKUP, settings, backup)
    ended = await driver.conclude((), "failed")
    assert ended.outcome is Outcome.DONE
    assert "has been started again" in ended.detail
    container.reload()
    assert container.status == "running"
    assert notes(store) == ()


@pytest.mark.parametrize("kind", ["volume", "path"])
async def test_a_backup_on_the_disk_of_its_volume_is_said(volume: Volume, kind: str) -> None:
    container = volume.mounted("beside")
    inside = {"container": container.name, "path": "/srv/data"}
    settings = volume.settings({"volume": volume.name} if kind == "volume" else inside)
    action = settings.services["ml"].actions.backup
    assert action is not None
    driver = volume.driver(ActionKind.BACKUP, settings, action)
    await driver.observe()
    root = str(volume.engine.client().info()["DockerRootDir"])
    same = os.stat(root).st_dev == os.stat(volume.folder).st_dev
    said = ("the backup is kept on the disk of what it is of: both are lost with it",)
    assert driver.warnings() == (said if same else ())
