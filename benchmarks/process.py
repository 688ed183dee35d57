"""What a process has used, as the kernel counts it."""

import os
from pathlib import Path


def cpu_seconds(pid: int) -> float:
    """Seconds of processor, user and system, of all threads of ``pid``."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(pid: int) -> int:
    """Bytes of memory that ``pid`` holds."""
    pages = Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
