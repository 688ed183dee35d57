"""Several services chosen on a terminal: confirmed once, carried out though the console ends."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from opsconsole.config.loader import load
from opsconsole.model.operation import Operation, OperationState
from opsconsole.operations.state_place import place_from
from tests.operations.place import end_waiting
from tests.operations.recording_server import RecordingServer
from tests.patience import until
from tools.terminal import Terminal

pytestmark = pytest.mark.terminal

NAMES = ("api", "cache", "db")
PROGRAM = (sys.executable, "-m", "opsconsole")
ONE = """
  {name}:
    instances: [{url}]
    health: /health
    interval: 1s
    actions:
      restart: {{http: {{post: /restart, timeout: 5s}}, min_healthy: 300ms, deadline: 30s}}
"""


@pytest.fixture
def servers() -> Iterator[dict[str, RecordingServer]]:
    made = {name: RecordingServer() for name in NAMES}
    yield made
    for server in made.values():
        server.stop()


@pytest.fixture
def config(servers: dict[str, RecordingServer], tmp_path: Path) -> Iterator[Path]:
    """Three services where everything is confirmed with care, and one that cannot be restarted."""
    services = "".join(ONE.format(name=name, url=each.url) for name, each in servers.items())
    path, state = tmp_path / "opsconsole.yaml", tmp_path / "state"
    path.write_text(f"""
docker: []
state_dir: {state}
environment: {{name: production, danger: high}}
operations: {{cooldown: 1ms}}
services:
{services}
  worker: {{instances: ["{servers["db"].url}"], health: /health, interval: 1s}}
""")
    path.chmod(0o600)
    yield path
    end_waiting(state)


def journalled(config: Path) -> tuple[Operation, ...]:
    """What the journal has, oldest first."""
    journal = place_from(load(config)).journal()
    try:
        return journal.operations()[::-1]
    finally:
        journal.close()


def test_a_group_outlives_its_console(
    config: Path, servers: dict[str, RecordingServer], tmp_path: Path
) -> None:
    servers["api"].behaviour.answer = "slow"
    argv = [*PROGRAM, "--config", str(config)]
    with Terminal(argv, size=(120, 40), environment={"HOME": str(tmp_path)}) as terminal:
        terminal.until("4 ok")
        for count in range(1, 5):
            terminal.press(" ")
            terminal.until(f"{count} chosen")
        terminal.press("R")
        terminal.until("restart 3 services, 3 copies, one after the other")
        assert "3 of 4 can: worker: restart is not declared for worker" in terminal.text
        assert "number missing" in terminal.text
        terminal.read(0.8)
        terminal.press("3\rweekly patches\r")
        terminal.until(lambda text: "number missing" not in text and "reason missing" not in text)
        assert not journalled(config), "enter starts nothing"
        terminal.press(" ")
        terminal.until("2. cache  waits for its turn")
        terminal.press("\x1b")
        terminal.until(lambda text: "waits for its turn" not in text)
        terminal.press("\x03")
        terminal.read(0.3)
        terminal.press("\x03")
        assert terminal.wait(15)[0] == 0

    def over() -> bool:
        runs = journalled(config)
        return len(runs) == len(NAMES) and all(run.state.final for run in runs)

    until(over, moves=lambda: journalled(config), every=0.2)
    runs = journalled(config)
    assert [run.service for run in runs] == list(NAMES)
    assert {run.state for run in runs} == {OperationState.VERIFIED}, runs
    assert {run.reason for run in runs} == {"weekly patches"}
    assert [len(servers[name].changes) for name in NAMES] == [1, 1, 1], "each once"

    with Terminal(argv, size=(120, 40), environment={"HOME": str(tmp_path)}) as terminal:
        terminal.until("you were not connected")
        terminal.press("u")
        terminal.until("Operations")
        terminal.press("\r")
        terminal.until(lambda text: bool(re.search(r"group +3 of 3 of group [0-9a-f]{16}", text)))
