"""Resource use of this machine and this process as the kernel reports it, and its trend.

Invariant: every figure is measured; where /proc is not available it is 0. Shares are percent, sizes
are bytes, rates are bytes a second since the reading before.
"""

from __future__ import annotations

import os
import shutil
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from opsconsole.dataclass import dataclass

KEPT: Final = 24 * 360  # a day of readings, one every ten seconds
EVERY_S: Final = 10.0
POINTS: Final = 60


@dataclass(frozen=True, slots=True)
class Usage:
    """One reading; `timestamp` is Unix seconds."""

    timestamp: float
    cpu_percent: float
    memory_percent: float
    memory_used: int
    disk_percent: float
    network_sent_per_second: float
    network_received_per_second: float

    def as_body(self) -> dict[str, object]:
        """The reading as a page shows it."""
        return asdict(self)


class ResourceMonitor:
    """Reads /proc at most once a second and keeps a day of trend."""

    def __init__(self, folder: Path) -> None:
        """`folder` lies on the disk whose use is reported."""
        self._folder = folder
        self._cpu = _cpu_times()
        self._net = _network_bytes()
        self._last = self._read(0.0, 0.0, 0.0)
        self._trend: deque[Usage] = deque([self._last], maxlen=KEPT)

    def current(self) -> Usage:
        """The reading of this second."""
        elapsed = time.time() - self._last.timestamp
        if elapsed < 1.0:
            return self._last
        cpu, net = _cpu_times(), _network_bytes()
        busy, total = (now - before for now, before in zip(cpu, self._cpu, strict=True))
        sent, received = (
            (now - before) / elapsed for now, before in zip(net, self._net, strict=True)
        )
        self._cpu, self._net = cpu, net
        percent = 100 * busy / total if total > 0 else 0.0
        self._last = self._read(percent, sent, received)
        if self._last.timestamp - self._trend[-1].timestamp >= EVERY_S:
            self._trend.append(self._last)
        return self._last

    def trend(self, hours: float) -> list[Usage]:
        """Readings of the last `hours`, thinned to a few dozen."""
        since = time.time() - hours * 3600
        readings = [usage for usage in self._trend if usage.timestamp >= since]
        step = max(1, len(readings) // POINTS)
        return readings[::step]

    def _read(self, cpu: float, sent: float, received: float) -> Usage:
        used, total = _memory()
        disk = shutil.disk_usage(self._folder)
        return Usage(
            timestamp=time.time(),
            cpu_percent=round(cpu, 1),
            memory_percent=round(100 * used / total, 1) if total else 0.0,
            memory_used=used,
            disk_percent=round(100 * disk.used / disk.total, 1) if disk.total else 0.0,
            network_sent_per_second=round(sent, 1),
            network_received_per_second=round(received, 1),
        )


def summarise(values: Sequence[float]) -> dict[str, float]:
    """Least, mean and greatest of `values`, which is not empty."""
    return {
        "min": round(min(values), 1),
        "avg": round(sum(values) / len(values), 1),
        "max": round(max(values), 1),
    }


def resident_bytes() -> int:
    """Memory of this process that is in RAM; 0 where /proc is not available."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return []


def _cpu_times() -> tuple[int, int]:
    """Busy and total jiffies since boot (proc(5), /proc/stat)."""
    for line in _lines("/proc/stat"):
        if line.startswith("cpu "):
            times = [int(field) for field in line.split()[1:9]]
            idle = times[3] + times[4]
            return sum(times) - idle, sum(times)
    return 0, 0


def _memory() -> tuple[int, int]:
    """Used and total bytes (proc(5), /proc/meminfo)."""
    fields = {}
    for line in _lines("/proc/meminfo"):
        name, _, value = line.partition(":")
        fields[name] = int(value.split()[0]) * 1024
    total = fields.get("MemTotal", 0)
    return total - fields.get("MemAvailable", total), total


def _network_bytes() -> tuple[int, int]:
    """Sent and received bytes of all interfaces (proc(5), /proc/net/dev)."""
    sent = received = 0
    for line in _lines("/proc/net/dev")[2:]:
        fields = line.partition(":")[2].split()
        received += int(fields[0])
        sent += int(fields[8])
    return sent, received
