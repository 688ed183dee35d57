"""A console that records goes red and green again; the red is seen afterwards, and not acted on."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Shop
from tests.operations.place import end_waiting
from tools.terminal import Terminal

pytestmark = pytest.mark.terminal

PROGRAM = (sys.executable, "-m", "opsconsole")


@pytest.fixture
def shop() -> Iterator[Shop]:
    """A healthy shop."""
    server = Shop()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def config(tmp_path: Path, shop: Shop) -> Iterator[Path]:
    """The shop, looked at often, with a restart that may be asked for."""
    service = {
        "instances": [shop.url],
        "interval": "300ms",
        "actions": {"restart": {"http": {"post": "/restart"}}},
    }
    settings = {
        "host": {"enabled": False},
        "docker": {"enabled": False},
        "state_dir": str(tmp_path / "state"),
        "services": {"shop": service},
    }
    path = tmp_path / "opsconsole.yaml"
    path.write_text(json.dumps(settings))
    path.chmod(0o600)
    yield path
    end_waiting(tmp_path / "state")


def told(config: Path) -> str:
    """What ``opsconsole timeline`` prints."""
    argv = [*PROGRAM, "timeline", "--config", str(config), "--service", "shop"]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


def header(terminal: Terminal) -> str:
    """The two lines at the top."""
    return "\n".join(terminal.lines[:2])


def to(terminal: Terminal, moment: float) -> None:
    """Go to ``moment`` by typing it."""
    terminal.press(f":at {time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(moment))}\r")


def leave(terminal: Terminal) -> None:
    """Leave by the usual way."""
    terminal.press(":q\r")
    assert terminal.wait(15)[0] == 0


def test_red_is_seen_again_and_nothing_is_changed_from_there(
    config: Path, shop: Shop, tmp_path: Path
) -> None:
    healthy = dict(shop.body)
    argv = [*PROGRAM, "--config", str(config)]
    home = {"HOME": str(tmp_path)}
    with Terminal(argv, size=(120, 40), environment=home) as terminal:
        terminal.until("1 ok")
        shop.lose_database()
        terminal.until("1 down")
        terminal.read(2.0)
        red = time.time() - 0.5
        shop.code, shop.body = 200, healthy
        terminal.until("1 ok")
        terminal.read(1.5)
        assert "ok → down" in told(config), "it is told while it is being recorded"

        to(terminal, red)
        terminal.until("REPLAY")
        terminal.until(lambda _: "1 down" in terminal.lines[0])
        terminal.until(lambda _: "now ● 1" in header(terminal))
        terminal.press("R")
        terminal.until("refused: this is")
        terminal.press("\r")
        terminal.until("connection refused")
        terminal.until(lambda _: "REPLAY" in header(terminal))
        terminal.press("\x1b")
        terminal.until("Timeline")
        terminal.until(lambda _: "REPLAY" in header(terminal))
        terminal.press("\x1b")
        terminal.until(lambda _: "1 ok" in header(terminal) and "REPLAY" not in header(terminal))
        assert shop.changes == []
        leave(terminal)

    with Terminal(argv, size=(120, 40), environment=home) as terminal:
        terminal.until("1 ok")
        terminal.until("down → ok")
        to(terminal, red)
        terminal.until(lambda _: "1 down" in terminal.lines[0])
        terminal.press("{{")
        terminal.until("nothing is recorded before")
        leave(terminal)
    assert shop.changes == []
