"""Switching feature flags in an env file, followed by a reload or a restart.

Invariant: the file is old-complete or new-complete at every instant and keeps its mode and owner;
only the values of the declared keys change, and how they were written is kept in the plan for the
way back. What a shell and a dotenv reader then see was compared before the change counts as done.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from opsconsole.config.actions import Action, PidFile
from opsconsole.dataclass import dataclass
from opsconsole.model.operation import ActionKind, Step
from opsconsole.model.running.machine import MachineError
from opsconsole.operations.drivers.call import Call
from opsconsole.operations.drivers.env_lines import texts_of, values_of, with_flags
from opsconsole.operations.drivers.followed import restart_after
from opsconsole.operations.drivers.recovering import degraded_steps, is_hearsay
from opsconsole.operations.driving.driver import (
    Driver,
    DriverContext,
    ObserveError,
    Outcome,
    StepOutcome,
    declared,
    not_done,
)
from opsconsole.text import sanitize

LIMIT: Final = 1 << 20
"""Bytes of an env file."""

_OWN: Final = "env_file"
_SHOWN: Final = 80


@dataclass(frozen=True, slots=True)
class SetFlags(Call):
    """The value of each key, None to take it out; and how it was written ``previous``ly.

    ``as_written``: what is set is with its quotes, as it was.
    """

    set: Mapping[str, str | None]
    previous: Mapping[str, str | None]
    as_written: bool = False


class EnvFileDriver(Driver):
    """Sets the flags (degrade), or puts back what they were (recover)."""

    def __init__(self, context: DriverContext) -> None:
        target = declared(context.action.env_file)
        self._context = context
        self._declared = target
        self._machine = context.machine
        self._raw = b""
        self._path = context.start / Path(target.file).expanduser()

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
        """The file as it is, in which the flags can be set. Raises ObserveError."""
        raw = self._raw = await self._read()
        self._changed(raw, self._wanted())
        return {f"{self._path.name} sha256": hashlib.sha256(raw).hexdigest()[:16]}

    def steps(self, facts: Mapping[str, str]) -> tuple[Step, ...]:
        """One write."""
        raw, call = self._raw, self._wanted()
        found, wanted = values_of(raw), values_of(self._changed(raw, call))
        shown = ", ".join(
            f"{key} {_shown(found.get(key))} → {_shown(wanted.get(key))}" for key in call.set
        )
        texts = texts_of(raw)
        call = replace(call, previous={key: texts.get(key) for key in call.set})
        summary = f"write {self._path.name}: {shown}"
        return (Step(summary, _OWN, str(self._path), call.document()),)

    async def execute(self, step: Step) -> StepOutcome:
        """Write the file whole, beside it and then over it, and read it back."""
        call = SetFlags.of(step)
        try:
            after = self._changed(await self._read(), call)
            await self._machine.replace(self._path, after)
        except ObserveError as error:
            return StepOutcome(Outcome.FAILED, f"{self._path.name} is as before: {error}")
        except MachineError as error:
            return not_done(error)
        if await self._read() != after:
            return StepOutcome(Outcome.FAILED, "somebody else has written the file meanwhile")
        return StepOutcome(Outcome.DONE, f"{len(call.set)} flags written")

    async def reconcile(self, step: Step, before: Mapping[str, str]) -> StepOutcome:
        """Whether the flags in the file are those that were to be written."""
        raw, call = await self._read(), SetFlags.of(step)
        found = texts_of(raw) if call.as_written else values_of(raw)
        if all(found.get(key) == value for key, value in call.set.items()):
            return StepOutcome(Outcome.DONE, "the flags are in the file")
        return StepOutcome(Outcome.FAILED, "the flags are not in the file")

    def undo(self) -> str:
        """By putting back what the flags were."""
        return "recover: the flags are put back to what they were"

    def _wanted(self) -> SetFlags:
        if self._context.kind is not ActionKind.RECOVER:
            return SetFlags(self._declared.set, {})
        (step, *_) = degraded_steps(self._context, _OWN)
        previous = SetFlags.of(step).previous
        if is_hearsay(self._context):
            self._refuse_odd(previous)
        return SetFlags(previous, {}, as_written=True)

    def _refuse_odd(self, previous: Mapping[str, str | None]) -> None:
        """Raise ObserveError for what no degradation of these flags can have left."""
        odd = previous.keys() - self._declared.set.keys()
        lines = [key for key, value in previous.items() if value and not value.isprintable()]
        if odd or lines:
            raise ObserveError(
                f"the journal would have {', '.join(sorted({*odd, *lines}))[:_SHOWN]!r} put back, "
                "which this action does not set so",
                remedy="look at who wrote that, and write the flags by hand",
            )

    def _changed(self, raw: bytes, call: SetFlags) -> bytes:
        try:
            return with_flags(raw, call.set, as_written=call.as_written)
        except ValueError as error:
            raise ObserveError(
                f"{self._path}: {error}", remedy="write the flags there by hand, one a line"
            ) from error

    async def _read(self) -> bytes:
        try:
            return await self._machine.read(self._path, LIMIT)
        except MachineError as error:
            raise ObserveError(f"cannot read {error}") from error


def _shown(value: str | None) -> str:
    return "unset" if value is None else sanitize(value, limit=_SHOWN)
