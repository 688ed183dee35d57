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
    except (FileNotFoundError, ProcessLookupError):
        return None
    name, _, rest = raw.partition(b"(")[2].rpartition(b")")
    words = rest.split()
    if words[_STATE] in {b"Z", b"X"}:
        return None
    started = words[_START].decode("ascii")
    shown = sanitize_bytes(name, limit=40)
    return Process(pid, started, shown, _began(int(started)), _owner(pid))


def _owner(pid: int) -> int | None:
    """Its effective user; the owner of its folder is root's where it may not be dumped."""
    try:
        lines = Path(f"/proc/{pid}/status").read_bytes().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return next((int(line.split()[2]) for line in lines if line.startswith(b"Uid:")), None)


def _began(ticks: int) -> float | None:
    """The moment ``ticks`` after the machine's start, in Unix seconds."""
    for line in Path("/proc/stat").read_bytes().splitlines():
        if line.startswith(b"btime "):
            return int(line.split()[1]) + ticks / os.sysconf("SC_CLK_TCK")
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
