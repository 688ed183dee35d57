"""Another host as a machine, over the system's ``ssh``.

Invariant: nothing blocks the event loop: every call is made in threads of the machine's own, with
a deadline that is kept even where the host does not answer; no host waits for another. Nobody is
asked for a password, here or there. What may have happened before a line broke is ``begun``.
"""

import io
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import PurePath
from typing import BinaryIO, Final, TypeVar

from opsconsole.machines.base import FileFollowing, Launched, Machine, Stream
from opsconsole.machines.processes import parsed
from opsconsole.machines.ssh import named, programs
from opsconsole.machines.ssh.far_end import quoted
from opsconsole.machines.ssh.files import LOOK, Files
from opsconsole.machines.ssh.line import FarEnd
from opsconsole.machines.ssh.lines import Lines, Stop
from opsconsole.machines.ssh.logins import WITHIN, Gate, Target
from opsconsole.machines.ssh.opened import SshFile, SshFollowing
from opsconsole.model.running.machine import (
    Command,
    Failure,
    FileKind,
    FileStatus,
    Finished,
    Keep,
    MachineError,
    Process,
)
from opsconsole.ownership import Loose
from opsconsole.threads import BoundedExecutor, QueueFullError, StuckError

T = TypeVar("T")

_WORKERS: Final = 8
_AFTER: Final = 10.0
_BUFFER: Final = 256 * 1024
_PROCESS: Final = 64 * 1024


class SshMachine(Machine):
    """One host that ``ssh`` reaches. Make it once for a host, and close it."""

    def __init__(self, target: Target, gate: Gate) -> None:
        self.target = target
        self._lines = Lines(target, gate)
        self._files = Files(self._lines)
        self._threads = BoundedExecutor(f"ssh {target.name}", _WORKERS)

    @property
    def name(self) -> str:
        """What the settings call it."""
        return self.target.name

    @property
    def ahead(self) -> float:
        """As the last login saw it, or ``clock_is``; 0 for less than a login shows."""
        return self._lines.ahead

    def clock_is(self, ahead: float) -> None:
        """Know how far its clock is ahead, by a closer look."""
        self._lines.ahead = ahead

    async def run(
        self, command: Command, *, limit: int, deadline: float, keep: Keep = Keep.ALL
    ) -> Finished:
        """Run a program in a session of its own."""
        stop = Stop()
        call = partial(
            programs.run, self._lines, command, limit=limit, deadline=deadline, keep=keep, stop=stop
        )
        try:
            return await self._call(call, deadline=deadline + command.grace + _AFTER, begun=True)
        finally:
            stop.set()

    async def run_named(
        self, name: str, command: Command, *, limit: int, deadline: float
    ) -> Finished:
        """Run a program that outlives the line, and is found again."""
        stop = Stop()
        call = partial(
            named.run, self._lines, name, command, limit=limit, deadline=deadline, stop=stop
        )
        return await self._waited(call, command, deadline, stop)

    async def ended(
        self, name: str, command: Command, *, limit: int, deadline: float
    ) -> Finished | None:
        """Wait for the end of what was begun under ``name``."""
        stop = Stop()
        call = partial(
            named.ended, self._lines, name, command, limit=limit, deadline=deadline, stop=stop
        )
        return await self._waited(call, command, deadline, stop)

    async def _waited(
        self, call: Callable[[], T], command: Command, deadline: float, stop: Stop
    ) -> T:
        try:
            whole = deadline + command.grace + named.AWAY + 2 * LOOK
            return await self._call(call, deadline=whole, begun=True)
        finally:
            stop.set()

    def feed(
        self, command: Command, chunks: Iterable[bytes], *, limit: int, deadline: float
    ) -> Finished:
        """Run a program that reads ``chunks``, on a line of its own."""
        return programs.feed(self._lines, command, chunks, limit=limit, deadline=deadline)

    def stream(self, command: Command) -> Stream:
        """Start a program that is read as it runs, on a line of its own."""
        return programs.SshStream(self._lines, command)

    async def launch(self, command: Command) -> Launched:
        """Start a program in a session of its own, which the line's end leaves alone."""
        ends = time.monotonic() + WITHIN
        call = partial(programs.SshLaunched, self._lines, command, ends)
        return await self._call(call, begun=True)

    async def read(self, path: PurePath, limit: int) -> bytes:
        """All of a file."""
        return await self._call(partial(self._files.read, path, limit))

    async def replace(self, path: PurePath, data: bytes) -> None:
        """Write beside, sync, rename, sync."""
        await self._call(partial(self._files.replace, path, data), begun=True)

    async def replace_link(self, path: PurePath, leads_to: str) -> None:
        """Link beside, rename, sync."""
        await self._call(partial(self._files.replace_link, path, leads_to), begun=True)

    async def stat(self, path: PurePath, *, follow: bool = True) -> FileStatus:
        """What is known of a file."""
        return await self._call(partial(self._files.status, path, follow=follow))

    async def list(self, path: PurePath) -> Mapping[str, FileKind]:
        """The names in a folder."""
        return await self._call(partial(self._files.kinds, path))

    async def looseness(self, path: PurePath) -> Loose | None:
        """How others could change what is at ``path``."""
        return await self._call(partial(self._files.looseness, path))

    def open(self, path: PurePath) -> BinaryIO:
        """A regular file, on a line of its own."""
        file = SshFile(self._lines, self._files, path)
        return io.BufferedReader(file, _BUFFER)

    def follow(self, path: PurePath, tail: int) -> FileFollowing:
        """Follow a file, on a line of its own."""
        return SshFollowing(self._lines, self._files, path, tail)

    async def process(self, pid: int) -> Process | None:
        """The live process with that id."""
        return await self._call(partial(self._process, pid))

    async def signal(self, process: Process, name: str) -> bool:
        """Signal that very process: its start is compared by the shell that sends the signal."""
        return await self._call(partial(self._signal, process, name), begun=True)

    async def ask(self, code: str, *, limit: int, deadline: float) -> tuple[bytes, FarEnd]:
        """What ``code`` of the console's own says, in one request on the standing line.

        It is text of a few KiB, or comes in large pieces by itself.
        """
        return await self._call(partial(self._ask, code, limit, deadline), deadline=deadline)

    def close(self) -> None:
        """End every line and take no more calls; what runs is not waited for."""
        self._threads.close()
        self._lines.close()

    def _ask(self, code: str, limit: int, deadline: float) -> tuple[bytes, FarEnd]:
        ends = time.monotonic() + deadline
        answer = self._lines.ask(code, limit=limit, ends=ends)
        return answer.output, self._lines.far_end(ends)

    def _process(self, pid: int) -> Process | None:
        ends = time.monotonic() + LOOK
        code = f"cat /proc/{pid}/stat && echo && cat /proc/{pid}/status && grep ^btime /proc/stat"
        answer = self._lines.ask(f"{{ {code}; }} 2>/dev/null", limit=_PROCESS, ends=ends)
        raw, _, rest = answer.output.partition(b"\n\n")
        if answer.status:
            return None
        return parsed(pid, raw, rest, rest, self._lines.far_end(ends).ticks)

    def _signal(self, process: Process, name: str) -> bool:
        ends = time.monotonic() + LOOK
        # The 20th word after the name; nothing is begun between the look and the signal.
        code = (
            f"read -r ocS 2>/dev/null </proc/{process.pid}/stat && set -- ${{ocS##*) }} &&"
            f' [ "$1" != Z ] && [ "${{20}}" = {quoted(process.started)} ] || (exit 9) && '
            f"LC_ALL=C kill -{quoted(name)} {process.pid}"
        )
        answer = self._lines.ask(code, limit=_PROCESS, ends=ends, changes=True)
        if answer.status == 0:
            return True
        if answer.status == 9 or b"No such process" in answer.complaint:
            return False
        what = f"process {process.pid} of {self.name}: Operation not permitted"
        raise MachineError(Failure.DENIED, what)

    async def _call(
        self, call: Callable[[], T], *, deadline: float = 2 * LOOK, begun: bool = False
    ) -> T:
        """``begun``: what is called changes something, so that at the deadline it may have."""
        try:
            return await self._threads.run(call, deadline=deadline)
        except (QueueFullError, StuckError) as error:
            raise MachineError(Failure.TIMED_OUT, f"not begun: {error}") from error
        except TimeoutError as error:
            said = f"{self.name}: no answer within {deadline:g} s"
            raise MachineError(Failure.TIMED_OUT, said, begun=begun) from error
