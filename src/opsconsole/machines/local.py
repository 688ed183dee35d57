"""The console's own host as a machine.

Invariant: nothing blocks the event loop: every call is made in threads of the machine's own, with
a deadline that is kept even where a disk does not answer.
"""

import errno
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePath
from typing import BinaryIO, Final, TypeVar

from opsconsole import durable, links, ownership, programs
from opsconsole.machines.base import FileFollowing, Machine, Stream
from opsconsole.machines.file_following import LocalFollowing
from opsconsole.machines.processes import process_of, signal_process
from opsconsole.model.running.machine import (
    Command,
    End,
    Failure,
    FileKind,
    FileStatus,
    Finished,
    Keep,
    MachineError,
    Process,
)
from opsconsole.ownership import Loose
from opsconsole.programs import Launched
from opsconsole.text import sanitize
from opsconsole.threads import BoundedExecutor, QueueFullError, StuckError

T = TypeVar("T")

LOOK: Final = 10.0
"""Seconds for a file; what takes longer is a disk that does not answer."""

_WORKERS: Final = 16
_AFTER: Final = 10.0
"""Seconds beyond a program's own deadline for its end."""

_FAILURES: Final[Mapping[int, Failure]] = {
    errno.ENOENT: Failure.NOT_FOUND,
    errno.ENOTDIR: Failure.NOT_FOUND,
    errno.ESRCH: Failure.NOT_FOUND,
    errno.EACCES: Failure.DENIED,
    errno.EPERM: Failure.DENIED,
    errno.EROFS: Failure.DENIED,
    errno.ELOOP: Failure.DENIED,
    errno.EFBIG: Failure.TOO_LARGE,
    errno.ETIMEDOUT: Failure.TIMED_OUT,
}


class LocalStream(Stream):
    """A program of this host that is read as it runs."""

    def __init__(self, command: Command) -> None:
        self._program = programs.Program(command)
        self._stop = programs.Stop()
        self._stop.watch(self._program)
        self._finished: Finished | None = None

    def __iter__(self) -> Iterator[bytes]:
        """Pieces of its output; the program has ended when they have."""
        try:
            yield from self._program.output()
        finally:
            code = self._program.close()
            end = End.STOPPED if self._stop.is_set else End.EXITED
            self._finished = Finished(end, code, complaint=self._program.complaint)

    def close(self) -> None:
        """End the program soon."""
        self._stop.set()

    @property
    def finished(self) -> Finished | None:
        """How it ended."""
        return self._finished


class LocalMachine(Machine):
    """This host, by its own system calls."""

    def __init__(self) -> None:
        self._threads = BoundedExecutor("machine", _WORKERS)

    @property
    def name(self) -> str:
        """'': it is the console's own host."""
        return ""

    @property
    def ahead(self) -> float:
        """0: it is the console's own clock."""
        return 0.0

    async def run(
        self, command: Command, *, limit: int, deadline: float, keep: Keep = Keep.ALL
    ) -> Finished:
        """Run a program in a process group of its own."""
        stop = programs.Stop()
        call = partial(programs.run, command, limit=limit, deadline=deadline, keep=keep, stop=stop)
        try:
            return await self._call(
                call, command.argv[0], deadline=deadline + command.grace + _AFTER, begun=True
            )
        finally:
            stop.set()

    async def run_named(
        self, name: str, command: Command, *, limit: int, deadline: float
    ) -> Finished:
        """Run a program, which here ends with this process."""
        together = replace(command, together=True)
        return await self.run(together, limit=limit, deadline=deadline, keep=Keep.LAST)

    async def ended(
        self, name: str, command: Command, *, limit: int, deadline: float
    ) -> Finished | None:
        """Nobody knows: a program leaves nothing here that could be looked for."""
        what = f"how far {_shown(command.argv[0])} came is not known"
        raise MachineError(Failure.OTHER, what, begun=True)

    def feed(
        self, command: Command, chunks: Iterable[bytes], *, limit: int, deadline: float
    ) -> Finished:
        """Run a program that reads ``chunks``."""
        try:
            return programs.run(command, limit=limit, deadline=deadline, chunks=chunks)
        except OSError as error:
            raise _failed(error, command.argv[0]) from error

    def stream(self, command: Command) -> LocalStream:
        """Start a program that is read as it runs."""
        try:
            return LocalStream(command)
        except OSError as error:
            raise _failed(error, command.argv[0]) from error

    async def launch(self, command: Command) -> Launched:
        """Start a program in a session of its own."""
        return await self._call(partial(Launched, command), command.argv[0])

    async def read(self, path: PurePath, limit: int) -> bytes:
        """All of a file."""
        return await self._call(partial(durable.read, Path(path), limit, follow=True), path)

    async def replace(self, path: PurePath, data: bytes) -> None:
        """Write beside, sync, rename, sync."""
        await self._call(partial(_replace, Path(path), data), path, begun=True)

    async def replace_link(self, path: PurePath, leads_to: str) -> None:
        """Link beside, rename, sync."""
        await self._call(partial(durable.replace_link, Path(path), leads_to), path, begun=True)

    async def stat(self, path: PurePath, *, follow: bool = True) -> FileStatus:
        """What is known of a file."""
        return await self._call(partial(_status, Path(path), follow=follow), path)

    async def list(self, path: PurePath) -> Mapping[str, FileKind]:
        """The names in a folder."""
        return await self._call(partial(_kinds, Path(path)), path)

    async def looseness(self, path: PurePath) -> Loose | None:
        """How others could change what is at ``path``."""
        return await self._call(partial(ownership.looseness, Path(path)), path)

    def open(self, path: PurePath) -> BinaryIO:
        """A regular file, by the same rules as one that is followed."""
        try:
            descriptor = durable.open_file(Path(path), os.O_RDONLY, follow=True)
        except OSError as error:
            raise _failed(error, path) from error
        return os.fdopen(descriptor, "rb")

    def follow(self, path: PurePath, tail: int) -> FileFollowing:
        """Follow a file."""
        return LocalFollowing(Path(path), tail)

    async def process(self, pid: int) -> Process | None:
        """The live process with that id."""
        return await self._call(partial(process_of, pid), f"process {pid}")

    async def signal(self, process: Process, name: str) -> bool:
        """Signal that very process."""
        call = partial(signal_process, process, name)
        return await self._call(call, f"process {process.pid}", begun=True)

    def close(self) -> None:
        """Take no more calls; what runs is not waited for."""
        self._threads.close()

    async def _call(
        self,
        call: Callable[[], T],
        what: PurePath | str,
        *,
        deadline: float = LOOK,
        begun: bool = False,
    ) -> T:
        """``begun``: what is called changes something, so that at the deadline it may have."""
        try:
            return await self._threads.run(call, deadline=deadline)
        except (QueueFullError, StuckError) as error:
            raise MachineError(Failure.TIMED_OUT, f"not begun: {error}") from error
        except TimeoutError as error:
            said = f"{_shown(what)}: no answer within {deadline:g} s"
            raise MachineError(Failure.TIMED_OUT, said, begun=begun) from error
        except OSError as error:
            raise _failed(error, what) from error


def _failed(error: OSError, what: PurePath | str) -> MachineError:
    """``what`` was asked for; another file may be the cause, such as its folder."""
    if isinstance(error.filename, str) and os.path.isabs(error.filename):
        what = error.filename
    failure = _FAILURES.get(error.errno or 0, Failure.OTHER)
    return MachineError(failure, f"{_shown(what)}: {error.strerror or type(error).__name__}")


def _shown(what: PurePath | str) -> str:
    return sanitize(str(what), limit=200)


def _replace(path: Path, data: bytes) -> None:
    with links.located(str(path), follow=True) as found:
        status = _stat_in(found, path)
        owner = status.st_uid, status.st_gid
        mode = stat.S_IMODE(status.st_mode)
        # What ``located`` gives is for looking up alone, and cannot be brought to the disk.
        folder = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=found.folder)
        try:
            durable.replace(found.name, data, mode, owner=owner, folder=folder)
        finally:
            os.close(folder)


def _stat_in(found: links.Located, path: Path) -> os.stat_result:
    try:
        return os.stat(found.name, dir_fd=found.folder, follow_symlinks=False)
    except OSError as error:
        error.filename = str(path)
        raise


def _status(path: Path, *, follow: bool) -> FileStatus:
    with links.located(str(path), follow=follow) as place:
        found = _stat_in(place, path)
        kind = _kind(found.st_mode)
        is_link = kind is FileKind.LINK
        leads_to = os.readlink(place.name, dir_fd=place.folder) if is_link else ""
    return FileStatus(
        kind=kind,
        size=found.st_size,
        mode=stat.S_IMODE(found.st_mode),
        owner=found.st_uid,
        group=found.st_gid,
        changed=found.st_mtime_ns,
        identity=(found.st_dev, found.st_ino),
        leads_to=leads_to,
    )


def _kinds(path: Path) -> Mapping[str, FileKind]:
    found: dict[str, FileKind] = {}
    folder = links.open_folder(str(path))
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries]
        for name in names:
            try:
                found[name] = _status(path / name, follow=True).kind
            except OSError:
                found[name] = FileKind.LINK
    finally:
        os.close(folder)
    return found


def _kind(mode: int) -> FileKind:
    if stat.S_ISREG(mode):
        return FileKind.FILE
    if stat.S_ISDIR(mode):
        return FileKind.FOLDER
    return FileKind.LINK if stat.S_ISLNK(mode) else FileKind.SPECIAL
