"""When a promise is due.

Invariant: while the machine stays up, time is measured on ``CLOCK_BOOTTIME``, so that a stepped
clock or a suspended laptop changes nothing; after a reboot the wall decides.
"""

import time
from dataclasses import replace
from pathlib import Path
from typing import Final

from opsconsole.operations.journal.records import Promise

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
_STEPPED: Final = 2.0
"""Seconds between the wall's end and the boot clock's from which the boot clock is believed."""


def due_in(promise: Promise, seconds: float) -> Promise:
    """``promise``, due so many seconds from now."""
    return replace(
        promise,
        due=time.time() + seconds,
        boot_id=_boot_id(),
        due_boottime=time.clock_gettime(time.CLOCK_BOOTTIME) + seconds,
    )


def left(promise: Promise) -> float:
    """Seconds until it is due; negative when it is overdue."""
    if promise.boot_id and promise.boot_id == _boot_id():
        return promise.due_boottime - time.clock_gettime(time.CLOCK_BOOTTIME)
    return promise.due - time.time()


def due_at(promise: Promise) -> float:
    """The wall's end, unless the wall was stepped since: then what is left by the boot clock."""
    by_boot_clock = time.time() + left(promise)
    return promise.due if abs(by_boot_clock - promise.due) < _STEPPED else by_boot_clock


def _boot_id() -> str:
    try:
        return _BOOT_ID.read_text("ascii").strip()
    except OSError:
        return ""
