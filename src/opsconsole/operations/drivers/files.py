"""Backing up files and folders of this host, and putting them back.

Invariant: a restore replaces only the paths that are declared, each in one step, and keeps what
was there as ``NAME.before-<id>`` beside it. Files that hold secrets are 0600 throughout, and
nothing of what they hold is ever in a step, a fact or an outcome.
"""

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from opsconsole.config.actions import FileSet
from opsconsole.model.state import State
from opsconsole.operations.backups import restore_record
from opsconsole.operations.backups.contents import Deadline
from opsconsole.operations.backups.faults import BackupError, because, shown
from opsconsole.operations.backups.manifest import Manifest
from opsconsole.operations.backups.places import roots_of
from opsconsole.operations.backups.restore_record import RestoreRecord, Stage
from opsconsole.operations.backups.restorer import all_switched, restore
from opsconsole.operations.backups.space import Need, files_text, require
from opsconsole.operations.backups.switch import Target, identity, open_parent
from opsconsole.operations.backups.tree import check_roots, copy_tree, survey
from opsconsole.operations.backups.writer import Header, make_backup
from opsconsole.operations.drivers.backup_making import BackupMaking, disk_of, done
from opsconsole.operations.drivers.backup_restoring import BackupRestoring, failed
from opsconsole.operations.driving.driver import (
    DriverContext,
    ObserveError,
    Outcome,
    Sight,
    StepOutcome,
)

_KINDS: Final = {
    stat.S_IFREG: "a file",
    stat.S_IFDIR: "a folder",
    stat.S_IFLNK: "a symlink",
}


def file_set(context: DriverContext) -> FileSet:
    """The files that the action is about: its own, or those of the service's backup."""
    backup = context.settings.services[context.service].actions.backup
    found = context.action.files or (backup.files if backup is not None else None)
    if found is None:
        raise ObserveError(
            "no files are declared to be backed up",
            remedy="declare them under actions.backup.files",
        )
    return found


class FilesBackup(BackupMaking):
    """Copies the declared files and folders into a verified backup."""

    name = "files"

    def __init__(self, context: DriverContext) -> None:
        super().__init__(context)
        self._files = file_set(context)
        self._roots = roots_of(self._files, context.base)

    async def _survey(self) -> tuple[Mapping[str, str], Need]:
        return await self._threads.look(self._look_at_sources)

    def _source(self) -> str:
        return names_of(self._roots)

    def _shares_disk(self) -> bool:
        disk = disk_of(self._store.path)
        there = (path for path in self._paths() if os.path.lexists(path))
        return any(path.lstat().st_dev == disk for path in there)

    async def _make(self, identity: str) -> StepOutcome:
        secret = self._files.secret
        header = Header(identity, self._context.service, self._roots, secret=secret)

        def make(deadline: Deadline) -> StepOutcome:
            check_roots(self._paths(), self._store.path)
            manifest = make_backup(
                self._store,
                header,
                survey(self._roots),
                lambda writer: copy_tree(writer, self._roots),
                deadline=deadline,
            )
            return done(self._store, manifest)

        return await self._threads.act(make, self._need.bytes)

    def _look_at_sources(self) -> tuple[Mapping[str, str], Need]:
        check_roots(self._paths(), self._store.path)
        need = survey(self._roots)
        if self._store.path.exists():
            what = f"the backup of {self._context.service}"
            require(need, bytes(self._store.path), what)
        return {f"source {shown(root)}": kind_of(root) for root in self._roots}, need

    def _paths(self) -> list[Path]:
        return [Path(os.fsdecode(root)) for root in self._roots]


class FilesRestore(BackupRestoring):
    """Puts the declared files and folders back from a verified backup."""

    name = "files"

    def __init__(self, context: DriverContext) -> None:
        super().__init__(context)
        self._declared = roots_of(file_set(context), context.base)

    def _roots(self) -> tuple[bytes, ...]:
        return self._declared

    async def _targets(self, manifest: Manifest) -> Mapping[str, str]:
        return await self._threads.look(
            lambda: {f"replaces {shown(root)}": kind_of(root) for root in manifest.roots}
        )

    def _sentence(self) -> str:
        return f"to {names_of(self._declared)}; what is there is kept as NAME.before-…"

    async def _restore(self, backup: str, identity: str) -> StepOutcome:
        def put_back(deadline: Deadline) -> StepOutcome:
            restored = restore(self._store, backup, identity, self.wanted, deadline=deadline)
            kept = tuple(
                f"{shown(path)}: what was there is in {shown(before)}"
                for path, before in restored.kept
            )
            detail = f"{files_text(restored.manifest.files)} back, every byte compared"
            return StepOutcome(Outcome.DONE, detail, (*kept, *restored.notes))

        return await self._threads.act(put_back, self._listed.size)

    async def _found(self) -> StepOutcome:
        return await self._threads.act(lambda deadline: self._what_became(), 0)

    async def _sights(self) -> tuple[Sight, ...]:
        try:
            return await self._threads.look(self._look_at_targets)
        except ObserveError as error:
            return (Sight("restored files", State.UNKNOWN, str(error)),)

    def undo(self) -> str:
        """By the operator: what was there is beside it."""
        return "put NAME.before-… back in place of NAME: what was there is kept beside it"

    def _what_became(self) -> StepOutcome:
        record = restore_record.find(self._store, self._id) if self._id else None
        if record is None or record.stage is Stage.PREPARING:
            return failed("nothing was replaced")
        if record.stage is Stage.DONE or _all_switched(record):
            return StepOutcome(Outcome.DONE, "every path is the restored one")
        paths = ", ".join(shown(target.path) for target in record.targets)
        return failed(
            f"it was cut off while it replaced {paths}; the next backup or restore of "
            f"{self._context.service} begins by putting the old ones back"
        )

    def _look_at_targets(self) -> tuple[Sight, ...]:
        record = restore_record.find(self._store, self._id) if self._id else None
        if record is None:
            return tuple(_is_there(root) for root in self._declared)
        return tuple(_sight(target) for target in record.targets)


def kind_of(path: bytes) -> str:
    """What is at ``path``, in two words."""
    try:
        return _KINDS.get(stat.S_IFMT(os.lstat(path).st_mode), "something special")
    except FileNotFoundError:
        return "nothing yet"
    except OSError as error:
        raise BackupError(f"cannot look at {shown(path)}: {because(error)}") from error


def names_of(roots: tuple[bytes, ...]) -> str:
    """The paths in a sentence; the first three of them."""
    first = ", ".join(shown(root) for root in roots[:3])
    return first if len(roots) <= 3 else f"{first} and {len(roots) - 3} more"


def _all_switched(record: RestoreRecord) -> bool:
    try:
        return all_switched(record)
    except OSError as error:
        raise BackupError(f"cannot look at what was restored: {because(error)}") from error


def _is_there(root: bytes) -> Sight:
    there = kind_of(root)
    state = State.DOWN if there == "nothing yet" else State.OK
    return Sight(shown(root), state, there)


def _sight(target: Target) -> Sight:
    """Restored and there; a service that has since rewritten the file is no failure."""
    folder = open_parent(target)
    try:
        found = identity(target.name, folder)
    finally:
        os.close(folder)
    if found is None:
        return Sight(shown(target.path), State.DOWN, "it is gone")
    if found == target.old:
        return Sight(shown(target.path), State.DOWN, "it is what was there before")
    detail = "restored" if found == target.fresh else "restored, and rewritten since"
    return Sight(shown(target.path), State.OK, detail)
