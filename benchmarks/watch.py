"""What a watcher costs: ``opsconsole watch`` on services of one endpoint each, recorded.

``python -m benchmarks.watch [COUNT]``. Each service is looked at every 5 s; a receiver and a
heartbeat are configured, and the watcher leads. A bare asyncio protocol that asks as often is the
floor. In a second run every fifth service is down through one cause, and the receiver is notified
once.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from benchmarks import probing
from benchmarks.endpoints import endpoints
from benchmarks.process import cpu_seconds, resident
from benchmarks.targets import Figure, report
from tests.watcher.post_office import Hook, hook

COUNT: Final = 1000
INTERVAL: Final = 5.0
WARM: Final = 30.0
SECONDS: Final = 30.0
CPU: Final = 8.0
"""Per cent of a core."""

MEMORY: Final = 100.0
"""Megabytes."""

NOBODY: Final = "http://127.0.0.1:9"
EVERY: Final = 5
"""Of so many services one is down."""


def settings_for(address: str, count: int, server: Hook, *, down: bool) -> dict[str, object]:
    """A fleet of ``count``; with ``down`` each fifth fails, and needs one that does."""
    services: dict[str, object] = {"database": {"instances": [NOBODY if down else address]}}
    for number in range(count - 1):
        fails = down and number % EVERY == 0
        services[f"service-{number:04d}"] = {
            "instances": [NOBODY if fails else f"{address}/{number}"],
            "depends_on": ["database"],
        }
    return {
        "docker": [],
        "defaults": {"interval": INTERVAL},
        "services": services,
        "notify": {"wait": 10, "receivers": {"chat": {"webhook": {"url": f"{server.url}/chat"}}}},
        "heartbeat": {"url": f"{server.url}/beat"},
    }


def watched(address: str, count: int, *, down: bool) -> tuple[float, float, int]:
    """Per cent of a core, megabytes, and how many messages were sent."""
    with tempfile.TemporaryDirectory() as home, hook() as server:
        config = Path(home) / "opsconsole.yaml"
        config.write_text(json.dumps(settings_for(address, count, server, down=down)))
        config.chmod(0o600)
        argv = [sys.executable, "-m", "opsconsole", "watch", "--config", str(config)]
        environment = {**os.environ, "HOME": home, "XDG_STATE_HOME": f"{home}/state"}
        with subprocess.Popen(argv, stdout=subprocess.DEVNULL, env=environment) as process:
            try:
                time.sleep(WARM)
                cpu = cpu_seconds(process.pid)
                time.sleep(SECONDS)
                cpu = cpu_seconds(process.pid) - cpu
                memory = resident(process.pid) / 1e6
            finally:
                process.terminate()
        sent = sum(each.path == "/chat" for each in server.posts)
        assert any(each.path == "/beat" for each in server.posts), "it never led"
    return 100 * cpu / SECONDS, memory, sent


def main(count: int) -> int:
    """Measure and print the table."""
    with endpoints() as address:
        cpu, memory, sent = watched(address, count, down=False)
        assert sent == 0, f"{sent} messages of a fleet that is well"
        worse, more, messages = watched(address, count, down=True)
        bare = asyncio.run(probing.measure("bare protocol", count, f"{address}/health"))
    target = count == COUNT
    return report(
        [
            Figure(f"{count:,} services: CPU of a core", cpu, "%", CPU if target else None),
            Figure(f"{count:,} services: memory", memory, "MB", MEMORY if target else None),
            Figure("one in five down: CPU of a core", worse, "%"),
            Figure("one in five down: memory", more, "MB"),
            Figure("one in five down through one cause: messages", messages, "", 1),
            Figure(
                f"a bare protocol that asks {count:,}: CPU of a core",
                100 * float(str(bare["share_of_core"])),
                "%",
            ),
            Figure("load for each core, at the end", os.getloadavg()[0] / (os.cpu_count() or 1)),
        ]
    )


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if sys.argv[1:] else COUNT))
