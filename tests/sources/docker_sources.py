"""Docker sources for tests, closed at the end."""

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

from opsconsole.clock import SystemClock
from opsconsole.config.settings import Docker
from opsconsole.model.events import Event
from opsconsole.model.running.workloads import Inventory
from opsconsole.sources.docker.cgroups import ControlGroups
from opsconsole.sources.docker.source import DockerSource

TIMEOUT = 0.5


@contextlib.asynccontextmanager
async def source_at(
    url: str,
    on_event: Callable[[Event], None] = lambda event: None,
    *,
    environ: Mapping[str, str] | None = None,
    folder: Path = Path("/nowhere"),
) -> AsyncIterator[DockerSource]:
    """A source that knows no local control groups, closed at the end."""
    source = DockerSource(
        Docker(host=url, timeout=TIMEOUT, interval=0.1, stats_interval=0.1),
        SystemClock(),
        on_event,
        environ=environ or {},
        control_groups=ControlGroups(folder),
    )
    try:
        yield source
    finally:
        await source.close()


async def view_of(source: DockerSource) -> Inventory:
    reading = await source.collect()
    assert reading.fault is None, reading.fault
    assert reading.value is not None
    return reading.value
