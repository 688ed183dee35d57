"""Restarting a process by its pid file: a signal, and a start if one is declared.

Invariant: the process is pinned by id and start time, and signalled through a pidfd, so that
another process that was given its id is never hit. Without ``start`` somebody else must start it
again (or the signal, such as HUP, makes it start anew by itself).
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from opsconsole.model.operation import Step
from opsconsole.model.state import State
from opsconsole.operations.drivers.call import Call
from opsconsole.operations.drivers.command import PATH
from opsconsole.operations.drivers.processes import Process, process_in, process_of
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

_PAUSE: Final = 0.05
_ENDING: Final = frozenset({"TERM", "INT"})


@dataclass(frozen=True, slots=True)
class Signal(Call):
    """The process that is signalled, by id and start; None where none ran."""

    process: tuple[int, str] | None


class PidFileRestart(Driver):
    """Signals the process, waits for its end, and starts it again."""

    def __init__(self, context: DriverContext) -> None:
        target = declared(context.action.pid_file)
        self._context = context
        self._declared = target
        self._path = context.base / Path(target.path).expanduser()

    async def observe(self) -> Mapping[str, str]:
        """The process that runs at this moment, if any."""
        found = self._find()
        if found is None and not self._declared.start:
            raise ObserveError(
                f"no process runs by {self._path}, and no start is declared",
                remedy="start it, or declare start: in the action",
            )
        return {"process": "none" if found is None else f"{found.run} ({found.name})"}

    def steps(self, facts: Mapping[str, str]) -> tuple[Step, ...]:
        """One step: signal, wait, start."""
        found = self._find()
        name = self._declared.signal
        doing = [] if found is None else [f"{name} to process {found.pid} ({found.name})"]
        if self._declared.start:
            doing.append(f"run {' '.join(self._declared.start)}")
        call = Signal(None if found is None else (found.pid, found.started))
        return (Step(", then ".join(doing), "pid_file", str(self._path), call.document()),)

    async def before(self, step: Step) -> Mapping[str, str]:
        """Which process runs."""
        found = self._find()
        return {"run": found.run if found else ""}

    async def execute(self, step: Step) -> StepOutcome:
        """Signal the pinned process, wait until it has ended, start it again."""
        pinned = Signal.of(step).process
        started = time.monotonic()
        if pinned is not None:
            problem = await self._signal(Process(*pinned, ""))
            if problem:
                return StepOutcome(Outcome.FAILED, problem)
        if self._declared.start:
            problem = await self._start()
            if problem:
                return StepOutcome(Outcome.FAILED, problem)
        return StepOutcome(Outcome.DONE, f"done in {time.monotonic() - started:.1f} s")

    async def reconcile(self, step: Step, before: Mapping[str, str]) -> StepOutcome:
        """Whether another run of it is there."""
        with contextlib.suppress(ObserveError):
            found = self._find()
            if found is not None and found.run != before.get("run"):
                return StepOutcome(Outcome.DONE, f"another process runs: {found.run}")
        return StepOutcome(Outcome.UNKNOWN, "no other process has taken its place")

    async def look(self, steps: tuple[Step, ...], since: float) -> tuple[Sight, ...]:
        """The process by the pid file, and that it is another one where it should be."""
        name = self._path.name
        try:
            found = self._find()
        except ObserveError as error:
            return (Sight(name, State.UNKNOWN, str(error)),)
        if found is None:
            return (Sight(name, State.DOWN, "no process runs"),)
        pinned = Signal.of(steps[0]).process if steps else None
        same = pinned == (found.pid, found.started)
        fresh = not same or self._declared.signal not in _ENDING
        return (Sight(name, State.OK, found.run, since_change=fresh, run=found.run),)

    def undo(self) -> str:
        """A restart has no way back."""
        return NOT_UNDONE

    def _find(self) -> Process | None:
        try:
            return process_in(self._path)
        except (OSError, ValueError) as error:
            raise ObserveError(f"cannot use the pid file {self._path}: {error}") from error

    async def _signal(self, target: Process) -> str:
        """Signal it, and wait for its end where the signal is meant to end it; or why not."""
        number = getattr(signal, f"SIG{self._declared.signal}")
        try:
            descriptor = os.pidfd_open(target.pid)
        except ProcessLookupError:
            return ""
        except OSError as error:
            return f"process {target.pid} cannot be signalled: {error.strerror}"
        try:
            found = process_of(target.pid)
            if found is None:
                return ""
            if found.started != target.started:
                return f"process {target.pid} is another one; nothing was sent"
            signal.pidfd_send_signal(descriptor, number)
        except PermissionError:
            return f"this user may not signal process {target.pid}"
        except ProcessLookupError:
            return ""
        finally:
            os.close(descriptor)
        return await self._wait_for_end(target) if self._declared.signal in _ENDING else ""

    async def _wait_for_end(self, target: Process) -> str:

        async def look() -> StepOutcome | str:
            found = process_of(target.pid)
            if found is not None and found.started == target.started:
                return f"process {target.pid} did not end within {self._declared.timeout:g} s"
            return StepOutcome(Outcome.DONE)

        return (await self._settled(look)).detail

    async def _start(self) -> str:
        """Run ``start``; it has a session of its own and outlives the runner. Why not, or ''."""
        try:
            process = await asyncio.create_subprocess_exec(
                *self._declared.start,
                cwd=self._context.base,
                env={"PATH": PATH, "LANG": "C.UTF-8", "HOME": str(Path.home())},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            return f"{self._declared.start[0]} could not be started: {error.strerror}"
        return await self._wait_for_process(process)

    async def _wait_for_process(self, process: asyncio.subprocess.Process) -> str:
        program, timeout = self._declared.start[0], self._declared.timeout

        async def look() -> StepOutcome | str:
            if process.returncode:
                told = f"{program} ended with code {process.returncode}"
                return StepOutcome(Outcome.FAILED, told)
            with contextlib.suppress(OSError, ValueError):
                if process_in(self._path) is not None:
                    return StepOutcome(Outcome.DONE)
            return f"no process runs by {self._path.name} {timeout:g} s after the start"

        return (await self._settled(look)).detail

    async def _settled(self, look: Callable[[], Awaitable[StepOutcome | str]]) -> StepOutcome:
        within = self._declared.timeout
        return await settle(look, self._context.clock, within=within, pause=_PAUSE)
