"""What it costs to begin: ``--version``, ``check`` and ``status --json`` of one service; and
``status`` of three thousand.

Ratios within one run: the processor's time of each command beside that of the bare interpreter,
started in turns so that other load falls on both alike.
"""

import http.server
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Final

from benchmarks.compiled import environment_with, installed
from benchmarks.endpoints import endpoints
from benchmarks.screen import console_on
from benchmarks.targets import Figure, report

ROUNDS: Final = 7
MANY: Final = 3000
MOST: Final = {
    "opsconsole --version": 2.0,
    "opsconsole check": 12.0,
    "opsconsole status --json": 25.0,
}


class Healthy(http.server.BaseHTTPRequestHandler):
    """Answers every GET with a healthy body."""

    def do_GET(self) -> None:
        """One fixed answer."""
        body = b'{"status": "healthy"}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Say nothing."""


def took(argv: list[str], environment: dict[str, str]) -> float:
    """Seconds of processor, user and system, that one run of ``argv`` takes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(argv, stdout=subprocess.DEVNULL, check=False, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def loaded(argv: list[str], names: set[str]) -> set[str]:
    """Which of ``names`` a run of ``argv`` imports."""
    run = subprocess.run(
        [argv[0], "-X", "importtime", *argv[1:]], capture_output=True, text=True, check=False
    )
    roots = {line.rpartition("|")[2].strip().partition(".")[0] for line in run.stderr.splitlines()}
    return names & roots


def status_of_many() -> list[Figure]:
    """``status`` of services that answer at once, in seconds of time and of processor."""
    with endpoints() as address, console_on(address, MANY, 1, "5s") as argv:
        status = [*argv[:3], "status", *argv[-2:]]
        began = time.monotonic()
        cpu = took(status, dict(os.environ))
        name = f"opsconsole status of {MANY:,}"
        return [
            Figure(name, time.monotonic() - began, "s", 3.0),
            Figure(f"{name}: CPU", cpu, "s", 3.0),
        ]


def main() -> int:
    """Print the table."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Healthy)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "opsconsole.yaml"
        url = f"http://127.0.0.1:{server.server_port}"
        settings = {
            "docker": {"enabled": False},
            "host": {"enabled": False},
            "services": {"api": {"instances": [url]}},
        }
        path.write_text(json.dumps(settings))
        path.chmod(0o600)
        console = [sys.executable, "-m", "opsconsole"]
        commands = {
            "bare interpreter": [sys.executable, "-c", "pass"],
            "opsconsole --version": [*console, "--version"],
            "opsconsole check": [*console, "check", "--offline", str(path)],
            "opsconsole status --json": [*console, "status", "--json", "--config", str(path)],
        }
        environment = environment_with(installed(folder))
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(1 + ROUNDS):
            for name, argv in commands.items():
                times[name].append(took(argv, environment))
        # The first round compiles.
        medians = {name: statistics.median(values[1:]) for name, values in times.items()}
        floor = medians["bare interpreter"]
        figures = [
            Figure(f"{name}: times the bare interpreter", median / floor, "×", MOST.get(name))
            for name, median in medians.items()
        ]
        figures.append(Figure("bare interpreter: CPU", 1000 * floor, "ms"))
        figures += status_of_many()
        heavy = loaded(commands["opsconsole check"], {"textual", "docker", "httpx"})
        print(f"check imports of textual, docker, httpx: {', '.join(sorted(heavy)) or 'none'}")
    server.shutdown()
    return report(figures)


if __name__ == "__main__":
    sys.exit(main())
