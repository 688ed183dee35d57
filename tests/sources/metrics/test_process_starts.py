"""Starts and versions of processes: out of bodies, and out of a real Prometheus in one query."""

import asyncio
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from opsconsole.clock import SystemClock
from opsconsole.config.settings import Prometheus
from opsconsole.demo.prometheus import ScrapeJob
from opsconsole.model.running.processes import ProcessStart
from opsconsole.sources.http.connector import Connector
from opsconsole.sources.metrics.process_starts import read_body
from opsconsole.sources.prometheus.source import PrometheusSource
from tests.servers.fixtures import MonitoringStack

BODY = b"""\
# HELP process_start_time_seconds Start time.
# TYPE process_start_time_seconds gauge
process_start_time_seconds 1.7637164e+09
go_build_info{path="x",version="(devel)"} 1
shop_build_info{branch="main",version="1.5.0",goversion="go1.22"} 1
"""


class Process(ThreadingHTTPServer):
    """A process that tells when it began and its version."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.began, self.version = time.time() - 100_000, "1.4"


class _Answers(BaseHTTPRequestHandler):
    server: Process

    def do_GET(self) -> None:
        lines = (
            f"process_start_time_seconds {self.server.began}",
            f'shop_build_info{{version="{self.server.version}"}} 1',
            "",
        )
        self.send_response(200)
        self.end_headers()
        self.wfile.write("\n".join(lines).encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its own name
        pass


@pytest.fixture
def process() -> Iterator[Process]:
    server = Process()
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_body_tells_when_its_process_began_and_its_version() -> None:
    started = read_body(BODY, "shop", "shop-1", 2.0)
    assert started == ProcessStart(1763716398.0, "1.5.0", service="shop", instance="shop-1")


@pytest.mark.parametrize(
    "body",
    [b"", b"process_start_time_seconds", b"process_start_time_seconds e", b"x 1\n", b"\xff" * 99],
)
def test_a_body_without_it_tells_nothing(body: bytes) -> None:
    assert read_body(body, "shop", "shop-1", 0.0) is None


def test_a_version_is_sanitised() -> None:
    body = b'process_start_time_seconds 5\na_build_info{version="\x1b[31m1"} 1\n'
    started = read_body(body, "shop", "shop-1", 0.0)
    assert started is not None
    assert "\x1b" not in started.version


def test_a_prometheus_names_those_that_began_lately(
    monitoring_stack: MonitoringStack, process: Process
) -> None:
    address = f"127.0.0.1:{process.server_port}"
    server = monitoring_stack.prometheus(jobs=[ScrapeJob("shop", [address])])
    settings = Prometheus.model_validate({"url": server.url, "timeout": "3s"})

    async def look() -> tuple[ProcessStart, ...]:
        source = PrometheusSource(settings, (), SystemClock(), Connector(), Path())
        try:
            reading = await source.collect()
        finally:
            await source.close()
        assert reading.fault is None
        assert reading.value is not None
        assert reading.value.problems == ()
        return reading.value.starts

    assert asyncio.run(look()) == ()
    process.began, process.version = time.time() - 3.0, "1.5"
    ends = time.monotonic() + 15
    while not (found := asyncio.run(look())):
        assert time.monotonic() < ends
        time.sleep(0.3)
    (started,) = found
    assert started.started_at == pytest.approx(process.began, abs=1.0)
    assert started.version == "1.5"
    assert started.labels["instance"] == address
