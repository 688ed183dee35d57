"""What this host's process table says of one process, by ``/proc``.

Invariant: a process is named by its id and its start together, so that an id that was given to
another process is never taken for the first. Source: proc(5), fields of ``/proc/PID/stat``.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from opsconsole import durable
from opsconsole.text import sanitize_bytes

_LIMIT: Final = 4096
"""Bytes of a pid file."""

_STATE, _START = 0, 19


@dataclass(frozen=True, slots=True)
class Process:
    """A live process. ``started`` is in clock ticks since the machine's start."""

    pid: int
    started: str
    name: str

    @property
    def run(self) -> str:
        """Names this run and no other."""
        return f"{self.pid} started {self.started}"


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
    return Process(pid, words[_START].decode("ascii"), sanitize_bytes(name, limit=40))


def process_in(path: Path) -> Process | None:
    """The live process that the pid file at ``path`` names, or None. Raises OSError, ValueError."""
    try:
        text = durable.read(path, _LIMIT, follow=True).decode("ascii", "replace").strip()
    except FileNotFoundError:
        return None
    if not text.isdecimal() or int(text) < 2:
        raise ValueError(f"{path} holds no process id")
    return process_of(int(text))
