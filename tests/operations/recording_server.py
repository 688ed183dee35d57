"""A real HTTP service that records every request, and can misbehave while it acts."""

import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast
from urllib.parse import urlsplit


@dataclass
class Request:
    """One request as it came."""

    method: str
    path: str
    query: str
    body: str
    at: float
    authorization: str = ""


@dataclass
class Behaviour:
    """What the service does. ``answer``: normal, hang, close, error, refuse or slow."""

    healthy: bool = True
    answer: str = "normal"
    acts: bool = True
    says_uptime: bool = True
    degraded: bool = False
    slow: float = 0.3
    heals: bool = True
    gate: threading.Event | None = None


@dataclass
class RecordingServer:
    """``/health`` tells state and uptime; any POST is an action that starts it again.

    ``heals_by`` is the path that makes it healthy whatever its behaviour says.
    """

    behaviour: Behaviour = field(default_factory=Behaviour)
    requests: list[Request] = field(default_factory=list)
    started_at: float = field(default_factory=lambda: time.time() - 1000)
    heals_by: str = ""
    address: str = "127.0.0.1"

    def __post_init__(self) -> None:
        self._server = _Server((self.address, 0), _Handler)
        self._server.owner = self
        self._released = threading.Event()
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{self.address}:{self._server.server_address[1]}"

    @property
    def changes(self) -> list[Request]:
        """Every request that is not a look."""
        return [request for request in self.requests if request.method not in {"GET", "HEAD"}]

    def act(self, path: str) -> None:
        """What a POST does to the service."""
        if path.endswith("degrade"):
            self.behaviour.degraded = True
        elif path.endswith("recover"):
            self.behaviour.degraded = False
        else:
            self.started_at = time.time()
            if self.behaviour.heals or path == self.heals_by:
                self.behaviour.healthy = True

    def wait_released(self) -> None:
        """Hold an answer back until the server stops."""
        self._released.wait(60)

    def stop(self) -> None:
        """Stop listening; hung answers end."""
        self._released.set()
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    owner: RecordingServer

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Nothing is printed."""

    def do_GET(self) -> None:
        owner = self._record("GET")
        behaviour = owner.behaviour
        state = "ok" if behaviour.healthy else "down"
        document: dict[str, object] = {"status": state, "degraded": behaviour.degraded}
        if behaviour.says_uptime:
            document["uptime_seconds"] = time.time() - owner.started_at
        self._answer(200 if behaviour.healthy else 503, document)

    def do_POST(self) -> None:
        owner = self._record("POST")
        behaviour = owner.behaviour
        if behaviour.gate is not None:
            behaviour.gate.wait(60)
        if behaviour.answer == "refuse":
            self._answer(409, {"error": "not now"})
            return
        if behaviour.acts:
            owner.act(urlsplit(self.path).path)
        if behaviour.answer == "hang":
            owner.wait_released()
        if behaviour.answer == "slow":
            time.sleep(behaviour.slow)
        if behaviour.answer in {"hang", "close"}:
            self.close_connection = True
            return
        self._answer(500 if behaviour.answer == "error" else 200, {"done": True})

    def _record(self, method: str) -> RecordingServer:
        owner = cast(_Server, self.server).owner
        length = int(self.headers.get("content-length", "0"))
        body = self.rfile.read(length).decode()
        parts = urlsplit(self.path)
        authorization = self.headers.get("authorization", "")
        owner.requests.append(
            Request(method, parts.path, parts.query, body, time.time(), authorization)
        )
        return owner

    def _answer(self, status: int, document: dict[str, object]) -> None:
        raw = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)
