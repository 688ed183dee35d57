"""The busiest processes of another host, from its process table. Pure but for its memory.

Invariant: as ``processes`` has it: shares are of the time since the look before, 1.0 is one core; a
process that is not understood is left out.
"""

import heapq
import os
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.model.running.hosts import Process
from opsconsole.text import sanitize_bytes

_STATE, _USER, _SYSTEM, _STARTED, _RESIDENT = 0, 11, 12, 19, 21
"""Fields of ``/proc/PID/stat`` after the name; proc(5) counts them 3, 14, 15, 22 and 24."""

_GONE: Final = (b"Z", b"X")
_LONGEST_ID: Final = 10

_Seen = tuple[bytes, int]
"""When a process started and what it has used, in ticks."""


@dataclass(frozen=True, slots=True)
class Busy:
    """A process and its share of a core."""

    pid: int
    name: str
    cpu: float
    pages: int


class ProcessTable:
    """Compares each look at the processes with the one before."""

    def __init__(self) -> None:
        self._seen: dict[bytes, _Seen] = {}
        self._at: float | None = None

    def take(self, said: bytes, count: int, *, now: float, ticks: int) -> tuple[Busy, ...]:
        """The ``count`` busiest, most CPU first, then most memory; none at the first look."""
        before, at = self._seen, self._at
        self._seen, self._at = {}, now
        busy: list[tuple[int, int, bytes, bytes]] = []
        for line in said.split(b"\n"):
            head, _, rest = line.rpartition(b") ")
            words = rest.split(None, _RESIDENT + 1)
            if len(words) <= _RESIDENT or words[_STATE] in _GONE:
                continue
            try:
                used = int(words[_USER][:18]) + int(words[_SYSTEM][:18])
                pages = int(words[_RESIDENT][:18])
            except ValueError:
                continue
            pid, _, name = head.partition(b" (")
            if not pid.isdigit() or len(pid) > _LONGEST_ID:
                continue
            started = words[_STARTED]
            known = before.get(pid)
            self._seen[pid] = started, used
            since = used - known[1] if known is not None and known[0] == started else 0
            busy.append((max(0, since), max(0, pages), pid, name))
        if at is None or now <= at:
            return ()
        return tuple(
            Busy(int(pid), sanitize_bytes(name, limit=64), since / ticks / (now - at), pages)
            for since, pages, pid, name in heapq.nlargest(count, busy)
        )

    def described(
        self, busiest: tuple[Busy, ...], names: bytes, *, page: int
    ) -> tuple[Process, ...]:
        """The same with their users, as ``stat -c '%n %U'`` says; '?' where it does not."""
        users = {}
        for line in names.split(b"\n"):
            path, _, user = line.partition(b" ")
            users[os.fsdecode(path)] = sanitize_bytes(user, limit=32)
        return tuple(
            Process(
                each.pid,
                each.name,
                each.cpu,
                each.pages * page,
                users.get(f"/proc/{each.pid}") or "?",
            )
            for each in busiest
        )
