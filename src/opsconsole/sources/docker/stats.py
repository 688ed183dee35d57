"""What a container uses, from the engine's statistics or from its control groups. Pure.

Invariant: a share of CPU is the difference of two counters over the time between them, never
of one; None where there is only one, or where a counter went backwards (a restart).

Sources of the formulas: the engine's ``GET /containers/{id}/stats``; the kernel's
``cgroup-v1/memory.txt``, ``cgroup-v1/cpuacct.txt`` and ``cgroup-v2.txt``. Memory is what is
used without the inactive file cache, as the Docker CLI counts it.
"""

from collections.abc import Mapping, Set
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.sources.json_fields import integer, read_time

_LONGEST: Final = 600.0


@dataclass(frozen=True, slots=True)
class Usage:
    """Counters of one container at ``at``: CPU seconds since it started, bytes of memory."""

    at: float
    cpu_seconds: float | None
    memory: int | None


@dataclass(frozen=True, slots=True)
class Share:
    """What is shown: cores in use and bytes of memory."""

    cpu: float | None
    memory: int | None


class UsageBook:
    """The latest counters of each container, for the difference to the next ones."""

    def __init__(self) -> None:
        self._entries: dict[str, tuple[Usage, Share, float]] = {}

    def record(self, container_id: str, usage: Usage, now: float) -> None:
        """Note counters read at ``now`` on the steady clock (``usage.at`` may be another's)."""
        before = self._entries.get(container_id)
        share = Share(cpu_share(before[0] if before else None, usage), usage.memory)
        self._entries[container_id] = (usage, share, now)

    def share(self, container_id: str, now: float, oldest: float) -> Share | None:
        """What is known of a container; None when it is older than ``oldest`` seconds."""
        entry = self._entries.get(container_id)
        return entry[1] if entry and now - entry[2] <= oldest else None

    def keep(self, container_ids: Set[str]) -> None:
        """Forget all containers but these."""
        for gone in self._entries.keys() - container_ids:
            del self._entries[gone]


def cpu_share(before: Usage | None, after: Usage) -> float | None:
    """Cores in use between two readings: 2.0 is two whole cores.

    None over more than ten minutes, which would say nothing of this moment.
    """
    if before is None or before.cpu_seconds is None or after.cpu_seconds is None:
        return None
    elapsed = after.at - before.at
    used = after.cpu_seconds - before.cpu_seconds
    return used / elapsed if 0 < elapsed < _LONGEST and used >= 0 else None


def from_api(answer: object) -> Usage | None:
    """Usage from one statistics answer; None for a container that does not run."""
    root = answer if isinstance(answer, dict) else {}
    at = read_time(root.get("read"))
    if at is None:
        return None
    nanoseconds = _number(_part(_part(root, "cpu_stats"), "cpu_usage"), "total_usage")
    memory = _part(root, "memory_stats")
    cache = _part(memory, "stats")
    inactive = _number(cache, "total_inactive_file")
    if inactive is None:
        inactive = _number(cache, "inactive_file")
    used = _without_cache(_number(memory, "usage"), inactive)
    return Usage(at, None if nanoseconds is None else nanoseconds / 1e9, used)


def from_cgroup_v1(at: float, cpuacct_usage: str, usage_in_bytes: str, stat: str) -> Usage:
    """Usage from the texts of ``cpuacct.usage``, ``memory.usage_in_bytes``, ``memory.stat``."""
    nanoseconds = _whole(cpuacct_usage)
    memory = _without_cache(_whole(usage_in_bytes), _field(stat, "total_inactive_file"))
    return Usage(at, None if nanoseconds is None else nanoseconds / 1e9, memory)


def from_cgroup_v2(at: float, cpu_stat: str, current: str, stat: str) -> Usage:
    """Usage from the texts of ``cpu.stat``, ``memory.current`` and ``memory.stat``."""
    microseconds = _field(cpu_stat, "usage_usec")
    memory = _without_cache(_whole(current), _field(stat, "inactive_file"))
    return Usage(at, None if microseconds is None else microseconds / 1e6, memory)


def _without_cache(used: int | None, inactive: int | None) -> int | None:
    if used is None:
        return None
    return used - inactive if inactive is not None and inactive < used else used


def _part(mapping: Mapping[str, object], key: str) -> Mapping[str, object]:
    value = mapping.get(key)
    return value if isinstance(value, dict) else {}


def _number(mapping: Mapping[str, object], key: str) -> int | None:
    value = integer(mapping.get(key))
    return value if value is not None and value >= 0 else None


def _whole(text: str) -> int | None:
    word = text.strip()[:20]
    return int(word) if word.isdecimal() else None


def _field(text: str, name: str) -> int | None:
    """The number behind ``name`` in lines of name and number."""
    for line in text.splitlines():
        key, _, value = line.partition(" ")
        if key == name:
            return _whole(value)
    return None
