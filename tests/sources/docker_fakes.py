"""A Docker daemon that misbehaves on purpose, on a unix socket of its own."""

import contextlib
import json
import shutil
import socket
import ssl
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Answer = Callable[[socket.socket, str], None]

SAMPLES = Path(__file__).parent / "samples" / "docker"
STREAM = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
VERSION = {"Version": "20.10.24", "ApiVersion": "1.41"}


def sample(name: str) -> Any:
    """A JSON answer captured from Docker Engine 20.10.24."""
    return json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))


def reply(body: object, *, status: str = "200 OK") -> Answer:
    """Answer with JSON, or with bytes as they are."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()

    def send(peer: socket.socket, path: str) -> None:
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(raw)}\r\nConnection: close\r\n\r\n"
        peer.sendall(head.encode() + raw)

    return send


def never(peer: socket.socket, path: str) -> None:
    """Take the request and never answer."""
    peer.recv(1)


def silent(peer: socket.socket, path: str) -> None:
    """Begin a stream in which nothing comes."""
    peer.sendall(STREAM)
    peer.recv(1)


def drip(peer: socket.socket, path: str) -> None:
    """Answer a byte at a time, for ever, faster than any time limit between bytes."""
    peer.sendall(STREAM)
    wait = threading.Event()
    while not wait.wait(0.05):
        peer.sendall(b"1\r\n \r\n")


def flood(peer: socket.socket, path: str) -> None:
    """Answer without end."""
    peer.sendall(STREAM)
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    while True:
        peer.sendall(chunk)


def raw(data: bytes) -> Answer:
    """Answer with bytes that need not be HTTP."""
    return lambda peer, path: peer.sendall(data)


@dataclass
class FakeDaemon:
    """Answers by the end of the path; ``answers`` may be changed while it runs."""

    url: str
    answers: dict[str, Answer] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    headers: list[str] = field(default_factory=list)

    def answer(self, peer: socket.socket, head: str) -> None:
        path = head.split(" ")[1]
        self.requests.append(path)
        self.headers.append(head)
        route = path.partition("?")[0]
        ends = sorted(self.answers, key=len, reverse=True)
        chosen = next((self.answers[end] for end in ends if route.endswith(end)), None)
        (chosen or reply({"message": "page not found"}, status="404 Not Found"))(peer, path)


GOOD: dict[str, Answer] = {
    "/version": reply(VERSION),
    "/containers/json": reply([]),
    "/services": reply({"message": "not a swarm manager"}, status="503 Unavailable"),
    "/events": silent,
}


@contextlib.contextmanager
def fake_daemon(*, tls: ssl.SSLContext | None = None, **answers: Answer) -> Iterator[FakeDaemon]:
    """A daemon with good answers except for those given, by the last part of the path.

    It listens on a unix socket, with ``tls`` on a port of 127.0.0.1.
    """
    given = {f"/{name.replace('__', '/')}": answer for name, answer in answers.items()}
    folder = Path(tempfile.mkdtemp(prefix="fake-", dir="/tmp"))
    if tls is None:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(folder / "docker.sock"))
        daemon = FakeDaemon(f"unix://{folder}/docker.sock")
    else:
        listener = socket.create_server(("127.0.0.1", 0))
        daemon = FakeDaemon(f"tcp://127.0.0.1:{listener.getsockname()[1]}")
    daemon.answers = {**GOOD, **given}
    listener.listen(64)
    peers: list[socket.socket] = []
    serving = threading.Thread(target=_serve, args=(listener, daemon, peers, tls), daemon=True)
    serving.start()
    try:
        yield daemon
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for peer in peers:
            with contextlib.suppress(OSError):
                peer.shutdown(socket.SHUT_RDWR)
        serving.join(5)
        shutil.rmtree(folder)


def _serve(
    listener: socket.socket,
    daemon: FakeDaemon,
    peers: list[socket.socket],
    tls: ssl.SSLContext | None,
) -> None:
    while True:
        try:
            peer, _ = listener.accept()
        except OSError:
            return
        peers.append(peer)
        threading.Thread(target=_talk, args=(peer, daemon, tls), daemon=True).start()


def _talk(plain: socket.socket, daemon: FakeDaemon, tls: ssl.SSLContext | None) -> None:
    with plain, contextlib.suppress(OSError, IndexError):
        peer = tls.wrap_socket(plain, server_side=True) if tls else plain
        with peer:
            head = b""
            while b"\r\n\r\n" not in head:
                received = peer.recv(65536)
                if not received:
                    return
                head += received
            daemon.answer(peer, head.decode())
