"""Reading this host's counters with psutil. Blocks; belongs to one thread.

Invariant: every share is of the time between two readings that this object made itself.
psutil's own percentages keep their baseline per thread, and say 0 % in a new one.
"""

import os
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from opsconsole.dataclass import dataclass
from opsconsole.model.running.hosts import Pressure
from opsconsole.sources.host.pressure import pressure_of
from opsconsole.sources.host.rates import CpuTimes, Traffic, cpu_shares, traffic_rates

_FIRST_DELTA: Final = 0.1
_SHORTEST: Final = 0.05
_INTERFACES: Final = Path("/sys/class/net")
_PRESSURE: Final = Path("/proc/pressure")
_WAITED_FOR: Final = ("cpu", "memory", "io")


@dataclass(frozen=True, slots=True)
class Figures:
    """What changes from moment to moment, with the units of ``model.running.hosts.Host``."""

    cores: tuple[float, ...]
    load: tuple[float, float, float]
    memory_used: int
    memory_total: int
    swap_used: int
    swap_total: int
    received: float | None
    sent: float | None
    uptime: float
    pressure: Pressure | None = None


@dataclass(frozen=True, slots=True)
class _Counters:
    """One reading of counters, of which only differences matter; ``at`` is monotonic."""

    at: float
    cores: tuple[CpuTimes, ...]
    traffic: Mapping[str, Traffic]


class HostSampler:
    """Takes the host's figures, each time since the time before."""

    def __init__(self) -> None:
        self._counters: _Counters | None = None
        self._cores: tuple[float, ...] = ()
        self._rates: tuple[float, float] | None = None

    def take(self) -> Figures:
        """The figures of this moment. The first time takes a tenth of a second."""
        import psutil

        self._advance()
        memory = psutil.virtual_memory()
        swap = psutil.swap_memory()
        received, sent = self._rates or (None, None)
        return Figures(
            cores=self._cores,
            load=os.getloadavg(),
            memory_used=memory.total - memory.available,
            memory_total=memory.total,
            swap_used=swap.used,
            swap_total=swap.total,
            received=received,
            sent=sent,
            uptime=_uptime(),
            pressure=_pressure(),
        )

    def _advance(self) -> None:
        """Read the counters and replace the shares, unless hardly any time has passed."""
        before = self._counters
        if before is None:
            before = self._counters = _read_counters()
            time.sleep(_FIRST_DELTA)
        elif time.monotonic() - before.at < _SHORTEST:
            return
        after = _read_counters()
        shares = cpu_shares(before.cores, after.cores)
        if shares is None:
            time.sleep(_FIRST_DELTA)
            before, after = after, _read_counters()
            shares = cpu_shares(before.cores, after.cores) or self._cores
        self._cores = shares
        self._rates = traffic_rates(before.traffic, after.traffic, after.at - before.at)
        self._counters = after


def _read_counters() -> _Counters:
    import psutil

    cores = tuple(_cpu_times(times) for times in psutil.cpu_times(percpu=True))
    interfaces = psutil.net_io_counters(pernic=True, nowrap=False)
    traffic = {
        name: Traffic(interfaces[name].bytes_recv, interfaces[name].bytes_sent)
        for name in outer_interfaces(interfaces, _has_device)
    }
    return _Counters(time.monotonic(), cores, traffic)


def _cpu_times(times: Any) -> CpuTimes:
    """Guest time is in user time already, as proc(5) says."""
    fields = times._asdict()
    guests = fields.get("guest", 0.0) + fields.get("guest_nice", 0.0)
    total = sum(fields.values()) - guests
    return CpuTimes(total, total - fields["idle"] - fields.get("iowait", 0.0))


def outer_interfaces(names: Iterable[str], has_device: Callable[[str], bool]) -> list[str]:
    """Interfaces that lead out of this host: those with a device, else all but loopback.

    Bridges, tunnels and the ends of containers' cables would count the same bytes again.
    """
    known = [name for name in names if name != "lo"]
    return [name for name in known if has_device(name)] or known


def _has_device(name: str) -> bool:
    return (_INTERFACES / name / "device").exists()


def _pressure() -> Pressure | None:
    """None where the kernel does not count it."""
    try:
        return pressure_of(b"".join((_PRESSURE / name).read_bytes() for name in _WAITED_FOR))
    except OSError:
        return None


def _uptime() -> float:
    """Seconds since the start, counting time spent suspended."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
