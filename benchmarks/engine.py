"""What the engine itself costs: CPU per reading, with sources that answer at once.

Run ``python -m benchmarks.engine``. The look itself is free here, so the figure is that of
schedule, store, judge and snapshots; a no-op task per look in the same process is the floor.
"""

import asyncio
import json
import time
from dataclasses import dataclass
from pathlib import Path

from opsconsole.clock import Clock, SystemClock
from opsconsole.config.settings import Settings
from opsconsole.engine.engine import Engine
from opsconsole.model.health import HealthReport, ProbeKind
from opsconsole.model.reading import Reading
from opsconsole.model.source_id import SourceId
from opsconsole.model.state import State
from opsconsole.sources.health.factory import probe_id

INTERVAL = 5.0
SECONDS = 10.0
PER_SERVICE = 20


@dataclass
class InstantProbe:
    """Answers ok at once."""

    id: SourceId
    interval: float
    clock: Clock
    endpoint: str = ""

    async def collect(self) -> Reading[HealthReport]:
        report = HealthReport(State.OK, "plain")
        return Reading(self.id, self.clock.now(), 0.012, value=report)

    async def close(self) -> None:
        """Nothing is held."""


def fleet(probes: int, per_service: int) -> Settings:
    """``probes`` instances in services of ``per_service``."""
    return Settings.model_validate(
        {
            "docker": [],
            "host": {"enabled": False},
            "defaults": {"interval": INTERVAL},
            "services": {
                f"service-{number}": {
                    "instances": [
                        f"http://10.0.{number % 256}.{copy % 256}:8000"
                        for copy in range(per_service)
                    ]
                }
                for number in range(probes // per_service)
            },
        }
    )


def measure(probes: int, per_service: int) -> dict[str, float]:
    """Milliseconds of CPU per reading and share of a core at that rate."""
    settings = fleet(probes, per_service)
    clock = SystemClock()
    sources = [
        InstantProbe(probe_id(name, instance, ProbeKind.HEALTH), INTERVAL, clock)
        for name in settings.services
        for instance in settings.instance_names(name)
    ]
    engine = Engine(settings, base=Path(), clock=clock, sources=sources)
    snapshots = []
    engine.listen(lambda snapshot: snapshots.append(snapshot.seq))
    engine.start()
    time.sleep(2.0)
    before, began = time.process_time(), time.monotonic()
    time.sleep(SECONDS)
    cpu, took = time.process_time() - before, time.monotonic() - began
    views = engine.latest.services
    engine.stop()
    assert all(service.state is State.OK for service in views), "every probe was read"
    readings = probes / INTERVAL * took
    return {
        "probes": probes,
        "per_service": per_service,
        "ms_per_reading": round(1000 * cpu / readings, 4),
        "share_of_core": round(cpu / took, 4),
        "snapshots_per_s": round(len(snapshots) / (took + 2), 2),
    }


def floor(readings: int = 20_000) -> float:
    """Milliseconds of CPU for a task that makes one reading and does nothing with it."""
    probe = InstantProbe(probe_id("a", "a", ProbeKind.HEALTH), INTERVAL, SystemClock())

    async def look() -> None:
        for _ in range(readings // 100):
            await asyncio.gather(*(probe.collect() for _ in range(100)))

    before = time.process_time()
    asyncio.run(look())
    return 1000 * (time.process_time() - before) / readings


def main() -> None:
    """Print one JSON object for each size."""
    base = floor()
    print(json.dumps({"floor_ms_per_reading": round(base, 4)}))
    for probes, per_service in ((1000, PER_SERVICE), (1000, 1), (5000, PER_SERVICE)):
        figures = measure(probes, per_service)
        figures["times_floor"] = round(figures["ms_per_reading"] / base, 2)
        print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main()
