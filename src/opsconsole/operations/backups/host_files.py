"""Files and folders of another host, by its own tar, sha256sum and mv.

Invariant: what a program there says is another's word: an archive is read as a hostile one, and
what it brought is compared with the hashes that the host counts of the files themselves. What is
put back is compared so before it takes its place. Nobody else may be able to rename on the way to
what is named here: a line has no descriptors of folders that would hold them still. Everything
raises BackupError, and blocks where it is no coroutine.
"""

import math
import os
import re
import shlex
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.machines.base import Machine
from opsconsole.model.running.machine import Command, End, Finished, MachineError
from opsconsole.operations.backups.contents import Deadline
from opsconsole.operations.backups.faults import BackupError, SpaceError, shown
from opsconsole.operations.backups.manifest import Entry, EntryType
from opsconsole.operations.backups.restore_record import target_beside
from opsconsole.operations.backups.space import MARGIN, Need, size_text
from opsconsole.text import sanitize_bytes

_LOOK: Final = 60.0
_LONGEST: Final = 3600.0
_SAID: Final = 64 * 1024
_HASHES: Final = 256 * 1024 * 1024
_LINE: Final = re.compile(rb"(\\?)([0-9a-f]{64}) [ *](.*)", re.DOTALL)
_UNESCAPED: Final = re.compile(rb"\\([\\nr])")
_C: Final = {"LC_ALL": "C"}

_SWITCH: Final = """
switch() {
  if [ ! -e "$1" ] && [ ! -L "$1" ]; then mv -T "$2" "$1"
  elif [ -f "$1" ] && [ ! -L "$1" ]; then
    ln "$1" "$3" && { mv -fT "$2" "$1" || { rm -f "$3"; return 1; }; }
  elif mv --exchange -T "$2" "$1" 2>/dev/null; then
    mv -T "$2" "$3" || { mv --exchange -T "$2" "$1"; return 1; }
  else mv -T "$1" "$3" && { mv -T "$2" "$1" || { mv -T "$3" "$1"; return 1; }; }; fi
}
back() {
  mv -T "$1" "$2" || return
  if [ -e "$3" ] || [ -L "$3" ]; then mv -T "$3" "$1"; fi
}
"""


@dataclass(frozen=True, slots=True)
class There:
    """What is known of a host: its name by its own word, and whether its tar is GNU's."""

    host: str
    gnu: bool


class HostFiles:
    """The paths ``roots`` of one host."""

    def __init__(self, machine: Machine, roots: Sequence[bytes]) -> None:
        self._machine, self.roots = machine, tuple(roots)

    async def look(self) -> There:
        """What can be known without looking at the files."""
        tar = await self._run(("tar", "--version"), good=range(256))
        name = (await self._run(("uname", "-n"))).output
        return There(sanitize_bytes(name.strip(), limit=100), b"GNU" in tar.output)

    async def size(self) -> Need:
        """What a backup needs, by du(1)."""
        said = await self._run(("du", "-sk", *map(os.fsdecode, self.roots)))
        words = [line.split(None, 1)[0] for line in said.output.splitlines() if line.strip()]
        if len(words) < len(self.roots) or not all(map(_is_number, words)):
            raise BackupError(f"how large {shown(self.roots[0])} is is not understood")
        return Need(1024 * sum(map(int, words)), len(self.roots))

    async def require(self, needs: Mapping[bytes, Need]) -> None:
        """Return where each folder has room for what is put into it. Raises SpaceError."""
        by_disk: dict[bytes, tuple[int, int]] = {}
        for folder, need in needs.items():
            said = await self._run(("df", "-P", "-k", os.fsdecode(folder)))
            words = said.output.splitlines()[-1].split() if said.output.count(b"\n") > 1 else []
            if len(words) < 6 or not _is_number(words[3]):
                raise BackupError(f"what is free at {shown(folder)} is not understood")
            wanted, _ = by_disk.get(words[0], (0, 0))
            by_disk[words[0]] = wanted + math.ceil(need.bytes * MARGIN), int(words[3]) * 1024
        for disk, (wanted, free) in by_disk.items():
            if wanted > free:
                what = f"{size_text(wanted)} needed on {shown(disk)} of {self._machine.name}"
                raise SpaceError(f"{what}, {size_text(free)} free", remedy="make room first")

    @contextmanager
    def read(self, root: bytes, there: There, deadline: Deadline) -> Iterator[Iterator[bytes]]:
        """An archive of ``root``, in pieces; what its tar complains of goes before all else."""
        folder, name = os.path.split(root)
        options = ("--format=pax", "--numeric-owner", "--xattrs") if there.gnu else ()
        argv = ("tar", "-c", *options, "-f", "-", "--", os.fsdecode(name))
        argv = argv if there.gnu else (*argv[:-2], f"./{os.fsdecode(name)}")
        try:
            stream = self._machine.stream(Command(argv, cwd=os.fsdecode(folder), environment=_C))
        except MachineError as error:
            raise _failed(error) from error

        def pieces() -> Iterator[bytes]:
            for piece in stream:
                deadline.check()
                yield piece

        said = pieces()
        try:
            yield said
        except BackupError:
            for _ in said:
                pass
            self._check_tar(stream.finished, there)
            raise
        finally:
            stream.close()
        for _ in said:
            pass
        self._check_tar(stream.finished, there)

    def write(self, folder: bytes, archive: Iterable[bytes], there: There, patience: float) -> None:
        """Unpack an archive in ``folder``, private until it is whole."""
        options = ("--numeric-owner", "--xattrs") if there.gnu else ()
        argv = ("sh", "-c", 'umask 077; exec "$@"', "sh", "tar", "-x", *options, "-p", "-f", "-")
        self._feed(argv, archive, patience, folder)

    def hashes(self, folder: bytes, paths: Sequence[bytes], patience: float) -> dict[bytes, str]:
        """The SHA-256 of each file of ``paths`` below ``folder``, as the host counts it.

        What has gone, or cannot be read, is left out.
        """
        names = b"".join(b"./%s\0" % path for path in paths)
        said = self._feed(
            ("xargs", "-0", "sha256sum"), [names], patience, folder, limit=_HASHES, good=range(256)
        )
        found = {}
        for line in said.split(b"\n"):
            match = _LINE.fullmatch(line)
            if match is not None:
                path = _unescaped(match[3]) if match[1] else match[3]
                found[path.removeprefix(b"./")] = match[2].decode("ascii")
        return found

    def changed(
        self, number: int, entries: Sequence[Entry], patience: float, name: bytes = b""
    ) -> list[Entry]:
        """Which files of root ``number`` are others there; ``name`` where it is not its own."""
        folder, own = os.path.split(self.roots[number])
        files = [each for each in entries if each.root == number and each.type is EntryType.FILE]
        paths = [b"/".join(filter(None, (name or own, each.path))) for each in files]
        found = self.hashes(folder, paths, patience) if files else {}
        return [
            each for each, path in zip(files, paths, strict=True) if found.get(path) != each.sha256
        ]

    async def remove(self, identity: str) -> None:
        """Remove what a restore that came to nothing has left beside the roots."""
        targets = [target_beside(root, identity) for root in self.roots]
        names = [os.fsdecode(os.path.join(each.parent, each.staging)) for each in targets]
        await self._run(("rm", "-rf", *names))

    def switching(self, identity: str, roots: Sequence[bytes]) -> Command:
        """What puts every unpacked root in its place, or none."""
        lines = [_SWITCH]
        done: list[str] = []
        for root in roots:
            target = target_beside(root, identity)
            names = [target.name, target.staging, target.before]
            words = " ".join(_quoted(os.path.join(target.parent, each)) for each in names)
            undo = "; ".join(f"back {each}" for each in reversed(done))
            lines.append(f"switch {words} || {{ {undo or ':'}; exit 1; }}")
            done.append(words)
        script = "\n".join((*lines, "sync"))
        return Command(("sh", "-c", script), environment=_C, together=True)

    def _check_tar(self, finished: Finished | None, there: There) -> None:
        """GNU tar ends with 1 where a file changed or went: its hash then says so."""
        if finished is None or finished.end is not End.EXITED:
            raise BackupError(f"the line to {self._machine.name} broke", remedy="try again")
        if finished.code and not (there.gnu and finished.code == 1):
            said = sanitize_bytes(finished.complaint.strip(), limit=300)
            what = f"tar at {self._machine.name} ended with code {finished.code}: {said}"
            raise BackupError(what, remedy="log in as a user that may read it")

    def _feed(
        self,
        argv: tuple[str, ...],
        chunks: Iterable[bytes],
        patience: float,
        folder: bytes,
        *,
        limit: int = _SAID,
        good: range = range(1),
    ) -> bytes:
        command = Command(argv, cwd=os.fsdecode(folder), environment=_C)
        try:
            done = self._machine.feed(command, chunks, limit=limit, deadline=patience)
        except MachineError as error:
            raise _failed(error) from error
        return self._checked(argv, done, good).output

    async def _run(self, argv: tuple[str, ...], good: range = range(1)) -> Finished:
        command = Command(argv, environment=_C)
        try:
            done = await self._machine.run(command, limit=_SAID, deadline=_LOOK)
        except MachineError as error:
            raise _failed(error) from error
        return self._checked(argv, done, good)

    def _checked(self, argv: tuple[str, ...], done: Finished, good: range) -> Finished:
        if done.end is End.EXITED and done.code in good:
            return done
        program = next(each for each in reversed(argv[:5]) if not each.startswith("-"))
        said = sanitize_bytes(done.complaint.strip(), limit=300)
        how = f"ended with code {done.code}" if done.end is End.EXITED else f"was ended: {done.end}"
        raise BackupError(f"{program} at {self._machine.name} {how}: {said}")


def patience_of(deadline: Deadline) -> float:
    """Seconds that are left."""
    return _LONGEST if deadline.ends is None else max(1.0, deadline.ends - time.monotonic())


def _is_number(word: bytes) -> bool:
    return word.isdigit() and len(word) < 16


def _failed(error: MachineError) -> BackupError:
    return BackupError(error.what, remedy=error.remedy)


def _unescaped(path: bytes) -> bytes:
    """A name as sha256sum(1) writes one that holds a line feed or a backslash."""
    signs = {b"\\": b"\\", b"n": b"\n", b"r": b"\r"}
    return _UNESCAPED.sub(lambda found: signs[found[1]], path)


def _quoted(path: bytes) -> str:
    return shlex.quote(os.fsdecode(path))
