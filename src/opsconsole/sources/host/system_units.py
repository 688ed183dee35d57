"""What systemd says of units: one ``systemctl show`` for all that are asked for.

Invariant: reads only; ends within ``timeout`` seconds and raises nothing; a unit's name is an
argument of its own, never a part of a shell's line. Properties and their formats: systemctl(1),
org.freedesktop.systemd1(5).
"""

import time
from collections.abc import Mapping, Sequence
from typing import Final

from opsconsole.machines.base import Machine
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.running.machine import Command, End, Failure, MachineError
from opsconsole.text import sanitize, sanitize_bytes

PROPERTIES: Final = (
    "Id", "LoadState", "ActiveState", "SubState", "NRestarts", "MainPID", "MemoryCurrent",
    "MemoryMax", "CPUUsageNSec", "ActiveEnterTimestampMonotonic", "ExecMainStartTimestampMonotonic",
)  # fmt: skip

_OUTPUT: Final = 256 * 1024
_UNKNOWN: Final = 2**64 - 1
"""What systemd writes for a number that it does not know."""


async def show(
    machine: Machine, units: Sequence[str], timeout: float, *, user: bool = False
) -> tuple[Mapping[str, str], ...] | Fault:
    """The properties of each unit, in the order asked for; of the ``user``'s own manager if so."""
    manager = ("--user",) if user else ()
    argv = (
        "systemctl",
        *manager,
        "show",
        f"--property={','.join(PROPERTIES)}",
        "--no-pager",
        "--",
        *units,
    )
    command = Command(argv, inherits=True, together=True)
    try:
        finished = await machine.run(command, limit=_OUTPUT, deadline=timeout)
    except MachineError as error:
        hint = "units are read where systemd runs"
        absent = error.failure is Failure.NOT_FOUND
        kind = FaultKind.UNSUPPORTED if absent else FaultKind.LOCAL
        return Fault(kind, f"cannot run systemctl: {error}", hint)
    text = sanitize_bytes(finished.output, limit=1000, multiline=True).strip()
    if finished.end is not End.EXITED:
        late = finished.end is End.LATE
        kind = FaultKind.TIMEOUT if late else FaultKind.TOO_LARGE
        said = f"did not answer within {timeout:g} s" if late else "said too much"
        return Fault(kind, f"systemctl {said}")
    if finished.code:
        words = sanitize(text, limit=200)
        return Fault(FaultKind.LOCAL, f"systemctl ended with code {finished.code}: {words}")
    found = tuple(_block(block) for block in text.split("\n\n"))
    if len(found) != len(units):
        return Fault(
            FaultKind.NOT_UNDERSTOOD, f"systemctl reported {len(found)} units, not {len(units)}"
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
    return _ago(number(properties, "ActiveEnterTimestampMonotonic"))


def started(properties: Mapping[str, str]) -> float | None:
    """Seconds since its main process started, or it became active without one; None if inactive."""
    if properties.get("ActiveState") not in {"active", "reloading", "activating"}:
        return None
    process = number(properties, "ExecMainStartTimestampMonotonic")
    return _ago(process or number(properties, "ActiveEnterTimestampMonotonic"))


def _ago(since: int | None) -> float | None:
    """``since`` in microseconds of the clock that systemd counts with."""
    return max(0.0, time.monotonic() - since / 1e6) if since else None
