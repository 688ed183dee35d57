"""The wall as a room sees it: the real program, real services, and a hand on the keyboard."""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from opsconsole.render.wall.big_digits import drawn
from tools.terminal import Terminal

pytestmark = pytest.mark.terminal

CONFIG = """\
environment: {{name: production, danger: high}}
docker: {{enabled: false}}
defaults: {{interval: 200ms, timeout: 1s}}
wall: {{enabled: {enabled}, rotate: 1s, views: [overview, timeline]}}
services:
  web:
    instances: http://127.0.0.1:{port}
    health: /health
  elsewhere:
    instances: http://127.0.0.1:{port}
    health: /health
"""


class Healthy(BaseHTTPRequestHandler):
    """Always well."""

    def do_GET(self) -> None:
        body = json.dumps({"status": "healthy"}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class Service:
    """A server that ends and comes back at the same port."""

    def __init__(self) -> None:
        self.port = 0
        self.start()

    def start(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Healthy)
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    yield made
    made.stop()


@contextmanager
def wall(
    folder: Path, port: int, *options: str, enabled: bool = False, **environment: str
) -> Iterator[Terminal]:
    """The wall on a terminal of its own."""
    config = folder / "opsconsole.yaml"
    config.write_text(CONFIG.format(port=port, enabled=str(enabled).lower()))
    config.chmod(0o600)
    argv = [sys.executable, "-m", "opsconsole", "--config", str(config), *options]
    with Terminal(argv, size=(120, 40), environment={"HOME": str(folder), **environment}) as opened:
        yield opened


def in_sight(name: str) -> Callable[[str], bool]:
    """Whether a name stands there in big letters."""
    return lambda text: drawn(name, 1)[1].rstrip() in text


def rotates(terminal: Terminal) -> None:
    """Both views come, one after the other."""
    terminal.until(in_sight("elsewhere"))
    terminal.until(lambda text: not in_sight("elsewhere")(text))
    terminal.until(in_sight("elsewhere"))
    terminal.until("overview  timeline")


def test_a_service_that_dies_and_comes_back_is_seen_by_a_wall_that_stays(
    tmp_path: Path, service: Service
) -> None:
    with wall(tmp_path, service.port, "--wall") as terminal:
        terminal.until("● OK")
        rotates(terminal)
        service.stop()
        terminal.until("the rotation waits")
        terminal.until("connection refused")
        for key in ("x", "R", "\r", "\x1b", "?", "\x10", "q"):
            terminal.press(key)
        terminal.until("this wall is locked")
        assert "connection refused" in terminal.text
        service.start()
        terminal.until("down → ok")
        rotates(terminal)
        terminal.press(":q\r")
        assert terminal.wait(10)[0] == 0
        assert terminal.modes_now == terminal.modes


def test_a_configuration_asks_for_a_wall_that_reads_only(tmp_path: Path, service: Service) -> None:
    with wall(tmp_path, service.port, enabled=True, LANG="C", LC_ALL="C") as terminal:
        terminal.until("o OK")
        assert "#####" in terminal.text
        assert terminal.text.isascii()
        terminal.process.send_signal(signal.SIGTERM)
        assert terminal.wait(10)[0] == 128 + signal.SIGTERM
        assert terminal.modes_now == terminal.modes


def test_without_a_terminal_a_wall_says_so_and_ends(tmp_path: Path, service: Service) -> None:
    config = tmp_path / "opsconsole.yaml"
    config.write_text(CONFIG.format(port=service.port, enabled="true"))
    config.chmod(0o600)
    argv = [sys.executable, "-m", "opsconsole", "--config", str(config)]
    run = subprocess.run(
        argv, check=False, stdin=subprocess.DEVNULL, capture_output=True, timeout=20
    )
    assert run.returncode == 64
    assert b"no terminal here" in run.stderr
