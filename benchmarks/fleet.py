"""What a whole fleet costs: the real engine on real HTTP endpoints, every one read in its turn.

``python -m benchmarks.fleet [COUNT]``. The endpoints are paths of one server in another process,
each a kept connection of its own. The floor, in the same run, is a bare asyncio protocol that
asks as often and looks at nothing. ``COUNT`` endpoints run alone, in this process, for profiling.
"""

import asyncio
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks import probing
from benchmarks.endpoints import endpoints
from benchmarks.process import resident
from benchmarks.targets import Figure, report
from opsconsole.clock import SystemClock
from opsconsole.config.settings import Settings
from opsconsole.engine.engine import Engine
from opsconsole.engine.schedule import fraction
from opsconsole.model.health import ProbeKind
from opsconsole.model.snapshot import Snapshot
from opsconsole.model.source_id import SourceId
from opsconsole.model.state import State
from opsconsole.sources.health.factory import probe_id

INTERVAL: Final = 5.0
WARM: Final = 2 * INTERVAL
"""The first round connects; the second settles into the phases."""

SECONDS: Final = 15.0
PER_SERVICE: Final = 20
TARGETS: Final = {1000: 0.15, 5000: 0.70}
LATEST: Final = 0.5


@dataclass(frozen=True, slots=True)
class Fleet:
    """CPU as a share of a core; milliseconds per reading; seconds late at the latest."""

    share: float
    per_reading: float
    late_p99: float
    late_most: float
    missing: int
    megabytes: float


def settings_for(address: str, count: int, per_service: int = PER_SERVICE) -> Settings:
    """``count`` instances at ``address`` in services of ``per_service``."""
    return Settings.model_validate(
        {
            "docker": [],
            "host": {"enabled": False},
            "defaults": {"interval": INTERVAL},
            "services": {
                f"service-{number}": {
                    "instances": [f"{address}/{number}/{copy}" for copy in range(per_service)]
                }
                for number in range(count // per_service)
            },
        }
    )


def measure(address: str, count: int) -> Fleet:
    """The engine on ``count`` endpoints for ``SECONDS``, after a warm-up."""
    engine = Engine(settings_for(address, count), base=Path(), clock=SystemClock())
    seen: list[Snapshot] = []
    engine.listen(seen.append)
    engine.start()
    time.sleep(WARM)
    seen.clear()
    cpu, began = time.process_time(), time.monotonic()
    time.sleep(SECONDS)
    cpu, took = time.process_time() - cpu, time.monotonic() - began
    snapshots = tuple(seen)
    megabytes = resident(os.getpid()) / 1e6
    engine.stop()
    for service in snapshots[-1].services:
        assert service.state is State.OK, f"{service.name} is {service.state}: {service.reason}"
    read = _moments(snapshots)
    late = sorted(_lateness(read))
    expected = int(SECONDS // INTERVAL) - 1
    return Fleet(
        share=cpu / took,
        per_reading=1000 * cpu / (count * took / INTERVAL),
        late_p99=late[int(0.99 * len(late))],
        late_most=late[-1],
        missing=count - len(read) + sum(len(times) < expected for times in read.values()),
        megabytes=megabytes,
    )


def _moments(snapshots: tuple[Snapshot, ...]) -> dict[SourceId, set[float]]:
    """When each endpoint was read, by the key of its probe."""
    read: dict[SourceId, set[float]] = {}
    for snapshot in snapshots:
        for service in snapshot.services:
            for instance in service.instances:
                if instance.taken_at is not None:
                    key = probe_id(service.name, instance.name, ProbeKind.HEALTH)
                    read.setdefault(key, set()).add(instance.taken_at)
    return read


def _lateness(read: dict[SourceId, set[float]]) -> list[float]:
    """Seconds between an endpoint's own moment of the interval and the end of its reading.

    The round's origin is not known: it is where the earliest of all readings is on time.
    """
    phases = [(at - fraction(key) * INTERVAL) for key, times in read.items() for at in times]
    around = phases[0]
    offsets = [(phase - around + INTERVAL / 2) % INTERVAL for phase in phases]
    first = min(offsets)
    return [offset - first for offset in offsets]


async def _floor(address: str, count: int) -> float:
    """Share of a core of a bare protocol that asks as often."""
    figures = await probing.measure("bare protocol", count, f"{address}/health")
    return float(str(figures["share_of_core"]))


def alone(count: int) -> int:
    """Measure one size in this process and print its table."""
    with endpoints() as address:
        found = measure(address, count)
        floor = asyncio.run(_floor(address, count))
    return report(
        (
            Figure(f"{count} endpoints: CPU of a core", 100 * found.share, "%", _target(count)),
            Figure(
                f"{count} endpoints: latest reading after its time", found.late_most, "s", LATEST
            ),
            Figure(f"{count} endpoints: p99 of that", found.late_p99, "s"),
            Figure(f"{count} endpoints: readings that were skipped", found.missing, "", 0),
            Figure(f"{count} endpoints: CPU per reading", found.per_reading, "ms"),
            Figure(f"{count} endpoints: memory", found.megabytes, "MB"),
            Figure(f"{count} endpoints: bare protocol's CPU of a core", 100 * floor, "%"),
            Figure(f"{count} endpoints: times the bare protocol", found.share / floor, "×"),
        )
    )


def _target(count: int) -> float | None:
    return 100 * TARGETS[count] if count in TARGETS else None


def main(arguments: list[str]) -> int:
    """Each size in a fresh process, so that none has the other's heap."""
    if arguments:
        return alone(int(arguments[0]))
    runs = [
        subprocess.run([sys.executable, "-m", "benchmarks.fleet", str(count)], check=False)
        for count in TARGETS
    ]
    return max(run.returncode for run in runs)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
