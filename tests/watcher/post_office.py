"""A webhook, and a mail server, that remember what they were sent."""

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Post:
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """Its body, read."""
        return json.loads(self.body)


class Hook(ThreadingHTTPServer):
    """Answers every request with ``code``, and keeps it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Hooked)
        self.code = 200
        self.said = b"thank you"
        self.posts: list[Post] = []

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"


class _Hooked(BaseHTTPRequestHandler):
    server: Hook

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.posts.append(Post(self.command, self.path, headers, body))
        self.send_response(self.server.code)
        self.send_header("Content-Length", str(len(self.server.said)))
        self.end_headers()
        self.wfile.write(self.server.said)

    do_PUT = do_POST  # noqa: N815 - the base's way to name them

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Say nothing."""


@dataclass
class MailServer:
    """Takes mail, but for ``refused`` addresses; ``silent``: it says nothing at all."""

    refused: tuple[str, ...] = ()
    silent: bool = False
    mails: list[tuple[list[str], str]] = field(default_factory=list)
    port: int = 0


class _Mailed(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        office: MailServer = self.server.office  # type: ignore[attr-defined]
        if office.silent:
            self.rfile.readline()
            return
        self._say("220 post.test")
        to: list[str] = []
        while line := self.rfile.readline().decode().strip():
            verb = line.upper()
            if verb.startswith("DATA"):
                self._say("354 go on")
                lines = iter(lambda: self.rfile.readline().decode(), ".\r\n")
                office.mails.append((to, "".join(lines)))
                to = []
                self._say("250 kept")
            elif verb.startswith("RCPT"):
                address = line.partition("<")[2].partition(">")[0]
                taken = address not in office.refused
                to += [address] if taken else []
                self._say("250 yes" if taken else "550 nobody of that name")
            elif verb.startswith("QUIT"):
                self._say("221 bye")
                return
            else:
                self._say("250 post.test")

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


@contextmanager
def hook() -> Iterator[Hook]:
    """A webhook that is there for a while."""
    with Hook() as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()


@contextmanager
def mail_server(**more: Any) -> Iterator[MailServer]:
    """A mail server that is there for a while."""
    office = MailServer(**more)
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Mailed) as server:
        server.daemon_threads = True
        server.office = office  # type: ignore[attr-defined]
        office.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield office
        server.shutdown()
