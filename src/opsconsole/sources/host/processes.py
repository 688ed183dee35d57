"""The host's busiest processes. Blocks; belongs to one thread.

Invariant: a process that ends, hides or is a zombie while it is looked at is left out, never
an error. ``cpu`` is of the time since the look before: 1.0 is one core.
"""

import heapq
import time
from typing import TYPE_CHECKING

from opsconsole.dataclass import dataclass
from opsconsole.model.running.hosts import Process
from opsconsole.text import sanitize

if TYPE_CHECKING:
    import psutil


@dataclass(frozen=True, slots=True)
class _Seen:
    """A process at one look. ``created`` distinguishes it from a later one of the same number."""

    created: float
    cpu_seconds: float


class ProcessSampler:
    """Compares each look at the processes with the one before."""

    def __init__(self) -> None:
        self._seen: dict[int, _Seen] = {}
        self._at: float | None = None

    def take(self, count: int) -> tuple[Process, ...] | None:
        """The ``count`` busiest, most CPU first, then most memory; None at the first look.

        Raises OSError when the processes cannot be listed.
        """
        import psutil

        now = time.monotonic()
        seen: dict[int, _Seen] = {}
        used: list[tuple[float, int, psutil.Process]] = []
        for process in _listed():
            try:
                entry = _look(process)
            except (psutil.Error, OSError, ValueError, LookupError, OverflowError):
                # The last three: what the kernel wrote of it is not understood.
                continue
            seen[process.pid] = entry
            used.append((self._cpu(process.pid, entry, now), process.pid, process))
        first = self._at is None
        self._seen, self._at = seen, now
        if first:
            return None
        busiest = heapq.nlargest(count, used, key=lambda item: item[:2])
        described = (_describe(process, cpu) for cpu, _, process in busiest)
        known = [process for process in described if process is not None]
        return tuple(sorted(known, key=lambda process: (-process.cpu, -process.memory)))

    def _cpu(self, pid: int, entry: _Seen, now: float) -> float:
        before = self._seen.get(pid)
        if before is None or self._at is None or before.created != entry.created:
            return 0.0
        return max(0.0, (entry.cpu_seconds - before.cpu_seconds) / (now - self._at))


def _listed() -> "list[psutil.Process]":
    import psutil

    try:
        return list(psutil.process_iter())
    except psutil.Error as error:
        raise OSError(f"the processes cannot be listed: {error}") from error


def _look(process: "psutil.Process") -> _Seen:
    times = process.cpu_times()
    return _Seen(process.create_time(), times.user + times.system)


def _describe(process: "psutil.Process", cpu: float) -> Process | None:
    """Name, memory and user; what may not be read is '?' or 0, a process that ended is None."""
    import psutil

    try:
        with process.oneshot():
            name = sanitize(process.name(), limit=64)
            memory = process.memory_info().rss
    except (psutil.Error, OSError, ValueError, LookupError, OverflowError):
        return None
    try:
        user = sanitize(process.username(), limit=32)
    except (psutil.Error, OSError, KeyError):
        user = "?"
    return Process(process.pid, name, cpu, memory, user)
