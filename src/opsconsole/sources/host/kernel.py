"""What the kernel and df(1) of another host say, read from bytes. Pure.

Invariant: a figure is what proc(5) says it is, or NotUnderstoodError is raised; a line that is not
known is passed over. Sizes are bytes, times are seconds, CPU times are in the host's own ticks.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.model.running.hosts import Disk, Pressure
from opsconsole.sources.host.disks import choose_mounts
from opsconsole.sources.host.pressure import pressure_of
from opsconsole.sources.host.rates import CpuTimes, Traffic
from opsconsole.sources.host.sampler import outer_interfaces
from opsconsole.text import sanitize_bytes

_CPU: Final = re.compile(rb"\ncpu[0-9]+ ([0-9 ]+)")
_MEMORY: Final = re.compile(
    rb"\n(MemTotal|MemAvailable|MemFree|Buffers|Cached|SwapTotal|SwapFree): +([0-9]{1,15}) kB"
)
_INTERFACES: Final = b"\nInter-|"
_LONGEST_NAME: Final = 40
_INTERFACE_WORDS: Final = 16
_DEVICE: Final = re.compile(rb"/sys/class/net/([^/]+)/device")
_KIB: Final = 1024
_CERTAIN: Final = 1.0
_LATE: Final = 8.0
_LATE_SHARE: Final = 0.1
"""By how much two clocks, and the ways of two answers, may differ over a time."""


class NotUnderstoodError(Exception):
    """What is said is not what proc(5) describes; the text is sanitised."""


@dataclass(frozen=True, slots=True)
class Kernel:
    """One reading. Of the cores and the traffic only differences matter."""

    load: tuple[float, float, float]
    uptime: float
    memory_total: int
    memory_available: int
    swap_total: int
    swap_free: int
    cores: tuple[CpuTimes, ...]
    traffic: Mapping[str, Traffic]
    pressure: Pressure | None = None


@dataclass(frozen=True, slots=True)
class _Mount:
    device: str
    mountpoint: str
    fstype: str


def parse_kernel(said: bytes) -> Kernel:
    """``/proc/loadavg``, ``uptime``, ``meminfo``, ``net/dev``, ``stat``, ``pressure``: as ordered.

    A last line names the network interfaces that have a device.
    """
    memory = {name: int(amount) * _KIB for name, amount in _MEMORY.findall(said)}
    cores = tuple(_times(times.split()) for times in _CPU.findall(said))
    if not memory.get(b"MemTotal") or not cores:
        raise NotUnderstoodError("no memory or no processor")
    lines = said.split(b"\n", 2)
    return Kernel(
        load=_load(lines),
        uptime=_number(lines, 1, 0),
        memory_total=memory[b"MemTotal"],
        memory_available=min(_available(memory), memory[b"MemTotal"]),
        swap_total=memory.get(b"SwapTotal", 0),
        swap_free=min(memory.get(b"SwapFree", 0), memory.get(b"SwapTotal", 0)),
        cores=cores,
        traffic=_outer(said),
        pressure=pressure_of(said),
    )


def goes_on(before: Kernel, seen: Kernel, seconds: float) -> bool:
    """Whether ``seen`` is of the same run of a host as ``before``, ``seconds`` later by our clock.

    Its counters begin again when it boots. Raises NotUnderstoodError for what was said before.
    """
    passed = seen.uptime - before.uptime
    if passed == 0.0 and seconds >= _CERTAIN:
        raise NotUnderstoodError("its uptime stands still")
    same = passed > 0.0 and abs(passed - seconds) <= max(_LATE, seconds * _LATE_SHARE)
    return same and len(before.cores) == len(seen.cores)


def mounts_of(said: bytes) -> tuple[str, ...]:
    """The mount points worth showing, of ``/proc/filesystems`` and, after a line, ``mounts``."""
    kinds, _, mounts = said.partition(b"\n\n")
    with_device = {line.strip() for line in kinds.split(b"\n") if not line.startswith(b"nodev")}
    return choose_mounts(_mounts(mounts, with_device))


def disks_of(said: bytes) -> tuple[Disk, ...]:
    """What ``df -P -k`` says, as df counts: of what users may write, not the reserve."""
    found = {}
    for line in said.split(b"\n")[1:]:
        words = line.split(None, 5)
        if len(words) != 6 or not (words[2].isdigit() and words[3].isdigit()):
            continue
        used, free = (int(word[:15]) * _KIB for word in words[2:4])
        if used + free:
            mount = sanitize_bytes(words[5], limit=128)
            found[mount] = Disk(mount, used, used + free)
    return tuple(found.values())


def _mounts(said: bytes, with_device: set[bytes]) -> Iterator[_Mount]:
    for line in said.split(b"\n"):
        words = line.split(b" ")
        if len(words) >= 3 and words[2] in with_device:
            device, mount, kind = (os.fsdecode(_unescaped(word)) for word in words[:3])
            yield _Mount(device, mount, kind)


def _unescaped(word: bytes) -> bytes:
    """Blanks and the like are octal escapes there; getmntent(3)."""
    return re.sub(rb"\\([0-7]{3})", lambda found: bytes([int(found[1], 8) & 0xFF]), word)


def _load(lines: Sequence[bytes]) -> tuple[float, float, float]:
    return _number(lines, 0, 0), _number(lines, 0, 1), _number(lines, 0, 2)


def _number(lines: Sequence[bytes], line: int, word: int) -> float:
    try:
        number = float(lines[line].split()[word])
    except (IndexError, ValueError):
        raise NotUnderstoodError("no load or no uptime") from None
    if not 0 <= number < float("inf"):
        raise NotUnderstoodError("no load or no uptime")
    return number


def _times(words: Sequence[bytes]) -> CpuTimes:
    """Guest time is in user time already, as proc(5) says."""
    ticks = [float(word[:18]) for word in words[:8]]
    if len(ticks) < 4:
        raise NotUnderstoodError("no processor")
    idle = ticks[3] + (ticks[4] if len(ticks) > 4 else 0.0)
    return CpuTimes(sum(ticks), sum(ticks) - idle)


def _available(memory: Mapping[bytes, int]) -> int:
    """What can be given out; kernels before 3.14 do not say it."""
    said = memory.get(b"MemAvailable")
    if said is not None:
        return said
    return sum(memory.get(name, 0) for name in (b"MemFree", b"Buffers", b"Cached"))


def _outer(said: bytes) -> Mapping[str, Traffic]:
    """Those that lead out of the host: bridges and tunnels would count the same bytes again."""
    lines = said.partition(_INTERFACES)[2].partition(b"\ncpu")[0].split(b"\n")
    interfaces = {}
    for line in lines:
        name, _, rest = line.partition(b":")
        if (traffic := _traffic(rest.split())) is not None:
            interfaces[os.fsdecode(name.strip(b" ")[:_LONGEST_NAME])] = traffic
    found = _DEVICE.findall(said.rpartition(b"\ndevices ")[2])
    names = outer_interfaces(interfaces, set(map(os.fsdecode, found)).__contains__)
    return {name: interfaces[name] for name in names}


def _traffic(words: Sequence[bytes]) -> Traffic | None:
    if len(words) < _INTERFACE_WORDS or not (words[0].isdigit() and words[8].isdigit()):
        return None
    return Traffic(int(words[0][:20]), int(words[8][:20]))
