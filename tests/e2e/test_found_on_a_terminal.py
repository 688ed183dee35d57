"""Without any configuration: a container is on the first screen, and three keys restart it."""

import sys
from pathlib import Path

import pytest

from opsconsole.demo.docker_engine import Engine
from tests.patience import until
from tools.terminal import Terminal

pytestmark = pytest.mark.terminal

SIZE = (160, 40)
PROGRAM = (sys.executable, "-m", "opsconsole")


def started(engine: Engine, name: str) -> str:
    found: str = engine.client().containers.get(name).attrs["State"]["StartedAt"]
    return found


def test_a_container_is_restarted_in_three_keys(
    docker_sandbox: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    name = f"lone-{docker_sandbox.owner}"
    docker_sandbox.run(name)
    before = started(docker_sandbox, name)
    environment = {"HOME": str(tmp_path), "DOCKER_HOST": docker_sandbox.url}
    with Terminal(PROGRAM, size=SIZE, environment=environment) as terminal:
        terminal.until(lambda text: f" {name} ─" in text)
        terminal.read(0.5)
        terminal.press("R")
        terminal.until("▸Cancel")
        terminal.read(0.8)
        terminal.press("\t")
        terminal.read(0.5)
        terminal.press(" ")
        until(lambda: started(docker_sandbox, name) != before)
        terminal.until("verified")
        terminal.press("\x03")
        terminal.read(0.3)
        terminal.press("\x03")
        assert terminal.wait(15)[0] == 0
