"""What systemd says of units: one ``systemctl show`` for all that are asked for.

Invariant: reads only; ends within ``timeout`` seconds and raises nothing; a unit's name is an
argument of its own, never a part of a shell's line. Properties and their formats: systemctl(1),
org.freedesktop.systemd1(5).
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

from opsconsole.model.fault import Fault, FaultKind
from opsconsole.text import sanitize, sanitize_bytes

PROPERTIES: Final = (
    "Id", "LoadState", "ActiveState", "SubState", "NRestarts", "MainPID", "MemoryCurrent",
    "MemoryMax", "CPUUsageNSec", "ActiveEnterTimestampMonotonic",
)  # fmt: skip

_OUTPUT: Final = 256 * 1024
_UNKNOWN: Final = 2**64 - 1
"""What systemd writes for a number that it does not know."""


async def show(units: Sequence[str], timeout: float) -> tuple[Mapping[str, str], ...] | Fault:
    """The properties of each unit, in the order asked for."""
    argv = ("show", f"--property={','.join(PROPERTIES)}", "--no-pager", "--", *units)
    try:
        process = await asyncio.create_subprocess_exec(
            "systemctl", *argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
    except OSError as error:
        hint = "systemd is not on this machine: units are read where it runs"
        return Fault(FaultKind.UNSUPPORTED, f"cannot run systemctl: {error.strerror}", hint)
    try:
        output, _ = await asyncio.wait_for(process.communicate(), timeout)
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        return Fault(FaultKind.TIMEOUT, f"systemctl did not answer within {timeout:g} s")
    text = sanitize_bytes(output[:_OUTPUT], limit=1000, multiline=True).strip()
    if process.returncode:
        words = sanitize(text, limit=200)
        return Fault(FaultKind.LOCAL, f"systemctl ended with code {process.returncode}: {words}")
    found = tuple(_block(block) for block in text.split("\n\n"))
    if len(found) != len(units):
        return Fault(
            FaultKind.NOT_UNDERSTOOD, f"systemctl told of {len(found)} units, not {len(units)}"
        )
    return found


def _block(text: str) -> Mapping[str, str]:
    pairs = (line.partition("=") for line in text.split("\n") if "=" in line)
    return {key: value for key, _, value in pairs}


def number(properties: Mapping[str, str], name: str) -> int | None:
    """A property that is a number; None where systemd does not know or sets no limit."""
    text = properties.get(name, "")
    if not text.isdecimal():
        return None
    value = int(text[:20])
    return None if value >= _UNKNOWN else value


def uptime(properties: Mapping[str, str]) -> float | None:
    """Seconds since the unit became active, by the clock that systemd counts with."""
    since = number(properties, "ActiveEnterTimestampMonotonic")
    return max(0.0, time.monotonic() - since / 1e6) if since else None
