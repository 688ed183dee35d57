"""A small service to look at and to change, and a configuration that names it."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest


class Shop(ThreadingHTTPServer):
    """Answers GET with ``body`` and its uptime; any other is counted and starts it again."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), ShopAnswers)
        self.code = 200
        self.body: dict[str, Any] = {"status": "healthy", "version": "1.2.3"}
        self.changes: list[str] = []
        self.started_at = time.monotonic() - 1000

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"

    def lose_database(self) -> None:
        """Be down, and say why."""
        self.code = 503
        self.body = {
            "status": "unhealthy",
            "checks": {
                "app": {"status": "ok"},
                "database": {"status": "error", "message": "connection refused"},
            },
        }


class ShopAnswers(BaseHTTPRequestHandler):
    """One request of the shop's."""

    server: Shop

    def do_GET(self) -> None:
        uptime = round(time.monotonic() - self.server.started_at, 3)
        self._answer(self.server.code, {**self.server.body, "uptime_seconds": uptime})

    def do_POST(self) -> None:
        self.server.changes.append(self.path)
        self.server.started_at = time.monotonic()
        self.server.code, self.server.body = 200, {"status": "healthy"}
        self._answer(200, {"done": True})

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Say nothing."""

    def _answer(self, code: int, body: dict[str, Any]) -> None:
        raw = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)


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


Configure = Callable[..., Path]


@pytest.fixture
def configure(shop: Shop, tmp_path: Path) -> Configure:
    """Write a configuration of the shop with more keys at the root or in the service."""

    def write(service: dict[str, Any] | None = None, **root: Any) -> Path:
        settings: dict[str, Any] = {
            "docker": {"enabled": False},
            "state_dir": str(tmp_path / "state"),
            "services": {"shop": {"instances": [shop.url], **(service or {})}},
            **root,
        }
        path = tmp_path / "opsconsole.yaml"
        path.write_text(json.dumps(settings, indent=1))
        path.chmod(0o600)
        return path

    return write
