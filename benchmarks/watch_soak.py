"""A watcher over weeks, in minutes: ``python -m benchmarks.watch_soak [--minutes 15]``.

``opsconsole watch`` in this process, with all that it does: services flap, their server is killed
and comes back, a webhook and a heartbeat refuse now and then, a remedy suggests, everything is
recorded, all on a clock that runs far too fast. After a warm-up nothing may grow: memory, file
descriptors, threads.
"""

import argparse
import contextlib
import json
import os
import random
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.flapping import Server
from benchmarks.process import resident
from benchmarks.soak import FastClock
from benchmarks.targets import Figure, report
from opsconsole.cli import engine as making
from opsconsole.cli import watch as watching
from tests.watcher.post_office import Hook, hook

SERVICES: Final = 8
WARM: Final = 0.25
"""The share of the run after which nothing may grow any more."""

EVERY: Final = 2.0
"""Seconds between two samples."""

DIES: Final = 0.1
REFUSES: Final = 0.1


@dataclass(frozen=True, slots=True)
class Sample:
    """What the process holds at one moment, ``at`` of the run's seconds.

    Of its ``descriptors`` sockets are left out: as many are open as services are being looked at.
    """

    at: float
    memory: int
    descriptors: int
    threads: int


def settings_for(port: int, server: Hook, state: Path) -> dict[str, object]:
    """A fleet that flaps, two that are notified, and a remedy that suggests."""
    services = {
        f"service-{number}": {
            "instances": [f"http://127.0.0.1:{port}/{number}"],
            "actions": {"restart": {"command": ["true"]}},
        }
        for number in range(SERVICES)
    }
    remedy = {"when": "state == down for 60s", "service": "service-0", "action": "restart"}
    webhook = {"url": f"{server.url}/chat", "timeout": "5s"}
    return {
        "docker": [],
        "host": {"enabled": False},
        "state_dir": str(state),
        "defaults": {"interval": "60s", "timeout": "500ms"},
        "services": services,
        "remedies": [remedy],
        "notify": {"receivers": {"chat": {"webhook": webhook}}},
        "heartbeat": {"url": f"{server.url}/beat"},
        "watch": {"listen": "127.0.0.1:0"},
    }


class Life:
    """What happens to the watcher, and what it holds meanwhile, for ``seconds``."""

    def __init__(self, seconds: float, services: Server, receivers: Hook) -> None:
        self._seconds, self._services, self._receivers = seconds, services, receivers
        self._random = random.Random(1)
        self.samples: list[Sample] = []
        self.killed = 0
        self.sent = Counter[str]()

    def live(self) -> None:
        """Let it happen, in a thread, then end the watcher as systemd would."""
        began = time.monotonic()
        while (at := time.monotonic() - began) < self._seconds:
            time.sleep(EVERY)
            memory = resident(os.getpid())
            descriptors = sum(not each.startswith("socket:") for each in _open_now())
            self.samples.append(Sample(at, memory, descriptors, threading.active_count()))
            self._count()
            self._receivers.code = 503 if self._random.random() < REFUSES else 200
            if self._random.random() < DIES:
                self.killed += 1
                self._services.kill()
                self._services.start()
        os.kill(os.getpid(), signal.SIGTERM)

    def _count(self) -> None:
        """What was sent, of which nothing is kept: it would be what grows."""
        posts = self._receivers.posts
        self.sent.update(posts.pop().path.split("/")[1] for _ in range(len(posts)))

    def figures(self) -> list[Figure]:
        """Growth from the first third after the warm-up to the last, and what was lived through."""
        warm = [each for each in self.samples if each.at >= WARM * self._seconds]
        third = max(1, len(warm) // 3)

        def grown(name: str) -> float:
            early, late = (
                statistics.median(getattr(each, name) for each in part)
                for part in (warm[:third], warm[-third:])
            )
            return float(late - early)

        return [
            Figure("days of the watcher's clock", self._seconds * FastClock.speed / 86_400, "d"),
            Figure("times its services' server was killed", self.killed),
            Figure("heartbeats", self.sent["beat"]),
            Figure("messages", self.sent["chat"]),
            Figure("memory at the end", self.samples[-1].memory / 2**20, "MiB"),
            Figure("memory grown after the warm-up", grown("memory") / 2**20, "MiB", 4.0),
            Figure("file descriptors grown, without sockets", grown("descriptors"), "", 2),
            Figure("threads grown", grown("threads"), "", 2),
        ]


def _open_now() -> Iterator[str]:
    """What this process has open."""
    folder = "/proc/self/fd"
    for each in os.listdir(folder):
        with contextlib.suppress(OSError):
            yield os.readlink(f"{folder}/{each}")


def main() -> int:
    """Run it and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=15.0)
    parser.add_argument("--speed", type=float, default=1200.0)
    arguments = parser.parse_args()
    FastClock.speed = arguments.speed
    making.SystemClock = FastClock  # type: ignore[attr-defined,assignment]
    watching.SystemClock = FastClock  # type: ignore[attr-defined,assignment]
    services = Server()
    services.start()
    try:
        with tempfile.TemporaryDirectory() as folder, hook() as receivers:
            config = Path(folder) / "opsconsole.yaml"
            written = settings_for(services.port, receivers, Path(folder) / "state")
            config.write_text(json.dumps(written))
            config.chmod(0o600)
            life = Life(arguments.minutes * 60, services, receivers)
            threading.Thread(target=life.live, daemon=True).start()
            watching.run(argparse.Namespace(config=config))
    finally:
        services.kill()
    return report(life.figures())


if __name__ == "__main__":
    sys.exit(main())
