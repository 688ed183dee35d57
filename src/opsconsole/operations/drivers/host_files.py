"""Backing up files and folders of another host, and putting them back.

Invariant: a backup is kept on the console's own host, and is done when its files have the hashes
that the host counts of them. A restore unpacks beside what is declared, compares, and then puts
everything in place by one program that a broken line does not cut: all of it, or nothing. What was
there is kept as ``NAME.before-<id>``. Where anybody else could rename on the way to what is
declared, nothing is read or put back: there are no descriptors of folders over a line.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from opsconsole.model.operation import OperationState, Step
from opsconsole.model.running.machine import Failure, FileKind, FileStatus, MachineError
from opsconsole.model.state import State
from opsconsole.operations.backups.contents import Deadline
from opsconsole.operations.backups.faults import BackupError, shown
from opsconsole.operations.backups.host_files import HostFiles, There, patience_of
from opsconsole.operations.backups.manifest import Manifest
from opsconsole.operations.backups.places import roots_of
from opsconsole.operations.backups.restore_record import target_beside
from opsconsole.operations.backups.restorer import Wanted, check_wanted, need_of
from opsconsole.operations.backups.space import Need, files_text, require
from opsconsole.operations.backups.tar_copying import copy_archive
from opsconsole.operations.backups.tar_writing import archive
from opsconsole.operations.backups.tree import ATTEMPTS
from opsconsole.operations.backups.verifier import OpenBackup, check_contents, opened
from opsconsole.operations.backups.writer import BackupWriter, Header, make_backup
from opsconsole.operations.drivers.backup_making import BackupMaking, done
from opsconsole.operations.drivers.backup_restoring import BackupRestoring, failed
from opsconsole.operations.drivers.files import file_set, names_of
from opsconsole.operations.driving.driver import (
    DriverContext,
    ObserveError,
    Outcome,
    Sight,
    StepOutcome,
    not_done,
)

_SWITCHING: Final = 120.0
_SAID: Final = 4096
_WORDS: Final = {
    FileKind.FILE: "a file",
    FileKind.FOLDER: "a folder",
    FileKind.LINK: "a symlink",
    FileKind.SPECIAL: "something special",
}


class _ChangedError(BackupError):
    """A file changed while it was copied, and may hold still the next time."""


class _Paths:
    """The declared paths of one host, looked at before anything is read or changed."""

    def __init__(self, context: DriverContext) -> None:
        self.machine = context.machine
        self.roots = roots_of(file_set(context), context.start)
        self.files = HostFiles(self.machine, self.roots)

    async def kinds(self) -> dict[bytes, FileStatus | None]:
        """What is at each, None for nothing. Raises ObserveError where it must not be touched."""
        for root in self.roots:
            self._refuse_overlap(root)
        return {root: await self._kind(root) for root in self.roots}

    async def _kind(self, root: bytes) -> FileStatus | None:
        path = Path(os.fsdecode(root))
        try:
            loose = await self.machine.looseness(path.parent)
            if loose is not None:
                raise ObserveError(
                    f"{shown(root)} of {self.machine.name} is not safe to copy: {shown(loose.how)}",
                    remedy=shown(loose.remedy),
                    code="others-may-write",
                )
            return await self.machine.stat(path, follow=False)
        except MachineError as error:
            if error.failure is Failure.NOT_FOUND:
                return None
            raise ObserveError(f"cannot look at {error.what}", remedy=error.remedy) from error

    def _refuse_overlap(self, root: bytes) -> None:
        path = Path(os.fsdecode(root))
        if not path.name:
            raise ObserveError(f"{shown(root)} cannot be backed up as a whole")
        for other in self.roots:
            if other != root and path in Path(os.fsdecode(other)).parents:
                raise ObserveError(f"{shown(root)} and {shown(other)} overlap")


class HostFilesBackup(BackupMaking):
    """Copies the declared files and folders of another host into a verified backup."""

    name = "files"

    def __init__(self, context: DriverContext) -> None:
        super().__init__(context)
        self._secret = file_set(context).secret
        self._paths = _Paths(context)
        self._there = There("", gnu=False)

    async def _survey(self) -> tuple[Mapping[str, str], Need]:
        kinds = await self._paths.kinds()
        for root, status in kinds.items():
            if status is None:
                raise ObserveError(
                    f"{shown(root)} is not on {self._paths.machine.name}",
                    remedy="look at the paths that the action declares",
                )
            if status.kind in {FileKind.LINK, FileKind.SPECIAL}:
                raise ObserveError(
                    f"{shown(root)} is {_WORDS[status.kind]}, not a file or folder",
                    remedy="declare what it points to" if status.leads_to else "",
                )
        self._there, need = await self._look_there()
        _refuse_folders(self._there, kinds)
        facts = {
            f"source {shown(root)}": _WORDS[status.kind] for root, status in kinds.items() if status
        }
        return {"host": self._there.host, **facts}, need

    def _source(self) -> str:
        return f"{names_of(self._paths.roots)} of {self._paths.machine.name}"

    async def _make(self, identity: str) -> StepOutcome:
        return await self._threads.act(
            lambda deadline: self._made(identity, deadline), self._need.bytes
        )

    async def _look_there(self) -> tuple[There, Need]:
        with _observing():
            there, need = await self._paths.files.look(), await self._paths.files.size()
        await self._threads.look(lambda: self._require(need))
        return there, need

    def _require(self, need: Need) -> None:
        if self._store.path.exists():
            require(need, bytes(self._store.path), f"the backup of {self._context.service}")

    def _made(self, identity: str, deadline: Deadline) -> StepOutcome:
        header = Header(
            identity, self._context.service, self._paths.roots,
            secret=self._secret, host=self._there.host,
        )  # fmt: skip
        for attempt in range(1, ATTEMPTS + 1):
            last = attempt == ATTEMPTS

            def fill(writer: BackupWriter, last: bool = last) -> None:
                self._fill(writer, last=last)

            try:
                manifest = make_backup(self._store, header, self._need, fill, deadline=deadline)
            except _ChangedError:
                continue
            return done(self._store, manifest)
        raise BackupError("the files did not hold still")

    def _fill(self, writer: BackupWriter, *, last: bool) -> None:
        files, store = self._paths.files, bytes(self._store.path)
        for number, root in enumerate(self._paths.roots):
            with files.read(root, self._there, writer.deadline) as chunks:
                copy_archive(writer, chunks, store, number)
            changed = files.changed(number, writer.entries, patience_of(writer.deadline))
            if changed and not last:
                raise _ChangedError(f"{shown(root)} changed while it was copied")
            writer.changed_meanwhile(changed)


class HostFilesRestore(BackupRestoring):
    """Puts the declared files and folders of another host back from a verified backup."""

    name = "files"

    def __init__(self, context: DriverContext) -> None:
        super().__init__(context)
        self._paths = _Paths(context)
        self._there = There("", gnu=False)
        self._old: dict[bytes, str] = {}

    async def observe(self) -> Mapping[str, str]:
        """Which backup, what it would replace, and on which host."""
        with _observing():
            self._there = await self._paths.files.look()
        return await super().observe()

    @property
    def wanted(self) -> Wanted:
        """Which backups may be restored: those of the same host."""
        override = self._context.request.override
        return Wanted(self._context.service, self._paths.roots, override, self._there.host)

    async def before(self, step: Step) -> Mapping[str, str]:
        """The restore's own id, and which files are there."""
        self._old = await self._identities()
        old = {os.fsdecode(root): identity for root, identity in self._old.items()}
        return {**await super().before(step), **old}

    async def reconcile(self, step: Step, before: Mapping[str, str]) -> StepOutcome:
        """Look at what is there now."""
        found = {root: before.get(os.fsdecode(root), "") for root in self._paths.roots}
        self._old = {root: identity for root, identity in found.items() if identity}
        return await super().reconcile(step, before)

    def warnings(self) -> tuple[str, ...]:
        """What is not as on the console's own host."""
        return ("for an instant a folder that is replaced is not there",)

    def _roots(self) -> tuple[bytes, ...]:
        return self._paths.roots

    async def _targets(self, manifest: Manifest) -> Mapping[str, str]:
        kinds = await self._paths.kinds()
        _refuse_folders(self._there, kinds)
        return {
            f"replaces {shown(root)}": _WORDS[status.kind] if status else "nothing yet"
            for root, status in kinds.items()
            if root in manifest.roots
        }

    def _sentence(self) -> str:
        names = names_of(self._paths.roots)
        return f"to {names} of {self._paths.machine.name}; what is there is kept as NAME.before-…"

    async def _restore(self, backup: str, identity: str) -> StepOutcome:
        manifest: list[Manifest] = []

        def unpack(deadline: Deadline) -> StepOutcome:
            with opened(self._store, backup) as source:
                check_wanted(source.manifest, self.wanted)
                check_contents(source, deadline)
                self._unpacked(source, identity, deadline)
                manifest.append(source.manifest)
            return StepOutcome(Outcome.DONE)

        try:
            await self._paths.files.require(await self._threads.look(lambda: self._needs(backup)))
        except (BackupError, ObserveError) as error:
            return failed(f"nothing was replaced: {error}")
        unpacked = await self._threads.act(unpack, 2 * self._listed.size)
        if unpacked.outcome is not Outcome.DONE:
            await self._tidied()
            return failed(f"nothing was replaced: {unpacked.detail}")
        switching = self._paths.files.switching(identity, manifest[0].roots)
        try:
            finished = await self._paths.machine.run_named(
                self._program, switching, limit=_SAID, deadline=_SWITCHING
            )
        except MachineError as error:
            return not_done(error)
        if not finished.good:
            said = shown(finished.output.strip()[-300:])
            return StepOutcome(Outcome.FAILED, f"what was there is there again: {said}")
        kept = tuple(
            f"{shown(root)}: what was there is in {shown(target_beside(root, identity).before)}"
            for root in manifest[0].roots
            if root in self._old
        )
        detail = f"{files_text(manifest[0].files)} back, every byte compared"
        return StepOutcome(Outcome.DONE, detail, kept)

    def _unpacked(self, source: OpenBackup, identity: str, deadline: Deadline) -> None:
        """Unpack each root beside its place, and compare what is there with the backup."""
        files, manifest = self._paths.files, source.manifest
        targets = [target_beside(root, identity) for root in manifest.roots]
        there = HostFiles(self._paths.machine, manifest.roots)
        for number, target in enumerate(targets):
            deadline.check()
            chunks = archive(source, target.staging, deadline, number, exact=self._there.gnu)
            files.write(target.parent, chunks, self._there, patience_of(deadline))
            odd = there.changed(number, manifest.entries, patience_of(deadline), target.staging)
            if odd:
                what = shown(os.path.join(target.path, odd[0].path).rstrip(b"/"))
                raise BackupError(f"{what} is not as in the backup after it was unpacked")

    def _needs(self, backup: str) -> dict[bytes, Need]:
        """What each folder has to take."""
        needs: dict[bytes, Need] = {}
        with opened(self._store, backup) as source:
            for number, root in enumerate(source.manifest.roots):
                folder = os.path.dirname(root)
                needs[folder] = needs.get(folder, Need()) + need_of(source, number)
        return needs

    async def _found(self) -> StepOutcome:
        """What the program that puts it in place said, else what is there."""
        command = self._paths.files.switching(self._id, self._paths.roots)
        try:
            finished = await self._paths.machine.ended(
                self._program, command, limit=_SAID, deadline=_SWITCHING
            )
        except MachineError as error:
            now = await self._identities()
            if now == self._old:
                return failed(f"nothing was replaced: {error}")
            return StepOutcome(Outcome.UNKNOWN, str(error))
        if finished is None:
            return failed("nothing was replaced")
        if not finished.good:
            return failed("what was there is there again")
        return StepOutcome(Outcome.DONE, "every path is the restored one")

    async def _sights(self) -> tuple[Sight, ...]:
        """Restored and there; a service that has since rewritten the file is no failure."""
        try:
            now = await self._identities()
        except ObserveError as error:
            return (Sight("restored files", State.UNKNOWN, str(error)),)
        return tuple(self._sight(root, now.get(root, "")) for root in self._paths.roots)

    def _sight(self, root: bytes, now: str) -> Sight:
        if not now:
            return Sight(shown(root), State.DOWN, "it is gone")
        if now == self._old.get(root):
            return Sight(shown(root), State.DOWN, "it is what was there before")
        return Sight(shown(root), State.OK, "restored")

    async def conclude(self, steps: tuple[Step, ...], verdict: OperationState) -> StepOutcome:
        """Remove what was unpacked and not put in place."""
        ended = await super().conclude(steps, verdict)
        if self._id and verdict is not OperationState.VERIFIED:
            await self._tidied()
        return ended

    def undo(self) -> str:
        """By the operator: what was there is beside it."""
        return "put NAME.before-… back in place of NAME: what was there is kept beside it"

    @property
    def _program(self) -> str:
        return f"{self._context.operation}-{self.name}"

    async def _tidied(self) -> None:
        """What cannot be removed stays, and is named as a restore's."""
        with suppress(BackupError):
            await self._paths.files.remove(self._id)

    async def _identities(self) -> dict[bytes, str]:
        """Which file is at each path, where one is. Raises ObserveError."""
        kinds = await self._paths.kinds()
        return {root: "{}:{}".format(*status.identity) for root, status in kinds.items() if status}


@contextmanager
def _observing() -> Iterator[None]:
    """Say that it cannot be planned where the block raises BackupError."""
    try:
        yield
    except BackupError as error:
        raise ObserveError(error.what, remedy=error.remedy) from error


def _refuse_folders(there: There, kinds: Mapping[bytes, FileStatus | None]) -> None:
    """Raise ObserveError for a folder where tar may be led out of it while it walks."""
    folders = [root for root, status in kinds.items() if status and status.kind is FileKind.FOLDER]
    if folders and not there.gnu:
        raise ObserveError(
            f"{shown(folders[0])} is a folder, and the tar of {there.host} is not GNU tar: it "
            "follows a link that somebody puts in place of a folder meanwhile",
            remedy="install GNU tar there, or declare the files in it",
        )
