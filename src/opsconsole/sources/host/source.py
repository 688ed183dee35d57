"""This host: CPU, memory, disks, network, busiest processes.

Invariants:

* What changes every moment is read at each look; disks and processes at a slower pace beside
  it, so that a dead network share or a crowd of processes delays nothing.
* A disk that does not answer is left out and not asked again until its last call returns.
* The first reading's CPU is measured over a tenth of a second, never a made-up zero.
"""

import asyncio
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from opsconsole.clock import Clock
from opsconsole.config.hosts import HostSettings
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.reading import Reading
from opsconsole.model.running.hosts import Disk, Host, Process
from opsconsole.model.source_id import THIS_HOST, SourceId
from opsconsole.sources.base import Source
from opsconsole.sources.host.disks import mounted, read_disk
from opsconsole.sources.host.platform import describe_limits, recognise
from opsconsole.sources.host.processes import ProcessSampler
from opsconsole.sources.host.sampler import Figures, HostSampler
from opsconsole.text import sanitize
from opsconsole.threads import BoundedExecutor, QueueFullError, fault_of

_DEADLINE: Final = 2.0
_DISK_DEADLINE: Final = 1.0
_PROCESS_DEADLINE: Final = 10.0
_SLOW_INTERVAL: Final = 10.0
_PATIENCE: Final = 0.5
_BUSY_SHARE: Final = 0.02
_DISK_WORKERS: Final = 4
_CGROUPS: Final = Path("/sys/fs/cgroup")


class HostSource(Source[Host]):
    """Looks at the machine that the console runs on."""

    def __init__(
        self, settings: HostSettings, clock: Clock, *, environ: Mapping[str, str] | None = None
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._environ = os.environ if environ is None else environ
        self._calls = BoundedExecutor("host", 1, spares=0)
        self._process_calls = BoundedExecutor("host processes", 1, spares=0)
        self._disk_calls = BoundedExecutor("host disks", _DISK_WORKERS, spares=_DISK_WORKERS)
        self._sampler = HostSampler()
        self._process_sampler = ProcessSampler()
        self._platform: str | None = None
        self._disks: tuple[Disk, ...] = ()
        self._hung: set[str] = set()
        self._processes: tuple[Process, ...] = ()
        self._disk_task: asyncio.Task[None] | None = None
        self._process_task: asyncio.Task[None] | None = None
        self._disks_due = 0.0
        self._processes_due = 0.0

    @property
    def id(self) -> SourceId:
        """This host."""
        return THIS_HOST

    @property
    def interval(self) -> float:
        """Seconds between looks."""
        return self._settings.interval

    @property
    def endpoint(self) -> str:
        """Nothing to show: it is this host."""
        return ""

    async def collect(self) -> Reading[Host]:
        """Look once."""
        began = self._clock.now()
        try:
            host = await self._look()
        except (TimeoutError, QueueFullError) as error:
            return self._reading(began, fault=fault_of(error, "this host", _DEADLINE))
        except Exception as error:  # noqa: BLE001 - the source's boundary: a look fails alone
            reason = sanitize(f"{type(error).__name__}: {error}", limit=200)
            fault = Fault(FaultKind.LOCAL, f"cannot read this host's figures: {reason}")
            return self._reading(began, fault=fault)
        return self._reading(began, host=host)

    async def close(self) -> None:
        """End the looks that are under way."""
        for task in (self._disk_task, self._process_task):
            if task is not None:
                task.cancel()
                await asyncio.wait({task})
        for executor in (self._calls, self._process_calls, self._disk_calls):
            executor.close()

    def _reading(
        self, began: float, *, host: Host | None = None, fault: Fault | None = None
    ) -> Reading[Host]:
        now = self._clock.now()
        return Reading(source=THIS_HOST, taken_at=now, took=now - began, value=host, fault=fault)

    async def _look(self) -> Host:
        self._start_slow_looks()
        figures = await self._calls.run(self._sampler.take, deadline=_DEADLINE)
        if self._platform is None:
            self._platform = await self._calls.run(
                _describe_platform, self._environ, figures, deadline=_DEADLINE
            )
        if not self._disks and self._disk_task is not None:
            await asyncio.wait({self._disk_task}, timeout=_PATIENCE)
        return Host(
            name=sanitize(socket.gethostname(), limit=64),
            cpu=sum(figures.cores) / len(figures.cores) if figures.cores else 0.0,
            cores=figures.cores,
            load=figures.load,
            memory_used=figures.memory_used,
            memory_total=figures.memory_total,
            swap_used=figures.swap_used,
            swap_total=figures.swap_total,
            disks=self._disks,
            received=figures.received,
            sent=figures.sent,
            uptime=figures.uptime,
            processes=self._processes,
            platform=self._platform,
            pressure=figures.pressure,
        )

    def _start_slow_looks(self) -> None:
        """Begin the looks at disks and processes that are due and not under way."""
        self._raise_defects()
        now = self._clock.now()
        if now >= self._disks_due and _idle(self._disk_task):
            self._disks_due = now + _SLOW_INTERVAL
            self._disk_task = asyncio.create_task(self._look_at_disks())
        if self._settings.processes and now >= self._processes_due and _idle(self._process_task):
            self._process_task = asyncio.create_task(self._look_at_processes())

    def _raise_defects(self) -> None:
        """Raise what ended a slow look and was no failure to look; the next one starts again."""
        for task in (self._disk_task, self._process_task):
            if task is None or not task.done() or task.cancelled():
                continue
            defect = task.exception()
            if defect is not None:
                self._disk_task = self._process_task = None
                raise defect

    async def _look_at_processes(self) -> None:
        """Note the busiest; the next look is the later the longer this one took."""
        began = self._clock.now()
        try:
            found = await self._process_calls.run(
                self._process_sampler.take, self._settings.processes, deadline=_PROCESS_DEADLINE
            )
        except (TimeoutError, QueueFullError, OSError):
            # Without a list none is shown.
            found = ()
        now = self._clock.now()
        self._processes = found or ()
        first = found is None
        pause = self._settings.interval if first else _SLOW_INTERVAL
        self._processes_due = began + max(pause, (now - began) / _BUSY_SHARE)

    async def _look_at_disks(self) -> None:
        mounts = self._settings.disks
        try:
            mounts = mounts or await self._disk_calls.run(mounted, deadline=_DISK_DEADLINE)
        except (TimeoutError, QueueFullError, OSError):
            # The root is always there.
            mounts = ("/",)
        found = await asyncio.gather(*(self._look_at_disk(mount) for mount in mounts))
        self._disks = tuple(disk for disk in found if disk is not None)

    async def _look_at_disk(self, mount: str) -> Disk | None:
        if mount in self._hung:
            return None
        try:
            return await self._disk_calls.run(
                _read_while_noted, mount, self._hung, deadline=_DISK_DEADLINE
            )
        except (TimeoutError, QueueFullError):
            return None


def _read_while_noted(mount: str, hung: set[str]) -> Disk | None:
    """Read a disk; it is in ``hung`` until that returns, so that it is not asked again."""
    hung.add(mount)
    try:
        return read_disk(mount)
    finally:
        hung.discard(mount)


def _describe_platform(environ: Mapping[str, str], figures: Figures) -> str:
    """Where this is and its limits, such as ``in a container, limited to …``."""
    limits = describe_limits(
        _read_cgroup, memory=figures.memory_total, cores=max(1, len(figures.cores))
    )
    place = recognise(environ, os.path.exists)
    return ", ".join(part for part in (place, limits) if part)


def _read_cgroup(name: str) -> str | None:
    try:
        return (_CGROUPS / name).read_text(encoding="ascii")
    except (OSError, ValueError):
        return None


def _idle(task: asyncio.Task[None] | None) -> bool:
    return task is None or task.done()
