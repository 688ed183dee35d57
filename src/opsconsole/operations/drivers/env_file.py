"""Switching feature flags in an env file, followed by a reload or a restart.

Invariant: the file is old-complete or new-complete at every instant and keeps its mode and owner;
only the declared keys change, and what they were is kept in the plan for the way back. Every
other line, comments and order included, stays as it is.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from opsconsole.config.actions import Action, PidFile
from opsconsole.model.machine import MachineError
from opsconsole.model.operation import ActionKind, Step
from opsconsole.operations.drivers.call import Call
from opsconsole.operations.drivers.followed import restart_after
from opsconsole.operations.drivers.recovering import degraded_steps
from opsconsole.operations.planning.driver import (
    Driver,
    DriverContext,
    ObserveError,
    Outcome,
    StepOutcome,
    declared,
    not_done,
)

LIMIT: Final = 1 << 20
"""Bytes of an env file."""

_LINE: Final = re.compile(rb"[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)[ \t]*=(.*)")
_OWN: Final = "env_file"


@dataclass(frozen=True, slots=True)
class SetFlags(Call):
    """The value of each key, None to take it out; and as it was ``previous``ly."""

    set: Mapping[str, str | None]
    previous: Mapping[str, str | None]


class EnvFileDriver(Driver):
    """Sets the flags (degrade), or puts back what they were (recover)."""

    def __init__(self, context: DriverContext) -> None:
        target = declared(context.action.env_file)
        self._context = context
        self._declared = target
        self._machine = context.machine
        self._found: dict[str, str] = {}
        self._path = context.base / Path(target.file).expanduser()

    def follow_up(self) -> DriverContext | None:
        """The service's declared restart, SIGHUP, or nothing."""
        if self._declared.then == "nothing":
            return None
        if self._declared.then == "restart":
            return restart_after(self._context)
        if self._declared.pid_file is None:
            raise ObserveError(
                f"nothing makes {self._context.service} read its flags",
                remedy="declare pid_file beside then: reload",
            )
        reload = Action(pid_file=PidFile(path=self._declared.pid_file, signal="HUP"))
        return replace(self._context, action=reload, kind=ActionKind.RESTART)

    async def observe(self) -> Mapping[str, str]:
        """The file as it is."""
        raw = await self._read()
        self._found = values_of(raw)
        return {f"{self._path.name} sha256": hashlib.sha256(raw).hexdigest()[:16]}

    def steps(self, facts: Mapping[str, str]) -> tuple[Step, ...]:
        """One write."""
        found, wanted = self._found, self._wanted()
        shown = ", ".join(
            f"{key} {found.get(key, 'unset')} → {'unset' if value is None else value}"
            for key, value in wanted.items()
        )
        call = SetFlags(wanted, {key: found.get(key) for key in wanted}).document()
        return (Step(f"write {self._path.name}: {shown}", _OWN, str(self._path), call),)

    async def execute(self, step: Step) -> StepOutcome:
        """Write the file whole, beside it and then over it."""
        flags = SetFlags.of(step).set
        try:
            raw = with_flags(await self._read(), flags)
            await self._machine.replace(self._path, raw)
        except ObserveError as error:
            return StepOutcome(Outcome.FAILED, f"{self._path.name} is as before: {error}")
        except MachineError as error:
            return not_done(error)
        return StepOutcome(Outcome.DONE, f"{len(flags)} flags written")

    async def reconcile(self, step: Step, before: Mapping[str, str]) -> StepOutcome:
        """Whether the flags in the file are those that were to be written."""
        found = values_of(await self._read())
        if all(found.get(key) == value for key, value in SetFlags.of(step).set.items()):
            return StepOutcome(Outcome.DONE, "the flags are in the file")
        return StepOutcome(Outcome.FAILED, "the flags are not in the file")

    def undo(self) -> str:
        """By putting back what the flags were."""
        return "recover: the flags are put back to what they were"

    def _wanted(self) -> Mapping[str, str | None]:
        if self._context.kind is not ActionKind.RECOVER:
            return self._declared.set
        (step, *_) = degraded_steps(self._context, _OWN)
        return SetFlags.of(step).previous

    async def _read(self) -> bytes:
        try:
            return await self._machine.read(self._path, LIMIT)
        except MachineError as error:
            raise ObserveError(f"cannot read {error}") from error


def values_of(raw: bytes) -> dict[str, str]:
    """The keys and values of an env file; the last of equal keys counts."""
    found: dict[str, str] = {}
    for line in raw.split(b"\n"):
        match = _LINE.fullmatch(line.rstrip(b"\r"))
        if match:
            found[match[1].decode("ascii")] = match[2].decode("utf-8", "surrogateescape")
    return found


def with_flags(raw: bytes, flags: Mapping[str, str | None]) -> bytes:
    """``raw`` with each flag set, or taken out where its value is None."""
    left = dict(flags)
    lines: list[bytes] = []
    for line in raw.split(b"\n"):
        match = _LINE.fullmatch(line.rstrip(b"\r"))
        key = match[1].decode("ascii") if match else ""
        if key not in flags:
            lines.append(line)
        elif key in left and (value := left.pop(key)) is not None:
            lines.append(_line(key, value))
    added = [_line(key, value) for key, value in left.items() if value is not None]
    if added and lines and lines[-1] == b"":
        lines[-1:] = [*added, b""]
    else:
        lines += added
    return b"\n".join(lines)


def _line(key: str, value: str) -> bytes:
    return f"{key}={value}".encode("utf-8", "surrogateescape")
