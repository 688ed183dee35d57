"""A real Podman without any configuration: found, shown, restarted, in a first file."""

import asyncio
from pathlib import Path

import pytest

from opsconsole.cli.main import main
from opsconsole.clock import SystemClock
from opsconsole.config import usual_engines
from opsconsole.config.loader import default_settings, load
from opsconsole.demo.docker_engine import Engine
from opsconsole.engine.engine import Engine as Console
from opsconsole.model.operation import ActionKind, ActionRequest, OperationState
from opsconsole.model.state import State
from opsconsole.operations.operator import Operator
from opsconsole.operations.state_place import FolderPlace
from tests.operations.place import ended, performed, planned
from tests.servers.podman import Podman


@pytest.fixture(autouse=True)
def alone(podman: Podman, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its socket is where a user's own is; there is no Docker."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(podman.run_folder))
    monkeypatch.setattr(usual_engines, "_DOCKER", tmp_path / "docker.sock")


async def test_it_is_found_shown_restarted_and_written(
    podman: Podman, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = {"com.docker.compose.project": "shop", "com.docker.compose.service": "web"}
    made = podman.run("shop-web-1", labels=labels, network="host")
    podman.run("ended", command=["sh", "-c", "exit 3"], network="host")
    settings = default_settings()
    assert [each.name for each in settings.docker] == ["podman"]
    seen = await asyncio.to_thread(Console(settings, base=tmp_path).look_once)
    states = {each.name: (each.state, each.places) for each in seen.services}
    assert states["shop-web"] == (State.OK, ("podman",))
    assert states["ended"][0] is State.DOWN
    operator = Operator(
        settings,
        base=tmp_path,
        clock=SystemClock(),
        read_only=False,
        state=FolderPlace(tmp_path / "state"),
    )
    before = started(podman, "shop-web-1")
    plan = await planned(operator, ActionRequest("shop-web", ActionKind.RESTART))
    assert [step.target for step in plan.steps] == [made.id]
    operation = await ended(operator, (await performed(operator, plan)).id)
    operator.close()
    assert operation.state is OperationState.VERIFIED, operation
    assert started(podman, "shop-web-1") != before
    await asyncio.to_thread(main, ["init"])
    assert "shop-web" in capsys.readouterr().out
    written = load(tmp_path / "opsconsole.yaml")
    assert [(each.name, each.host) for each in written.docker] == [("podman", podman.url)]
    assert written.services["shop-web"].containers == ("shop/web",)


def started(engine: Engine, name: str) -> str:
    found: str = engine.client().containers.get(name).attrs["State"]["StartedAt"]
    return found
