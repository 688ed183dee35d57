"""What a refresh of metrics costs: CPU of this process for 100 services with 5 metrics each.

Run ``python -m benchmarks.metrics``. All clients ask the same server, which runs in a process of
its own and answers at once with as many series as a real one would. The floor is what the task
needs without batching: the same declarations as one query each by bare httpx, decoded. ``names``
says whether services share metric names and differ in a label, as instrumented frameworks do, or
have names of their own, where nothing can be batched. The last rows are the console's own
scrapes of one page for each service.
"""

import asyncio
import json
import re
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

import httpx

from opsconsole.clock import SystemClock
from opsconsole.config.http import HttpConfig
from opsconsole.config.services import Service
from opsconsole.config.settings import Prometheus
from opsconsole.sources.http.connector import Connector
from opsconsole.sources.metrics.declared import Declared, declared_metrics
from opsconsole.sources.metrics.scrape import ScrapeSource
from opsconsole.sources.metrics.service_samples import ServiceSamples
from opsconsole.sources.prometheus.promql import batched
from opsconsole.sources.prometheus.source import PrometheusSource
from opsconsole.threads import BoundedExecutor

SERVICES: Final = 100
REFRESHES: Final = 5
BOUNDS: Final = ("0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "+Inf")

Refresh = Callable[[], Awaitable[object]]

_JOBS: Final = re.compile(r'job=~?"([^"]*)"')


def answer(query: str) -> bytes:
    """What a Prometheus answers: a series for each job and instance, or job and bucket."""
    match = _JOBS.search(query)
    jobs = match[1].split("|") if match else [""]
    inner: list[dict[str, str]] = [{}]
    if "_bucket" not in query:
        inner = [{"instance": f"10.0.0.{number}:8000"} for number in (1, 2)]
    elif "histogram_quantile" not in query:
        inner = [{"le": bound} for bound in BOUNDS]
    result: list[dict[str, object]] = [
        {"metric": {"job": job, **labels}, "value": [1700000000.0, str(number * 1.5)]}
        for job in jobs
        for number, labels in enumerate(inner, 1)
    ]
    document = {"status": "success", "data": {"resultType": "vector", "result": result}}
    return json.dumps(document).encode()


def page() -> bytes:
    """A page of 2,000 lines of which 130 are declared."""
    now = time.time()
    lines = [f'other_metric_{n % 200}{{path="/x/{n}"}} {n}' for n in range(1870)]
    for path in range(10):
        lines += [f'http_{name}_total{{path="/{path}"}} {now * 7}' for name in ("requests",)]
        lines += [
            f'http_latency_seconds_bucket{{path="/{path}",le="{bound}"}} {now * (n + 1)}'
            for n, bound in enumerate(BOUNDS)
        ]
    lines += ["http_errors_total 5", "queue_size 4", "pool_size 9"]
    return "\n".join(lines).encode() + b"\n"


class Answering(asyncio.Protocol):
    """The server: queries, alerts and a page of metrics, from memory where it can."""

    cache: Final[dict[bytes, bytes]] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.buffer = b""

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while b"\r\n\r\n" in self.buffer:
            head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
            target = head.split(b" ", 2)[1]
            body = self.cache.get(target) or self.make(target)
            kind = b"text/plain" if target == b"/metrics" else b"application/json"
            self.transport.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s"
                % (kind, len(body), body)
            )

    def make(self, target: bytes) -> bytes:
        """The body for ``target``; a query's is kept."""
        if target == b"/metrics":
            return page()
        if target.startswith(b"/api/v1/alerts"):
            return b'{"status":"success","data":{"alerts":[]}}'
        if target.startswith(b"/api/v1/rules"):
            return b'{"status":"success","data":{"groups":[]}}'
        if target.startswith(b"/api/v1/status/buildinfo"):
            return b'{"status":"success","data":{"version":"2.42.0","revision":"0"}}'
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(target.decode()).query)["query"][0]
        return self.cache.setdefault(target, answer(query))


async def serve() -> None:
    """Print the port and answer until the standard input ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Answering, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    ended = asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), ended.set)
    await ended.wait()


def fleet(*, shared: bool) -> list[tuple[str, tuple[Declared, ...]]]:
    """100 services with two counters, two gauges and a histogram each."""
    found = []
    for number in range(SERVICES):
        prefix, name = "" if shared else f"s{number}_", f"service-{number}"
        labels = {"job": name}
        metrics: dict[str, Any] = {
            "requests": {"counter": f"{prefix}http_requests_total", "labels": labels},
            "errors": {"counter": f"{prefix}http_errors_total", "labels": labels},
            "queue": {"gauge": f"{prefix}queue_size", "labels": labels},
            "pool": {"gauge": f"{prefix}pool_size", "labels": labels},
            "latency": {"histogram": f"{prefix}http_latency_seconds", "labels": labels},
        }
        found.append((name, declared_metrics(name, Service.model_validate({"metrics": metrics}))))
    return found


async def console(url: str, stack: AsyncExitStack, *, shared: bool) -> tuple[Refresh, int]:
    """The console's source, batched."""
    every = [each for _, declared in fleet(shared=shared) for each in declared]
    settings = Prometheus.model_validate({"url": url, "timeout": 30})
    source = PrometheusSource(settings, every, SystemClock(), Connector(), Path())
    stack.push_async_callback(source.close)

    async def refresh() -> None:
        reading = await source.collect()
        assert reading.value is not None, reading.fault
        assert reading.value.problems == ()
        assert all(each.value is not None for each in reading.value.metrics)
        assert len(reading.value.metrics) == SERVICES * 7

    return refresh, len(batched(every))


async def bare(url: str, stack: AsyncExitStack, *, shared: bool) -> tuple[Refresh, int]:
    """httpx, a query for each declared figure as one would write it by hand."""
    client = await stack.enter_async_context(httpx.AsyncClient(trust_env=False, timeout=30))
    texts = []
    for _, declared in fleet(shared=shared):
        for each in declared:
            (query,) = batched([each])
            shares = each.quantiles if each.kind == "histogram" else ()
            texts += [f"histogram_quantile({share}, {query.promql})" for share in shares]
            texts += [] if shares else [query.promql]

    async def refresh() -> None:
        for text in texts:
            response = await client.get(f"{url}/api/v1/query", params={"query": text})
            assert response.json()["status"] == "success"

    return refresh, len(texts)


async def scrapes(url: str, stack: AsyncExitStack, *, shared: bool) -> tuple[Refresh, int]:
    """The console's own scrape of one page for each service."""
    connector = Connector()
    stack.push_async_callback(connector.close)
    executor = BoundedExecutor("parser", 1)
    stack.callback(executor.close)
    sources = []
    for name, declared in fleet(shared=shared):
        source = ScrapeSource(
            service=name,
            instance=name,
            url=f"{url}/metrics",
            samples=ServiceSamples(declared),
            http=HttpConfig.model_validate({}),
            interval=15.0,
            timeout=30.0,
            clock=SystemClock(),
            connector=connector,
            executor=executor,
            base=Path(),
        )
        stack.push_async_callback(source.close)
        sources.append(source)

    async def refresh() -> None:
        for source in sources:
            reading = await source.collect()
            assert reading.value is not None, reading.fault

    return refresh, len(sources)


async def bare_pages(url: str, stack: AsyncExitStack, *, shared: bool) -> tuple[Refresh, int]:
    """httpx and the official parser on the whole of each page; it calculates nothing."""
    from prometheus_client.parser import text_string_to_metric_families

    client = await stack.enter_async_context(httpx.AsyncClient(trust_env=False, timeout=30))

    async def refresh() -> None:
        for _ in range(SERVICES):
            response = await client.get(f"{url}/metrics")
            assert len(list(text_string_to_metric_families(response.text))) > 100

    return refresh, SERVICES


async def measure(name: str, make: Any, url: str, *, shared: bool) -> dict[str, object]:
    """CPU of a refresh, after one to connect."""
    async with AsyncExitStack() as stack:
        refresh, requests = await make(url, stack, shared=shared)
        await refresh()
        before, began = time.process_time(), time.monotonic()
        for _ in range(REFRESHES):
            await refresh()
        cpu, took = time.process_time() - before, time.monotonic() - began
    return {
        "client": name,
        "names": "shared" if shared else "own",
        "requests": requests,
        "cpu_ms_per_refresh": round(1000 * cpu / REFRESHES, 1),
        "wall_ms_per_refresh": round(1000 * took / REFRESHES, 1),
    }


PAIRS: Final = (
    ("bare httpx", bare, "console", console, True),
    ("bare httpx", bare, "console", console, False),
    ("bare httpx pages", bare_pages, "console scrapes", scrapes, True),
)


def run() -> list[dict[str, object]]:
    """Every figure; ``times_bare`` is the ratio to the row before it."""
    found: list[dict[str, object]] = []
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.metrics", "serve"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdin
        assert server.stdout
        url = f"http://127.0.0.1:{int(server.stdout.readline())}"
        for floor_name, floor, name, ours, shared in PAIRS:
            first = asyncio.run(measure(floor_name, floor, url, shared=shared))
            second = asyncio.run(measure(name, ours, url, shared=shared))
            cost = float(str(second["cpu_ms_per_refresh"]))
            second["times_bare"] = round(cost / float(str(first["cpu_ms_per_refresh"])), 3)
            for figures in (first, second):
                found.append(figures)
                print(json.dumps(figures), flush=True)
        server.stdin.close()
    return found


def main() -> None:
    """Serve when asked to, else print one JSON object for each client."""
    if sys.argv[1:] == ["serve"]:
        asyncio.run(serve())
    else:
        run()


if __name__ == "__main__":
    main()
