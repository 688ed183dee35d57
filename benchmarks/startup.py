"""What it costs to begin: imports of each command, and ``status --json`` beyond its probe.

Ratios within one run: each command beside the bare interpreter, started in turns so that other
load falls on both alike.
"""

import http.server
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Final

ROUNDS: Final = 7


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


def took(argv: list[str]) -> float:
    """Seconds that one run of ``argv`` takes."""
    started = time.perf_counter()
    subprocess.run(argv, stdout=subprocess.DEVNULL, check=False)
    return time.perf_counter() - started


def loaded(argv: list[str], names: set[str]) -> set[str]:
    """Which of ``names`` a run of ``argv`` imports."""
    run = subprocess.run(
        [argv[0], "-X", "importtime", *argv[1:]], capture_output=True, text=True, check=False
    )
    roots = {line.rpartition("|")[2].strip().partition(".")[0] for line in run.stderr.splitlines()}
    return names & roots


def main() -> None:
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
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(ROUNDS):
            for name, argv in commands.items():
                times[name].append(took(argv))
        floor = statistics.median(times["bare interpreter"])
        print(f"{'command':<28}{'median':>10}{'× bare':>8}  beyond bare")
        for name, values in times.items():
            median = statistics.median(values)
            beyond = median - floor
            print(
                f"{name:<28}{median * 1000:>7.0f} ms{median / floor:>8.1f}  {beyond * 1000:.0f} ms"
            )
        heavy = loaded(commands["opsconsole check"], {"textual", "docker", "httpx"})
        print(f"check imports of textual, docker, httpx: {', '.join(sorted(heavy)) or 'none'}")
    server.shutdown()


if __name__ == "__main__":
    main()
