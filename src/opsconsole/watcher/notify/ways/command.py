"""A program for each message, such as that of apprise.

Invariant: no shell reads anything; the text is its standard input, and what is known is in its
environment, also the message's id, which is the same whenever it is sent again. A program that
others could change is not run. What it prints is shown nowhere but in a fault, sanitised.
"""

import os
import shutil
from pathlib import Path
from typing import Final

from opsconsole import ownership, programs
from opsconsole.config.notify import Program
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.notices import Message
from opsconsole.model.running.machine import Command, End, Keep
from opsconsole.text import sanitize
from opsconsole.threads import BoundedExecutor, QueueFullError, fault_of
from opsconsole.watcher.notify.ways.filling import in_argument, values

_KEPT: Final = 4096
_SAID: Final = 200
_SPARE: Final = 5.0


class CommandWay:
    """One program; ``base`` is the folder of the configuration, in which it runs."""

    def __init__(self, program: Program, base: Path, threads: BoundedExecutor) -> None:
        self._program = program
        self._base = base
        self._threads = threads

    async def send(self, message: Message) -> Fault | None:
        """Run the program for ``message``; None when it ended with 0."""
        deadline = self._program.timeout + _SPARE
        try:
            return await self._threads.run(self._run, message, deadline=deadline)
        except (TimeoutError, QueueFullError) as error:
            return fault_of(error, "the program", deadline)

    async def look(self) -> Fault | None:
        """Whether the program can be run; it is not."""
        try:
            return await self._threads.run(self._look, deadline=_SPARE)
        except (TimeoutError, QueueFullError) as error:
            return fault_of(error, "the program", _SPARE)

    async def close(self) -> None:
        """Nothing is held."""

    def _run(self, message: Message) -> Fault | None:
        argv = tuple(in_argument(each, message) for each in self._program.argv)
        shown = sanitize(self._program.argv[0], limit=_SAID)
        loose = self._loose()
        if loose is not None:
            return loose
        known = values(message)
        command = Command(
            argv,
            cwd=str(self._base),
            inherits=True,
            environment={f"OPSCONSOLE_{name.upper()}": text for name, text in known.items()},
            input=f"{message.title}\n\n{message.text}\n".encode(),
        )
        try:
            ended = programs.run(
                command, limit=_KEPT, deadline=self._program.timeout, keep=Keep.LAST
            )
        except OSError as error:
            return Fault(FaultKind.LOCAL, f"cannot run {shown}: {error.strerror}")
        if ended.end is not End.EXITED:
            return Fault(FaultKind.TIMEOUT, f"{shown} did not end in {self._program.timeout:g} s")
        if ended.code:
            said = (ended.complaint or ended.output).decode("utf-8", "replace").strip()
            last = sanitize(said.rpartition("\n")[2], limit=_SAID)
            return Fault(FaultKind.STATUS, f"{shown} ended with {ended.code}: {last}")
        return None

    def _look(self) -> Fault | None:
        if self._found() is not None:
            return self._loose()
        shown = sanitize(self._program.argv[0], limit=_SAID)
        hint = "install it and make it executable, or name another"
        return Fault(FaultKind.LOCAL, f"there is no program {shown}", hint=hint)

    def _found(self) -> str | None:
        name = self._program.argv[0]
        return shutil.which(self._base / name if "/" in name else name, path=_search_path())

    def _loose(self) -> Fault | None:
        """How others could change the program, and what to do; None when they cannot."""
        path = self._found()
        try:
            found = ownership.looseness(Path(path)) if path else None
        except OSError:
            return None  # running it says what is wrong
        if found is None:
            return None
        shown, how = sanitize(self._program.argv[0], limit=_SAID), sanitize(found.how)
        hint = sanitize(found.remedy)
        return Fault(FaultKind.LOCAL, f"the program {shown} {how}", hint=hint)


def _search_path() -> str:
    return os.environ.get("PATH", programs.PATH)
