"""Restarting a systemd unit of the system or of the user, by ``systemctl``.

Invariant: the unit is asked for by its full name and never through a shell; ``--no-ask-password``
keeps polkit from asking on a terminal. A unit's ``InvocationID`` changes with every start and
tells whether a restart happened.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from opsconsole.model.operation import Step
from opsconsole.model.state import State
from opsconsole.operations.drivers.call import Call
from opsconsole.operations.drivers.settling import settle
from opsconsole.operations.planning.driver import (
    NOT_UNDONE,
    Driver,
    DriverContext,
    ObserveError,
    Outcome,
    Sight,
    StepOutcome,
    declared,
)
from opsconsole.text import sanitize_bytes

_PROPERTIES: Final = "LoadState,ActiveState,SubState,InvocationID,MainPID"
_LOOK: Final = 10.0
_RESTART: Final = 120.0
_STATES: Final = {
    "active": State.OK,
    "reloading": State.OK,
    "activating": State.UNKNOWN,
    "deactivating": State.UNKNOWN,
    "inactive": State.DOWN,
    "failed": State.DOWN,
}


@dataclass(frozen=True, slots=True)
class UnitRestart(Call):
    """Which start of the unit ran, '' where none did."""

    invocation: str


class SystemdRestart(Driver):
    """``systemctl restart`` of one unit."""

    def __init__(self, context: DriverContext) -> None:
        target = declared(context.action.systemd)
        unit = target.unit
        self._clock = context.clock
        self._unit = unit if "." in unit else f"{unit}.service"
        self._scope = "--user" if target.user else "--system"

    async def observe(self) -> Mapping[str, str]:
        """The unit's state and which start of it runs."""
        seen = await self._show()
        if seen.get("LoadState") != "loaded":
            raise ObserveError(
                f"unit {self._unit} is {seen.get('LoadState') or 'not known'}",
                remedy="look at its name",
            )
        facts = {"unit": f"{self._unit} {seen.get('ActiveState', '')}"}
        if seen.get("ActiveState") == "active":
            facts["invocation"] = seen.get("InvocationID", "")
        return facts

    def steps(self, facts: Mapping[str, str]) -> tuple[Step, ...]:
        """The one call."""
        call = UnitRestart(facts.get("invocation", "")).document()
        summary = f"systemctl {self._scope} restart {self._unit}"
        return (Step(summary, "systemd", self._unit, call),)

    async def before(self, step: Step) -> Mapping[str, str]:
        """Which start of the unit runs."""
        return {"invocation": (await self._show()).get("InvocationID", "")}

    async def execute(self, step: Step) -> StepOutcome:
        """Ask systemd, which waits until the unit has started."""
        started = time.monotonic()
        try:
            code, output = await self._systemctl("restart", self._unit, limit=_RESTART)
        except TimeoutError:
            return StepOutcome(Outcome.UNKNOWN, f"systemctl had not ended after {_RESTART:g} s")
        except ObserveError as error:
            return StepOutcome(Outcome.FAILED, f"nothing was sent: {error}")
        if code == 0:
            return StepOutcome(Outcome.DONE, f"restarted in {time.monotonic() - started:.1f} s")
        return StepOutcome(Outcome.FAILED, f"systemctl ended with code {code}: {output}")

    async def reconcile(self, step: Step, before: Mapping[str, str]) -> StepOutcome:
        """Whether another start of the unit runs."""

        async def look() -> StepOutcome | str:
            seen = await self._show()
            invocation = seen.get("InvocationID", "")
            if invocation != before.get("invocation") and seen.get("ActiveState") == "active":
                return StepOutcome(Outcome.DONE, f"it has started again: {invocation[:12]}")
            return "it has not started again"

        return await settle(look, self._clock)

    async def look(self, steps: tuple[Step, ...], since: float) -> tuple[Sight, ...]:
        """The unit, active in another start than before."""
        try:
            seen = await self._show()
        except (ObserveError, TimeoutError) as error:
            return (Sight(self._unit, State.UNKNOWN, str(error)),)
        invocation = seen.get("InvocationID", "")
        state = _STATES.get(seen.get("ActiveState", ""), State.UNKNOWN)
        detail = f"{seen.get('ActiveState')} ({seen.get('SubState')}), {invocation[:12]}"
        before = UnitRestart.of(steps[0]).invocation if steps else ""
        return (
            Sight(self._unit, state, detail, since_change=invocation != before, run=invocation),
        )

    def undo(self) -> str:
        """A restart has no way back."""
        return NOT_UNDONE

    async def _show(self) -> dict[str, str]:
        try:
            code, output = await self._systemctl(
                "show", f"--property={_PROPERTIES}", self._unit, limit=_LOOK
            )
        except TimeoutError:
            raise ObserveError(f"systemctl did not answer within {_LOOK:g} s") from None
        if code != 0:
            raise ObserveError(f"systemctl ended with code {code}: {output}")
        pairs = (line.partition("=") for line in output.split("\n") if "=" in line)
        return {key: value for key, _, value in pairs}

    async def _systemctl(self, *arguments: str, limit: float) -> tuple[int, str]:
        """Exit code and output. Raises ObserveError when there is no systemctl, TimeoutError."""
        try:
            process = await asyncio.create_subprocess_exec(
                "systemctl", self._scope, "--no-ask-password", "--no-pager", *arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
            )  # fmt: skip
        except OSError as error:
            raise ObserveError(f"cannot run systemctl: {error.strerror}") from error
        try:
            output, _ = await asyncio.wait_for(process.communicate(), limit)
        except TimeoutError:
            process.kill()
            await process.wait()
            raise
        return process.returncode or 0, sanitize_bytes(output, limit=300, multiline=True).strip()
