"""The busiest processes of another host, from its process table. Pure but for its memory.

Invariant: as ``processes`` has it: shares are of the time since the look before, 1.0 is one core; a
process that is not understood is left out.
"""

import heapq
import os
import re

from opsconsole.dataclass import dataclass
from opsconsole.model.running.hosts import Process
from opsconsole.text import sanitize_bytes

_LINE = re.compile(rb"([0-9]{1,10}) \((.*)\) ([A-Za-z]) ([0-9 -]+)")
_USER, _SYSTEM, _STARTED, _RESIDENT = 10, 11, 18, 20
"""Fields of ``/proc/PID/stat`` after the state; proc(5) counts them 14, 15, 22 and 24."""


@dataclass(frozen=True, slots=True)
class _Seen:
    pid: int
    name: str
    started: int
    used: int
    pages: int


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
        self._seen: dict[int, _Seen] = {}
        self._at: float | None = None

    def take(self, said: bytes, count: int, *, now: float, ticks: int) -> tuple[Busy, ...]:
        """The ``count`` busiest, most CPU first, then most memory; none at the first look."""
        found = {each.pid: each for line in said.split(b"\n") if (each := _parsed(line))}
        before, at = self._seen, self._at
        self._seen, self._at = found, now
        if at is None or now <= at:
            return ()
        busy = []
        for each in found.values():
            known = before.get(each.pid)
            same = known is not None and known.started == each.started
            used = max(0, each.used - known.used) if same and known is not None else 0
            busy.append(Busy(each.pid, each.name, used / ticks / (now - at), each.pages))
        return tuple(heapq.nlargest(count, busy, key=lambda each: (each.cpu, each.pages)))

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


def _parsed(line: bytes) -> _Seen | None:
    match = _LINE.fullmatch(line)
    if match is None:
        return None
    words = match[4].split()
    if len(words) <= _RESIDENT or match[3] in b"ZX":
        return None
    try:
        used = int(words[_USER][:18]) + int(words[_SYSTEM][:18])
        started, pages = int(words[_STARTED][:18]), int(words[_RESIDENT][:18])
    except ValueError:
        return None
    return _Seen(int(match[1]), sanitize_bytes(match[2], limit=64), started, used, max(0, pages))
