"""What systemd says of units: which are loaded, and one ``systemctl show`` for all that are meant.

Invariant: reads only; ends within ``timeout`` seconds and raises nothing; a unit's name is an
argument of its own, never a part of a shell's line. Properties, states and formats: systemctl(1),
org.freedesktop.systemd1(5).
"""

import time
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.machines.base import Machine
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.running.machine import Command, End, Failure, MachineError
from opsconsole.model.running.workloads import Phase, Place, Replica
from opsconsole.model.state import State
from opsconsole.sources.unreached import unreached
from opsconsole.text import sanitize, sanitize_bytes

PROPERTIES: Final = (
    "Id", "LoadState", "Type", "ActiveState", "SubState", "Result", "NRestarts",
    "MainPID", "ExecMainStatus", "MemoryCurrent", "MemoryMax", "CPUUsageNSec",
    "ActiveEnterTimestampMonotonic", "InactiveEnterTimestampMonotonic",
    "ExecMainStartTimestampMonotonic",
)  # fmt: skip

KIND: Final = "unit"
"""The word for a replica that is one."""

_ELSEWHERE: Final = 10.0
_NOW: Final = "now"
"""Beside the properties of a unit of another host: what its clock says."""

_UPTIME: Final = PurePath("/proc/uptime")
_OUTPUT: Final = 1024 * 1024
_LINE: Final = 1000
_UNKNOWN: Final = 2**64 - 1
"""What systemd writes for a number that it does not know."""

_STATES: Final = {
    "active": (Phase.RUNNING, State.OK),
    "reloading": (Phase.RUNNING, State.OK),
    "activating": (Phase.PENDING, State.UNKNOWN),
    "inactive": (Phase.ENDED, State.UNKNOWN),
    "failed": (Phase.ENDED, State.DOWN),
}
_NOT_KNOWN: Final = (Phase.UNKNOWN, State.UNKNOWN)
_WAITS: Final = "auto-restart"
"""The sub-state of a unit that has failed and is about to be started again."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A unit that is loaded, or failed and is no longer, by its full name and systemd's words."""

    name: str
    active: str
    sub: str

    @property
    def failed(self) -> bool:
        """Whether it failed, also where systemd is about to start it again."""
        return self.active == "failed" or self.sub == _WAITS

    def replica(self, place: Place) -> Replica:
        """What its words alone say of it."""
        return replica({"ActiveState": self.active, "SubState": self.sub}, self.name, place, 0.0)


async def listed(machine: Machine, timeout: float) -> tuple[Listed, ...] | Fault:
    """Every unit that systemd has in memory, also those that are not active."""
    options = "--all", "--plain", "--full", "--no-legend", "--no-pager"
    said = await _systemctl(machine, ("list-units", *options), timeout)
    if isinstance(said, Fault):
        return said
    # The columns are UNIT LOAD ACTIVE SUB DESCRIPTION.
    rows = (line.split(maxsplit=4) for line in said.split("\n"))
    return tuple(Listed(row[0], row[2], row[3]) for row in rows if len(row) >= 4)


async def show(
    machine: Machine, units: Sequence[str], timeout: float, *, user: bool = False
) -> tuple[Mapping[str, str], ...] | Fault:
    """The properties of each unit, in the order asked for; of the ``user``'s own manager if so."""
    manager = ("--user",) if user else ()
    argv = (*manager, "show", f"--property={','.join(PROPERTIES)}", "--no-pager", "--", *units)
    said = await _systemctl(machine, argv, timeout)
    if isinstance(said, Fault):
        return said
    clock = await _clock(machine)
    if isinstance(clock, Fault):
        return clock
    found = tuple({**_block(block), **clock} for block in said.split("\n\n"))
    if len(found) != len(units):
        return Fault(
            FaultKind.NOT_UNDERSTOOD, f"systemctl reported {len(found)} units, not {len(units)}"
        )
    return found


async def _systemctl(machine: Machine, argv: Sequence[str], timeout: float) -> str | Fault:
    """What it wrote."""
    command = Command(("systemctl", *argv), inherits=True, together=True)
    # Another host may have to be logged in to first.
    timeout = max(timeout, _ELSEWHERE) if machine.name else timeout
    try:
        finished = await machine.run(command, limit=_OUTPUT, deadline=timeout)
    except MachineError as error:
        if machine.name and error.failure is not Failure.NOT_FOUND:
            return unreached(error)
        absent = error.failure is Failure.NOT_FOUND
        hint = "units are read where systemd runs" if absent else error.remedy
        kind = FaultKind.UNSUPPORTED if absent else FaultKind.LOCAL
        return Fault(kind, f"cannot run systemctl: {error.what}", hint)
    text = sanitize_bytes(finished.output, limit=_LINE, multiline=True).strip()
    if finished.end is not End.EXITED:
        late = finished.end is End.LATE
        kind = FaultKind.TIMEOUT if late else FaultKind.TOO_LARGE
        said = f"did not answer within {timeout:g} s" if late else "said too much"
        return Fault(kind, f"systemctl {said}")
    if finished.code:
        words = sanitize(text, limit=200)
        return Fault(FaultKind.LOCAL, f"systemctl ended with code {finished.code}: {words}")
    return text


def _block(text: str) -> Mapping[str, str]:
    pairs = (line.partition("=") for line in text.split("\n") if "=" in line)
    return {key: value for key, _, value in pairs}


def replica(properties: Mapping[str, str], name: str, place: Place, now: float) -> Replica:
    """The unit as the model has it; ``now`` is by the clock of the replicas' times.

    One that does its work once, and has, is well though it is not active. One that is in no
    state of failure and does not run is *unknown*: its service knows whether it should.
    """
    active, sub = properties.get("ActiveState", ""), properties.get("SubState", "")
    phase, state = _STATES.get(active, _NOT_KNOWN)
    result = properties.get("Result", "")
    ended = _ago(properties, "InactiveEnterTimestampMonotonic")
    if sub == _WAITS:
        phase, state = Phase.RESTARTING, State.DOWN
    elif active == "inactive" and properties.get("Type") == "oneshot":
        state = State.OK if result == "success" and ended is not None else state
    lasted = uptime(properties) if active == "active" else None
    runs = phase is Phase.RUNNING
    return Replica(
        id=f"{place.name}:{name}",
        name=name,
        kind=KIND,
        place=place,
        status=f"{active} ({sub})",
        phase=phase,
        state=state,
        exit_code=None if runs or not ended else number(properties, "ExecMainStatus"),
        oom_killed=not runs and result == "oom-kill",
        memory=number(properties, "MemoryCurrent"),
        memory_limit=number(properties, "MemoryMax"),
        restarts=number(properties, "NRestarts"),
        started_at=None if lasted is None else now - lasted,
        finished_at=None if runs or ended is None else now - ended,
        pid=number(properties, "MainPID") or None,
        detail=_detail(properties, state),
    )


def _detail(properties: Mapping[str, str], state: State) -> str:
    """``failed: exit-code 203``: how it failed, in systemd's words; '' where it did not."""
    result = properties.get("Result", "")
    if state is not State.DOWN:
        return ""
    active = properties.get("SubState", "") or properties.get("ActiveState", "")
    if result in {"", "success"}:
        return active
    code = number(properties, "ExecMainStatus")
    return f"{active}: {result} {code}" if code else f"{active}: {result}"


class CpuUse:
    """How many cores each unit uses, between two looks."""

    def __init__(self) -> None:
        self._used: dict[str, tuple[float, int]] = {}

    def of(self, name: str, properties: Mapping[str, str], now: float) -> float | None:
        """Cores in use since the previous look; None at first and after the unit restarted."""
        used = number(properties, "CPUUsageNSec")
        before = self._used.pop(name, None)
        if used is None:
            return None
        self._used[name] = (now, used)
        if before is None or now <= before[0] or used < before[1]:
            return None
        return (used - before[1]) / 1e9 / (now - before[0])


def number(properties: Mapping[str, str], name: str) -> int | None:
    """A property that is a number; None where systemd does not know or sets no limit."""
    text = properties.get(name, "")
    if not text.isdecimal():
        return None
    value = int(text[:20])
    return None if value >= _UNKNOWN else value


def uptime(properties: Mapping[str, str]) -> float | None:
    """Seconds since the unit became active, by the clock that systemd counts with."""
    return _ago(properties, "ActiveEnterTimestampMonotonic")


def started(properties: Mapping[str, str]) -> float | None:
    """Seconds since its main process started, or it became active without one; None if inactive."""
    if properties.get("ActiveState") not in {"active", "reloading", "activating"}:
        return None
    process = _ago(properties, "ExecMainStartTimestampMonotonic")
    return process if process is not None else _ago(properties, "ActiveEnterTimestampMonotonic")


def _ago(properties: Mapping[str, str], name: str) -> float | None:
    """Seconds since a moment in microseconds of the clock that systemd counts with."""
    since = number(properties, name)
    if not since:
        return None
    there = number(properties, _NOW)
    now = time.monotonic() if there is None else there / 1e6
    return max(0.0, now - since / 1e6)


async def _clock(machine: Machine) -> Mapping[str, str] | Fault:
    """What that clock says on another host, which started at another time; nothing of this one.

    It counts on while a machine is suspended, and systemd's does not; a server is not.
    """
    if not machine.name:
        return {}
    try:
        said = (await machine.read(_UPTIME, _LINE)).split()
        return {_NOW: str(int(float(said[0]) * 1e6))}
    except MachineError as error:
        return unreached(error)
    except (ValueError, IndexError, OverflowError):
        return Fault(FaultKind.NOT_UNDERSTOOD, f"the clock of {machine.name} is not understood")
