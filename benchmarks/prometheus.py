"""Ten thousand services through one Prometheus: ``python -m benchmarks.prometheus [COUNT]``.

Each is a job with one target and a latency that differs in every answer; a hundred alerts fire. The
server is made up and answers at once, in a process of its own. The console runs on a
pseudo-terminal of 120×40 with a recording of its own, then as a wall.
"""

import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.parse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from benchmarks.process import cpu_seconds, resident
from benchmarks.screen import SIZE, key_to_paint
from benchmarks.targets import Figure, report
from opsconsole.sources.prometheus.promql import AGE
from tools.terminal import Terminal

COUNT: Final = 10_000
EVERY: Final = 15
"""Seconds between two scrapes, and between two looks."""

A_FILE: Final = 2000
"""Services in one file of the configuration."""

ALERTS: Final = 100
CYCLES: Final = 3
WARM: Final = 20.0
PRESSES: Final = 100

_JOBS: Final = re.compile(r'job=~?"([^"]*)"')


class Server(asyncio.Protocol):
    """Answers what a Prometheus is asked, for ``count`` jobs."""

    count = COUNT

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.buffer = b""

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while b"\r\n\r\n" in self.buffer:
            head, _, rest = self.buffer.partition(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
            size = int(length[1]) if length else 0
            if len(rest) < size:
                return
            form, self.buffer = rest[:size], rest[size:]
            body = self.answer(head.split(b" ", 2)[1].decode(), form.decode())
            kind = b"Content-Type: application/json\r\n"
            self.transport.write(
                b"HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n%s" % (kind, len(body), body)
            )

    def answer(self, target: str, form: str) -> bytes:
        """The body for ``target``."""
        url = urllib.parse.urlsplit(target)
        asked = urllib.parse.parse_qs(form or url.query)
        match url.path:
            case "/api/v1/query":
                return document({"resultType": "vector", "result": samples(asked["query"][0])})
            case "/api/v1/targets":
                return document({"activeTargets": [target_of(each) for each in range(self.count)]})
            case "/api/v1/alerts":
                return document({"alerts": [alert(each) for each in range(ALERTS)]})
            case "/api/v1/rules":
                return document({"groups": []})
            case _:
                return document({"version": "2.42.0", "revision": "0"})


def document(data: object) -> bytes:
    """A successful answer."""
    return json.dumps({"status": "success", "data": data}).encode()


def scraped() -> float:
    """When everything was scraped last."""
    return time.time() // EVERY * EVERY


def samples(query: str) -> list[dict[str, object]]:
    """A latency and its age for each job that is asked for; the time."""
    found = _JOBS.search(query)
    if found is None:
        return [{"metric": {}, "value": [time.time(), str(time.time())]}] if "time" in query else []
    at, now = scraped(), time.time()
    made: list[dict[str, object]] = []
    for number, job in enumerate(found[1].split("|")):
        took = 0.02 + (at * 7 + number * 13) % 100 / 1000
        made.append({"metric": {"job": job}, "value": [now, f"{took:.6f}"]})
        if AGE in query:
            made.append({"metric": {"job": job, AGE: "1"}, "value": [now, f"{now - at:.3f}"]})
    return made


def target_of(number: int) -> dict[str, object]:
    """One target that is up."""
    address = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}:8000"
    return {
        "discoveredLabels": {"__address__": address, "__scheme__": "http"},
        "labels": {"instance": address, "job": f"job-{number:05d}"},
        "scrapePool": f"job-{number:05d}",
        "scrapeUrl": f"http://{address}/metrics",
        "lastError": "",
        "lastScrape": datetime.fromtimestamp(scraped(), UTC).isoformat(),
        "lastScrapeDuration": 0.01,
        "health": "up",
        "scrapeInterval": f"{EVERY}s",
    }


def alert(number: int) -> dict[str, object]:
    """One alert that fires."""
    labels = {"alertname": "Slow", "job": f"job-{number * 7:05d}", "severity": "warning"}
    since = datetime.fromtimestamp(time.time() // 3600 * 3600, UTC).isoformat()
    return {"labels": labels, "annotations": {}, "state": "firing", "activeAt": since, "value": "1"}


async def serve(count: int) -> None:
    """Print the port and answer until the standard input ends."""
    Server.count = count
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Server, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    ended = asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), ended.set)
    await ended.wait()


@contextmanager
def fleet(count: int) -> Iterator[list[str]]:
    """The program's argv on ``count`` services of a server that runs meanwhile."""
    command = [sys.executable, "-m", "benchmarks.prometheus", "serve", str(count)]
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as server,
    ):
        assert server.stdin
        assert server.stdout
        path = Path(folder) / "configuration"
        path.mkdir(mode=0o700)
        (path / "servers.yaml").write_text(
            "environment: {name: benchmark}\ndocker: []\nhost: {enabled: false}\n"
            f"state_dir: {folder}/state\n"
            f"prometheus: {{url: 'http://127.0.0.1:{int(server.stdout.readline())}'}}\n"
        )
        for first in range(0, count, A_FILE):
            some = map(declared, range(first, min(first + A_FILE, count)))
            (path / f"services-{first:05d}.yaml").write_text("services:\n" + "".join(some))
        try:
            yield [sys.executable, "-m", "opsconsole", "--read-only", "--config", str(path)]
        finally:
            server.stdin.close()


def declared(number: int) -> str:
    """A service that is a job, with its latency."""
    job = f"job-{number:05d}"
    metric = f"{{gauge: probe_duration_seconds, unit: s, labels: {{job: {job}}}}}"
    return f"  {job}: {{job: {job}, metrics: {{latency: {metric}}}}}\n"


def console(name: str, argv: Sequence[str], count: int) -> Iterator[Figure]:
    """The first true screen, and what it costs from then on."""
    began = time.monotonic()
    with Terminal(argv, size=SIZE) as terminal:
        said = f"{count} ok".encode()
        seen = b""
        while said not in seen:
            more = terminal.wait_for_bytes(60.0)
            if not more:
                raise SystemExit(f"{name} never showed {said!r}")
            seen += more
        yield Figure(f"{name}: first true screen", time.monotonic() - began, "s", 3.0)
        spent = sum(map(cpu_seconds, terminal.processes))
        yield Figure(f"{name}: the same, CPU", spent, "s", 3.0)
        terminal.read_for(WARM)
        pids = terminal.processes
        cpu = sum(map(cpu_seconds, pids))
        terminal.read_for(CYCLES * EVERY)
        cpu = sum(map(cpu_seconds, pids)) - cpu
        yield Figure(f"{name}: CPU of a core", 100 * cpu / (CYCLES * EVERY), "%", 15.0)
        yield Figure(f"{name}: memory", sum(map(resident, pids)) / 1e6, "MB", 400.0)


def main(count: int) -> int:
    """Measure and print the table."""
    name = f"{count:,} services"
    figures: list[Figure] = []
    with fleet(count) as argv:
        figures += console(name, argv, count)
        figures += key_to_paint(name, argv, f"{count} ok".encode(), PRESSES)
        figures += console(f"{name}, as a wall", [*argv, "--wall"], count)
    load = os.getloadavg()[0] / (os.cpu_count() or 1)
    figures.append(Figure("load for each core, at the end", load))
    return report(figures)


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        asyncio.run(serve(int(sys.argv[2])))
    else:
        sys.exit(main(int(sys.argv[1]) if sys.argv[1:] else COUNT))
