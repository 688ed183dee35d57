"""Restarting a process by its pid file: a signal, and a start if one is declared.

Invariant: the process is pinned by id and start time, and signalled through a pidfd, so that
another process that was given its id is never hit; nor is one that began after the pid file was
written, as after a restart of the machine. Without ``start`` somebody else must start it
again (or the signal, such as HUP, makes it restart by itself).
"""

import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.machines.base import Launched
from opsconsole.model.operation import Step
from opsconsole.model.running.machine import Command, Failure, MachineError, Process
from opsconsole.model.state import State
from opsconsole.operations.drivers.call import Call
from opsconsole.operations.drivers.program_file import find_program
from opsconsole.operations.drivers.settling import settle
from opsconsole.operations.driving.driver import (
    NOT_UNDONE,
    Driver,
    DriverContext,
    ObserveError,
    Outcome,
    Sight,
    StepOutcome,
    declared,
    not_done,
)
from opsconsole.zones import in_calendar

_PAUSE: Final = 0.05
_LIMIT: Final = 4096
"""Bytes of a pid file."""

_GROUP_WRITES: Final = 0o020
_EVERYBODY_WRITES: Final = 0o002
_DIGITS: Final = 10
_SLACK: Final = 2.0
"""Seconds by which a start may seem later than it was: the machine's own is known to a second."""
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
        self._machine = context.machine
        self._found: Process | None = None
        self._path = context.start / Path(target.path).expanduser()

    async def observe(self) -> Mapping[str, str]:
        """The process that runs at this moment, if any."""
        found = self._found = await self._find()
        if found is None and not self._declared.start:
            raise ObserveError(
                f"no process runs by {self._path}, and no start is declared",
                remedy="start it, or declare start: in the action",
            )
        if self._declared.start:
            await find_program(self._machine, self._declared.start[0], self._context.start)
        return {"process": "none" if found is None else f"{found.run} ({found.name})"}

    def steps(self, facts: Mapping[str, str]) -> tuple[Step, ...]:
        """One step: signal, wait, start."""
        found = self._found
        name = self._declared.signal
        doing = [] if found is None else [f"{name} to process {found.pid} ({found.name})"]
        if self._declared.start:
            doing.append(f"run {' '.join(self._declared.start)}")
        call = Signal(None if found is None else (found.pid, found.started))
        return (Step(", then ".join(doing), "pid_file", str(self._path), call.document()),)

    async def before(self, step: Step) -> Mapping[str, str]:
        """Which process runs."""
        found = await self._find()
        return {"run": found.run if found else ""}

    async def execute(self, step: Step) -> StepOutcome:
        """Signal the pinned process, wait until it has ended, start it again."""
        pinned = Signal.of(step).process
        started = time.monotonic()
        if pinned is not None:
            problem = await self._signal(Process(*pinned, ""))
            if problem is not None:
                return problem
        if self._declared.start:
            problem = await self._start()
            if problem is not None:
                return problem
        return StepOutcome(Outcome.DONE, f"done in {time.monotonic() - started:.1f} s")

    async def reconcile(self, step: Step, before: Mapping[str, str]) -> StepOutcome:
        """Whether another run of it is there."""
        found = await self._find()
        if found is not None and found.run != before.get("run"):
            return StepOutcome(Outcome.DONE, f"another process runs: {found.run}")
        return StepOutcome(Outcome.UNKNOWN, "no other process has taken its place")

    async def look(self, steps: tuple[Step, ...], since: float) -> tuple[Sight, ...]:
        """The process by the pid file, and that it is another one where it should be."""
        name = self._path.name
        try:
            found = await self._find()
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

    async def _find(self) -> Process | None:
        """The live process that the pid file names, or None."""
        try:
            raw = await self._machine.read(self._path, _LIMIT)
        except MachineError as error:
            if error.failure is Failure.NOT_FOUND:
                return None
            raise ObserveError(f"cannot use the pid file {error}") from error
        text = raw.decode("ascii", "replace").strip()
        if not text.isdecimal() or len(text) > _DIGITS or int(text) < 2:
            raise ObserveError(f"the pid file {self._path} holds no process id")
        found = await self._process(int(text))
        await self._refuse_stale(found)
        return found

    async def _refuse_stale(self, found: Process | None) -> None:
        """Raise ObserveError for a process that the file, older than it, cannot mean.

        So too for one of another user than the file's, who would else have it signalled by root,
        and where a file of root's is not root's word alone.
        """
        if found is None:
            return
        try:
            status = await self._machine.stat(self._path)
        except MachineError as error:
            raise ObserveError(f"cannot use the pid file {error}") from error
        group = status.owner == 0 != status.group and status.mode & _GROUP_WRITES
        if group or status.mode & _EVERYBODY_WRITES:
            raise ObserveError(
                f"the pid file {self._path} can be written by others (mode {status.mode:04o}), who "
                f"would choose which process is ended",
                remedy=f"chmod go-w {self._path}",
            )
        if found.owner is not None and status.owner not in {0, found.owner}:
            raise ObserveError(
                f"the pid file {self._path} is of user {status.owner}, and process {found.pid} "
                f"({found.name}) of user {found.owner}: it is not that user's to end",
                remedy="look at who wrote it; if it is right, let root own the pid file",
            )
        written = status.changed / 1e9
        if found.began is not None and found.began > written + _SLACK:
            raise ObserveError(
                f"the pid file {self._path} was written at {_moment(written)}, and process "
                f"{found.pid} ({found.name}) began at {_moment(found.began)}: it is another one",
                remedy="remove the pid file, or touch it if it means that process",
            )

    async def _process(self, pid: int) -> Process | None:
        try:
            return await self._machine.process(pid)
        except MachineError as error:
            raise ObserveError(f"cannot look at {error}") from error

    async def _signal(self, target: Process) -> StepOutcome | None:
        """Signal it, and wait for its end where the signal is meant to end it; or why not."""
        waits = self._declared.signal in _ENDING
        try:
            if not await self._machine.signal(target, self._declared.signal):
                if await self._process(target.pid) is not None:
                    said = f"process {target.pid} is another one; nothing was sent"
                    return StepOutcome(Outcome.FAILED, said)
                return None
        except ObserveError as error:
            return StepOutcome(Outcome.UNKNOWN, str(error))
        except MachineError as error:
            if not (error.begun and waits):
                return not_done(error)
            # Where it was signalled it ends, and has to be started again.
            return await self._wait_for_end(target, otherwise=Outcome.UNKNOWN)
        return await self._wait_for_end(target) if waits else None

    async def _wait_for_end(
        self, target: Process, otherwise: Outcome = Outcome.FAILED
    ) -> StepOutcome | None:
        async def look() -> StepOutcome | str:
            found = await self._process(target.pid)
            if found is None or found.started != target.started:
                return StepOutcome(Outcome.DONE)
            return f"process {target.pid} did not end within {self._declared.timeout:g} s"

        return await self._settled(look, otherwise)

    async def _start(self) -> StepOutcome | None:
        """Run ``start``; it has a session of its own and outlives the runner. Why not, or None."""
        command = Command(self._declared.start, cwd=str(self._context.start))
        launched: Launched | None = None
        try:
            launched = await self._machine.launch(command)
        except MachineError as error:
            if not error.begun:
                return not_done(error)

        async def look() -> StepOutcome | str:
            if launched is not None and launched.code:
                said = f"{self._declared.start[0]} ended with code {launched.code}"
                return StepOutcome(Outcome.FAILED, said)
            with contextlib.suppress(ObserveError):
                if await self._find() is not None:
                    return StepOutcome(Outcome.DONE)
            late = f"{self._declared.timeout:g} s after the start"
            return f"no process runs by {self._path.name} {late}"

        return await self._settled(look, Outcome.FAILED if launched else Outcome.UNKNOWN)

    async def _settled(
        self, look: Callable[[], Awaitable[StepOutcome | str]], otherwise: Outcome
    ) -> StepOutcome | None:
        """None once it is as ``look`` wants it; ``otherwise`` what is not so within the timeout.

        The timeout begins again where nothing could be seen at its end.
        """
        clock, blind = self._context.clock, True

        async def seen() -> StepOutcome | str:
            nonlocal blind
            blind = True
            found = await look()
            blind = False
            return found

        ends = clock.now() + self._context.action.deadline
        found = await settle(seen, clock, within=self._declared.timeout, pause=_PAUSE)
        while blind and clock.now() < ends:
            found = await settle(seen, clock, within=self._declared.timeout, pause=_PAUSE)
        if found.outcome is Outcome.DONE:
            return None
        return StepOutcome(Outcome.UNKNOWN if blind else otherwise, found.detail)


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(in_calendar(seconds), UTC).strftime("%Y-%m-%d %H:%M:%SZ")
