"""What this host's process table says of one process, and signalling that very one.

Invariant: a signal goes through a pidfd that was opened before the process was recognised, so that
another process that was given its id is never hit. Source: proc(5), ``/proc/PID/stat``.
"""

import os
import signal
from pathlib import Path
from typing import Final

from opsconsole.model.running.machine import Process
from opsconsole.text import sanitize_bytes

_STATE: Final = 0
_START: Final = 19


def process_of(pid: int) -> Process | None:
    """The process with that id, None when there is none or it is a zombie."""
    try:
        raw = Path(f"/proc/{pid}/stat").read_bytes()
        status = Path(f"/proc/{pid}/status").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return parsed(pid, raw, status, Path("/proc/stat").read_bytes(), os.sysconf("SC_CLK_TCK"))


def parsed(pid: int, raw: bytes, status: bytes, kernel: bytes, ticks: int) -> Process | None:
    """The process of ``/proc/PID/stat`` and ``status``; None of a zombie, or without sense.

    ``kernel`` is ``/proc/stat``, and ``ticks`` how many there are in a second.
    """
    name, _, rest = raw.partition(b"(")[2].rpartition(b")")
    words = rest.split()
    if len(words) <= _START or not words[_START].isdigit() or words[_STATE] in {b"Z", b"X"}:
        return None
    started = words[_START].decode("ascii")
    shown = sanitize_bytes(name, limit=40)
    return Process(pid, started, shown, _began(int(started), kernel, ticks), _owner(status))


def _owner(status: bytes) -> int | None:
    """Its effective user; the owner of its folder is root's where it may not be dumped."""
    lines = (line.split() for line in status.splitlines() if line.startswith(b"Uid:"))
    return next((int(words[2]) for words in lines if len(words) > 2 and words[2].isdigit()), None)


def _began(started: int, kernel: bytes, ticks: int) -> float | None:
    """The moment ``started`` ticks after the machine's start, in Unix seconds."""
    for line in kernel.splitlines():
        words = line.split()
        if words[:1] == [b"btime"] and words[1:2] and words[1].isdigit():
            return int(words[1]) + started / ticks
    return None


def signal_process(process: Process, name: str) -> bool:
    """Send signal ``name`` to that very process; False if it is gone. Raises OSError."""
    number = signal.Signals[f"SIG{name}"]
    try:
        descriptor = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return False
    try:
        found = process_of(process.pid)
        if found is None or found.started != process.started:
            return False
        signal.pidfd_send_signal(descriptor, number)
    except ProcessLookupError:
        return False
    finally:
        os.close(descriptor)
    return True
