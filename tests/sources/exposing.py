"""A small service that is really used, and that exposes what it counts."""

import contextlib
import http.client
import random
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import choose_encoder

BUCKETS = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6)


class Counts:
    """What one life of the process has counted."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "shop_requests", "Requests.", ["path", "status"], registry=self.registry
        )
        self.latency = Histogram(
            "shop_latency_seconds", "Latency.", ["path"], buckets=BUCKETS, registry=self.registry
        )
        self.queue = Gauge("shop_queue", "Waiting.", ["shard"], registry=self.registry)
        self.queue.labels("a").set(3)
        self.queue.labels("b").set(5)


class ExposingServer(ThreadingHTTPServer):
    """``/metrics`` exposes; every other path is work. Clients come while ``flowing`` is set."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.counts = Counts()
        self.flowing = threading.Event()
        self.flowing.set()
        self.ended = threading.Event()
        self._random = random.Random(4)

    @property
    def address(self) -> str:
        """``host:port``."""
        return f"127.0.0.1:{self.server_port}"

    def restart(self) -> None:
        """Forget everything, as a process does that is started again."""
        self.counts = Counts()
        self.worked("/buy", 0.07)

    def worked(self, path: str, took: float) -> None:
        """Count one request."""
        self.counts.requests.labels(path, "200").inc()
        self.counts.latency.labels(path).observe(took)

    def work(self, path: str) -> None:
        """Serve one request; how long it took is drawn from a fixed distribution."""
        self.worked(path, self._random.lognormvariate(-1.8, 0.7))


class _Answers(BaseHTTPRequestHandler):
    server: ExposingServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        if self.path == "/metrics":
            encode, kind = choose_encoder(self.headers.get("Accept", ""))
            body = encode(self.server.counts.registry)
        else:
            self.server.work(self.path)
            body, kind = b"done", "text/plain"
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Say nothing."""


@contextlib.contextmanager
def exposing(
    requests_per_second: float = 40.0, *, flowing: bool = True
) -> Iterator[ExposingServer]:
    """The server with steady traffic, which ``flowing`` stops and starts."""
    server = ExposingServer()
    if not flowing:
        server.flowing.clear()
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    asking = threading.Thread(target=_ask, args=(server, 1 / requests_per_second))
    serving.start()
    asking.start()
    try:
        yield server
    finally:
        server.ended.set()
        # Its last request is answered before nobody answers any more.
        asking.join()
        server.shutdown()
        serving.join()
        server.server_close()


def _ask(server: ExposingServer, pause: float) -> None:
    """Real requests, evenly spaced; what was missed while the machine was busy is made up for."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=60)
    due, turn = time.monotonic(), 0
    while not server.ended.is_set():
        if not server.flowing.is_set():
            time.sleep(0.01)
            due = time.monotonic()
            continue
        connection.request("GET", "/buy" if turn % 4 else "/look")
        with connection.getresponse() as answer:
            answer.read()
        due, turn = due + pause, turn + 1
        time.sleep(max(0.0, due - time.monotonic()))
    connection.close()
