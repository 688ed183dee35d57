"""Another host: CPU, memory, disks, network, busiest processes and its clock, over its line.

Invariants, as of this host (``source``):

* What changes every moment is one request of the standing line at each look, processes, units and
  disks one at a slower pace. Disks that the settings name, which may be network shares, are read
  by a program on a line of its own, so that a dead one delays nothing; so is all that did not
  answer, for a while.
* Shares and rates are of the time between two looks, counted by the host's own clock. At the first
  look, after a gap and after a boot they are of a tenth of a second, never a made-up zero.
* What is said there is another's word: what is not understood is a fault, never a figure.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from opsconsole.clock import Clock
from opsconsole.config.hosts import RemoteHost
from opsconsole.machines.ssh.far_end import in_one, quoted
from opsconsole.machines.ssh.line import FarEnd
from opsconsole.machines.ssh.machine import SshMachine
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.reading import Reading, is_stale
from opsconsole.model.running.host_certificates import HostCertificate
from opsconsole.model.running.hosts import Disk, Host, Process
from opsconsole.model.running.machine import Command, End, Failure, MachineError
from opsconsole.model.source_id import SourceId, SourceKind
from opsconsole.sources.base import Source
from opsconsole.sources.host import certificates
from opsconsole.sources.host.kernel import (
    Kernel,
    NotUnderstoodError,
    disks_of,
    goes_on,
    mounts_of,
    parse_kernel,
)
from opsconsole.sources.host.kernel_processes import Busy, ProcessTable
from opsconsole.sources.host.rates import cpu_shares, traffic_rates
from opsconsole.sources.host.system_units import listed
from opsconsole.sources.unreached import unreached
from opsconsole.text import sanitize, sanitize_bytes

_LOOK: Final = (
    "cat /proc/loadavg /proc/uptime /proc/meminfo /proc/net/dev /proc/stat"
    " /proc/pressure/cpu /proc/pressure/memory /proc/pressure/io 2>/dev/null\n"
)
_DEVICES: Final = "echo devices /sys/class/net/*/device"
_CLOCK: Final = "\nexec date +'clock %s.%N'"
_PROCESSES: Final = "cat /proc/[0-9]*/stat 2>/dev/null | dd ibs=16384 obs=32768 2>/dev/null"
_MOUNTS: Final = "cat /proc/filesystems; echo; cat /proc/mounts"
_FAILED: Final = (
    "systemctl list-units --all --state=failed,auto-restart --plain --full --no-legend --no-pager"
    " </dev/null 2>/dev/null"
)
_DF: Final = ("df", "-P", "-k")
_NEXT: Final = "\nprintf '\\n==\\n'\n"
_BETWEEN: Final = b"\n==\n"
_DEADLINE: Final = 6.0
_LOGIN: Final = 16.0
_LIMIT: Final = 1 << 20
_PROCESSES_LIMIT: Final = 16 << 20
_FIRST_DELTA: Final = 0.1
_SLOW_INTERVAL: Final = 10.0
_HUNG_INTERVAL: Final = 300.0
_CERTIFICATES_EVERY: Final = 60.0
_PATIENCE: Final = 0.5
_NAME: Final = 200
_SECONDS: Final = 12
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
        self._certificates: tuple[HostCertificate, ...] = ()
        self._certificates_due = 0.0
        self._slow: asyncio.Task[None] | None = None
        self._users = ":"
        self._mounts: tuple[str, ...] = ()
        self._clock_due = 0.0
        self._slow_due = 0.0
        self._disks_due = 0.0
        self._disks_pause = _SLOW_INTERVAL
        self._beside_until = 0.0

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
        await self._begin_slow_look()
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
            certificates=self._certificates,
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
        before = self._clock.now()
        due = before >= self._clock_due
        code = in_one(_LOOK + _DEVICES + (_CLOCK if due else ""))
        output, _ = await self._machine.ask(code, limit=_LIMIT, deadline=deadline)
        if due:
            self._clock_due = before + _SLOW_INTERVAL
            self._see_clock(output, before, self._clock.now())
        return parse_kernel(output)

    def _see_clock(self, said: bytes, before: float, after: float) -> None:
        _, known, words = said.rpartition(b"\nclock ")
        seconds, _, fraction = words.partition(b".")
        if not known or not seconds.isdigit() or len(seconds) > _SECONDS:
            self._skew = None
            return
        # That of busybox knows whole seconds alone.
        exact = fraction[:9].isdigit()
        there = float(seconds + b"." + (fraction[:9] if exact else b"5"))
        skew = there - (before + after) / 2
        # Nothing is known of the time between, so that a difference within it is none.
        unsure = (after - before) / 2 + (0.0 if exact else 0.5)
        self._skew = skew if abs(skew) > unsure else 0.0
        self._machine.clock_is(self._skew)

    async def _begin_slow_look(self) -> None:
        """Begin the look at processes, units and disks, if it is due and not under way.

        It is waited for a little, so that what it sees is of this look, and not of the next.
        """
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
            await asyncio.wait({self._slow}, timeout=_PATIENCE)

    async def _look_slowly(self) -> None:
        beside = bool(self._settings.disks) or self._clock.now() < self._beside_until
        try:
            await self._look_in_one(beside=beside)
        except MachineError as error:
            self._processes, self._failed, self._disks = (), (), ()
            if error.failure is Failure.TIMED_OUT:
                self._beside_until = self._clock.now() + _HUNG_INTERVAL
            return
        await self._look_at_certificates()
        if beside:
            await self._look_at_units()
            await self._look_at_disks()

    async def _look_in_one(self, *, beside: bool) -> None:
        """In one request, unless who uses the host or what is mounted there is new.

        It leaves out what is looked at ``beside`` it.
        """
        users, mounts = self._users, self._mounts
        parts = (
            _PROCESSES if self._settings.processes else ":",
            users,
            *(() if beside else (_MOUNTS, _df(mounts), _FAILED)),
        )
        output, far = await self._ask(_NEXT.join(parts))
        said = output.split(_BETWEEN)
        if len(said) != len(parts):
            raise MachineError(Failure.OTHER, "an answer that is not understood")
        busiest = self._table.take(
            said[0], self._settings.processes, now=self._clock.now(), ticks=far.ticks
        )
        if busiest:
            self._users = _users_of(busiest)
            names = said[1] if self._users == users else (await self._ask(self._users))[0]
            self._processes = self._table.described(busiest, names, page=far.page)
        if not beside:
            self._mounts = mounts_of(said[2])
            df = said[3] if self._mounts == mounts else (await self._ask(_df(self._mounts)))[0]
            self._disks = disks_of(df)
            units = (line.split(None, 1) for line in said[4].split(b"\n"))
            self._failed = tuple(
                sorted(sanitize_bytes(words[0], limit=_NAME) for words in units if words)
            )[:_UNITS]

    async def _ask(self, code: str) -> tuple[bytes, FarEnd]:
        return await self._machine.ask(code, limit=_PROCESSES_LIMIT, deadline=_DEADLINE)

    async def _look_at_units(self) -> None:
        """The units that failed; none where there is no systemd, or it does not say."""
        every = await listed(self._machine, _DEADLINE)
        failed = () if isinstance(every, Fault) else (each.name for each in every if each.failed)
        self._failed = tuple(sorted(sanitize(name, limit=_NAME) for name in failed))[:_UNITS]

    async def _look_at_certificates(self) -> None:
        """Those that were read stay where the host does not answer: they end all the same."""
        wanted = self._settings.certificates
        if not wanted.files or self._clock.now() < self._certificates_due:
            return
        with suppress(MachineError):
            self._certificates = await certificates.look(self._machine, wanted)
            self._certificates_due = self._clock.now() + _CERTIFICATES_EVERY

    async def _look_at_disks(self) -> None:
        """By a program of its own: one that hangs on a dead share is ended alone.

        The kernel may not let it end, so that such a share is asked ever more rarely; a host may be
        too busy to answer once, so that it is not given up at once.
        """
        if self._clock.now() < self._disks_due:
            return
        mounts = self._settings.disks or self._mounts
        if not mounts:
            return
        command = Command((*_DF, *mounts))
        try:
            finished = await self._machine.run(command, limit=_LIMIT, deadline=_DEADLINE)
        except MachineError:
            self._disks = ()
            return
        if finished.end is not End.EXITED:
            self._disks, self._disks_due = (), self._clock.now() + self._disks_pause
            self._disks_pause = min(_HUNG_INTERVAL, 2 * self._disks_pause)
            return
        self._disks_pause = _SLOW_INTERVAL
        # It fails where one of them cannot be read, and says the others.
        self._disks = disks_of(finished.output)


def _df(mounts: Sequence[str]) -> str:
    return " ".join((*_DF, *map(quoted, mounts), "</dev/null 2>/dev/null")) if mounts else ":"


def _users_of(busiest: Sequence[Busy]) -> str:
    """Code that says whose they are, whichever of them is the busiest."""
    paths = " ".join(f"/proc/{pid}" for pid in sorted(each.pid for each in busiest))
    return f"stat -c '%n %U' {paths} 2>/dev/null"
