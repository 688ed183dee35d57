"""What finding five hundred containers costs between changes, and how soon a new one is shown.

Run ``python -m benchmarks.discovery``. The containers are what a source delivers every five
seconds, each time as new objects; half belong to Compose services. The same inventory is delivered
to an engine that finds nothing, so that the difference is what finding costs. A new container is
noticed by an event at once, for which looking again stands here.
"""

import gc
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from benchmarks.process import cpu_seconds
from benchmarks.targets import Figure, report
from opsconsole.clock import SystemClock
from opsconsole.config.settings import Settings
from opsconsole.engine.engine import Engine
from opsconsole.model.reading import Reading
from opsconsole.model.running.workloads import Inventory, Phase, Place, PlaceKind, Replica
from opsconsole.model.source_id import SourceId, SourceKind
from opsconsole.model.state import State
from opsconsole.sources.base import Source

CONTAINERS: Final = 500
SECONDS: Final = 30.0
MOST_SHARE: Final = 1.0
MOST_SECONDS: Final = 2.0

_PLACE: Final = Place(PlaceKind.ENGINE, "docker")
_ID: Final = SourceId(SourceKind.DOCKER, "docker")


def container(number: int) -> Replica:
    """One of two copies of a Compose service, or one alone."""
    name, labels, workload = f"alone-{number}", {"made.by": "hand"}, ""
    if number % 2:
        service = f"web-{number // 4}"
        labels = {"com.docker.compose.project": "shop", "com.docker.compose.service": service}
        name, workload = f"shop-{service}-{number}", f"shop/{service}"
    return Replica(
        f"{number:064x}", name, "container", _PLACE, "running", Phase.RUNNING, State.OK,
        workload, f"docker:{workload}" if workload else "", "shop/web:1", labels=labels,
    )  # fmt: skip


class Containers(Source[Inventory]):
    """Delivers ``count`` containers."""

    def __init__(self, clock: SystemClock) -> None:
        self.count = CONTAINERS
        self._clock = clock

    @property
    def id(self) -> SourceId:
        """As the configuration names it."""
        return _ID

    @property
    def interval(self) -> float:
        """Seconds between looks."""
        return 5.0

    @property
    def endpoint(self) -> str:
        """Nothing is asked."""
        return "unix:///nowhere"

    async def collect(self) -> Reading[Inventory]:
        """Every container as a new object."""
        found = tuple(replace(container(number)) for number in range(self.count))
        now = self._clock.now()
        return Reading(_ID, now, 0.0, Inventory(_PLACE, self.endpoint, "27", found))

    async def close(self) -> None:
        """Nothing is held."""


def measured(*, finds: bool) -> tuple[float, float]:
    """Percent of a core between changes, and the seconds until a new container is shown."""
    clock = SystemClock()
    containers = Containers(clock)
    discover = {"discover": {"docker": True}} if finds else {}
    settings = Settings.model_validate({"host": {"enabled": False}, **discover})
    engine = Engine(settings, base=Path(), clock=clock, sources=[containers])
    engine.start()
    try:
        _until(lambda: bool(engine.latest.engines) and bool(engine.latest.services) is finds)
        time.sleep(2.0)
        gc.collect()
        spent, began = cpu_seconds(os.getpid()), time.monotonic()
        time.sleep(SECONDS)
        share = 100 * (cpu_seconds(os.getpid()) - spent) / (time.monotonic() - began)
        containers.count += 1
        began = time.monotonic()
        engine.refresh()
        if finds:
            _until(lambda: engine.latest.service(f"alone-{CONTAINERS}") is not None)
        return share, time.monotonic() - began
    finally:
        engine.stop()


def _until(holds: Callable[[], bool]) -> None:
    while not holds():
        time.sleep(0.01)


def main() -> int:
    """Measure and print."""
    without, _ = measured(finds=False)
    share, soon = measured(finds=True)
    return report(
        [
            Figure(f"{CONTAINERS} containers that are not found", without, "% core"),
            Figure("the same, found as services", share, "% core"),
            Figure("finding them, between changes", share - without, "% core", MOST_SHARE),
            Figure("a new one is shown after", soon, "s", MOST_SECONDS),
        ]
    )


if __name__ == "__main__":
    raise SystemExit(main())
