"""Another host: CPU, memory, disks, network, busiest processes and its clock, over its line.

Invariants, as of this host (``source``):

* What changes every moment is one request of the standing line at each look. Disks are read by a
  program of their own beside it, so that a dead network share delays nothing; processes and the
  clock at a slower pace.
* Shares and rates are of the time between two looks, counted by the host's own clock. At the first
  look, after a gap and after a boot they are of a tenth of a second, never a made-up zero.
* What is said there is another's word: what is not understood is a fault, never a figure.
"""

import asyncio
from typing import Final

from opsconsole.clock import Clock
from opsconsole.config.hosts import RemoteHost
from opsconsole.machines.ssh.machine import SshMachine
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.reading import Reading, is_stale
from opsconsole.model.running.hosts import Disk, Host, Process
from opsconsole.model.running.machine import Command, End, MachineError
from opsconsole.model.source_id import SourceId, SourceKind
from opsconsole.sources.base import Source
from opsconsole.sources.host.kernel import (
    Kernel,
    NotUnderstoodError,
    disks_of,
    goes_on,
    mounts_of,
    parse_kernel,
)
from opsconsole.sources.host.kernel_processes import ProcessTable
from opsconsole.sources.host.rates import cpu_shares, traffic_rates
from opsconsole.sources.host.system_units import listed, unreached
from opsconsole.text import sanitize

_LOOK: Final = (
    "cat /proc/loadavg /proc/uptime /proc/meminfo /proc/net/dev /proc/stat"
    " /proc/pressure/cpu /proc/pressure/memory /proc/pressure/io 2>/dev/null\n"
)
_DEVICES: Final = "echo devices /sys/class/net/*/device"
_CLOCK: Final = "date +%s.%N"
_PROCESSES: Final = "cat /proc/[0-9]*/stat 2>/dev/null; true"
_MOUNTS: Final = "cat /proc/filesystems; echo; cat /proc/mounts"
_DEADLINE: Final = 6.0
_LOGIN: Final = 16.0
_LIMIT: Final = 1 << 20
_PROCESSES_LIMIT: Final = 16 << 20
_FIRST_DELTA: Final = 0.1
_SLOW_INTERVAL: Final = 10.0
_HUNG_INTERVAL: Final = 300.0
_PATIENCE: Final = 0.5
_NAME: Final = 200
_UNITS: Final = 50


class SshHostSource(Source[Host]):
    """Looks at a host through its machine."""

    def __init__(self, settings: RemoteHost, machine: SshMachine, clock: Clock) -> None:
        self._settings, self._machine, self._clock = settings, machine, clock
        self._id = SourceId(SourceKind.HOST, settings.name)
        self._before: tuple[Kernel, float] | None = None
        self._cores: tuple[float, ...] = ()
        self._disks: tuple[Disk, ...] = ()
        self._table = ProcessTable()
        self._processes: tuple[Process, ...] = ()
        self._skew: float | None = None
        self._failed: tuple[str, ...] = ()
        self._slow: asyncio.Task[None] | None = None
        self._slow_due = 0.0
        self._disks_due = 0.0

    @property
    def id(self) -> SourceId:
        """The host, by its name in the settings."""
        return self._id

    @property
    def interval(self) -> float:
        """Seconds between looks."""
        return self._settings.interval

    @property
    def endpoint(self) -> str:
        """What ssh is given."""
        return f"ssh {self._settings.destination}"

    async def collect(self) -> Reading[Host]:
        """Look once."""
        began = self._clock.now()
        try:
            host = await self._look()
        except MachineError as error:
            return self._reading(began, fault=unreached(error))
        except NotUnderstoodError as error:
            said = f"what {self._settings.name} says of itself is not understood: {error}"
            return self._reading(began, fault=Fault(FaultKind.NOT_UNDERSTOOD, said))
        return self._reading(began, host=host)

    async def close(self) -> None:
        """End the look that is under way."""
        if self._slow is not None:
            self._slow.cancel()
            await asyncio.wait({self._slow})

    def _reading(
        self, began: float, *, host: Host | None = None, fault: Fault | None = None
    ) -> Reading[Host]:
        now = self._clock.now()
        return Reading(source=self._id, taken_at=now, took=now - began, value=host, fault=fault)

    async def _look(self) -> Host:
        before, seen = await self._two_readings()
        self._start_slow_look()
        if not self._disks and self._slow is not None:
            await asyncio.wait({self._slow}, timeout=_PATIENCE)
        self._cores = cpu_shares(before.cores, seen.cores) or self._cores
        rates = traffic_rates(before.traffic, seen.traffic, seen.uptime - before.uptime)
        received, sent = rates or (None, None)
        return Host(
            name=self._settings.name,
            cpu=sum(self._cores) / len(self._cores) if self._cores else 0.0,
            cores=self._cores,
            load=seen.load,
            memory_used=seen.memory_total - seen.memory_available,
            memory_total=seen.memory_total,
            swap_used=seen.swap_total - seen.swap_free,
            swap_total=seen.swap_total,
            disks=self._disks,
            received=received,
            sent=sent,
            uptime=seen.uptime,
            processes=self._processes,
            ahead=self._skew,
            pressure=seen.pressure,
            failed=self._failed,
        )

    async def _two_readings(self) -> tuple[Kernel, Kernel]:
        """The one of the look before and one of now; two of now where these do not go together."""
        known = self._before
        before = await self._kernel(_LOGIN if known is None else _DEADLINE)
        now = self._clock.now()
        together = known is not None and goes_on(known[0], before, now - known[1])
        self._before = before, now
        if known is not None and together and not is_stale(known[1], self.interval, now):
            return known[0], before
        await asyncio.sleep(_FIRST_DELTA)
        seen = await self._kernel(_DEADLINE)
        self._before = seen, self._clock.now()
        return before, seen

    async def _kernel(self, deadline: float) -> Kernel:
        output, _ = await self._machine.ask(_LOOK + _DEVICES, limit=_LIMIT, deadline=deadline)
        return parse_kernel(output)

    def _start_slow_look(self) -> None:
        """Begin the look at disks, processes and the clock, if it is due and not under way."""
        if self._slow is not None and self._slow.done() and not self._slow.cancelled():
            defect = self._slow.exception()
            self._slow = None
            if defect is not None:
                raise defect
        now = self._clock.now()
        if now >= self._slow_due and self._slow is None:
            first = not self._slow_due
            # The second look at the processes is what their shares are counted from.
            self._slow_due = now + (0.0 if first else _SLOW_INTERVAL)
            self._slow = asyncio.create_task(self._look_slowly())

    async def _look_slowly(self) -> None:
        await self._look_at_clock()
        if self._settings.processes:
            await self._look_at_processes()
        await self._look_at_units()
        await self._look_at_disks()

    async def _look_at_clock(self) -> None:
        before = self._clock.now()
        try:
            output, _ = await self._machine.ask(_CLOCK, limit=_LIMIT, deadline=_DEADLINE)
            there = float(output.split(b".")[0] + b"." + output.strip().partition(b".")[2][:9])
        except (MachineError, ValueError):
            self._skew = None
            return
        after = self._clock.now()
        # Nothing is known of the time between, so that a difference within it is none.
        skew = there - (before + after) / 2
        self._skew = skew if abs(skew) > (after - before) / 2 else 0.0
        self._machine.clock_is(self._skew)

    async def _look_at_units(self) -> None:
        """The units that failed; none where there is no systemd, or it does not say."""
        every = await listed(self._machine, _DEADLINE)
        failed = () if isinstance(every, Fault) else (each.name for each in every if each.failed)
        self._failed = tuple(sorted(sanitize(name, limit=_NAME) for name in failed))[:_UNITS]

    async def _look_at_processes(self) -> None:
        try:
            output, far = await self._machine.ask(
                _PROCESSES, limit=_PROCESSES_LIMIT, deadline=_DEADLINE
            )
            busiest = self._table.take(
                output, self._settings.processes, now=self._clock.now(), ticks=far.ticks
            )
            if not busiest:
                return
            words = " ".join(f"/proc/{each.pid}" for each in busiest)
            names, _ = await self._machine.ask(
                f"stat -c '%n %U' {words} 2>/dev/null; true", limit=_LIMIT, deadline=_DEADLINE
            )
            self._processes = self._table.described(busiest, names, page=far.page)
        except (MachineError, NotUnderstoodError):
            self._processes = ()

    async def _look_at_disks(self) -> None:
        """By a program of its own: one that hangs on a dead share is ended alone.

        The kernel may not let it end, so that such a share is rarely asked.
        """
        if self._clock.now() < self._disks_due:
            return
        try:
            mounts = self._settings.disks
            if not mounts:
                output, _ = await self._machine.ask(_MOUNTS, limit=_LIMIT, deadline=_DEADLINE)
                mounts = mounts_of(output)
            command = Command(("df", "-P", "-k", *mounts))
            finished = await self._machine.run(command, limit=_LIMIT, deadline=_DEADLINE)
        except (MachineError, NotUnderstoodError):
            self._disks = ()
            return
        if finished.end is not End.EXITED:
            self._disks, self._disks_due = (), self._clock.now() + _HUNG_INTERVAL
            return
        # It fails where one of them cannot be read, and says the others.
        self._disks = disks_of(finished.output)
