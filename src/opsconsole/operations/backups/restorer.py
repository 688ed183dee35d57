"""Putting a backup back: the old files stay until the new ones are complete, and are kept after.

Invariant: the backup is verified before anything is touched. Each declared path is the old one,
complete, or the restored one, complete, at every instant; when not all of them could be replaced,
all are the old ones again. What was there is kept beside, as ``NAME.before-<id>``.
"""

import os
import shutil
import stat
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import field, replace
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.operations.backups import restore_record, switch
from opsconsole.operations.backups.contents import Deadline
from opsconsole.operations.backups.extractor import Extractor, Notes
from opsconsole.operations.backups.faults import BackupError, because, reporting, shown
from opsconsole.operations.backups.manifest import EntryType, Manifest
from opsconsole.operations.backups.restore_record import RestoreRecord, Stage
from opsconsole.operations.backups.space import MARGIN, Need, on_disk, reporting_full, require
from opsconsole.operations.backups.store import Store
from opsconsole.operations.backups.switch import Target
from opsconsole.operations.backups.verifier import OpenBackup, check_contents, numbered, opened

_NO_LIMIT: Final = Deadline()
_FOLDER_COST: Final = 4096
_BLOCK: Final = 512


@dataclass(frozen=True, slots=True)
class Wanted:
    """What may be restored: a backup of ``service`` whose roots are exactly ``roots``.

    ``any_host`` allows a backup of another host than ``host``.
    """

    service: str
    roots: tuple[bytes, ...]
    any_host: bool = False
    host: str = field(default_factory=lambda: os.uname().nodename)


@dataclass(frozen=True, slots=True)
class Restored:
    """What was done: the backup, each path with where its old contents are, what to know."""

    manifest: Manifest
    kept: tuple[tuple[bytes, bytes], ...]
    notes: tuple[str, ...]


def check_wanted(manifest: Manifest, wanted: Wanted) -> None:
    """Return when the backup is of what is to be restored. Raises BackupError."""
    if manifest.service != wanted.service:
        raise BackupError(
            f"backup {manifest.id} is of {shown(manifest.service)}, not of {wanted.service}"
        )
    if manifest.host != wanted.host and not wanted.any_host:
        raise BackupError(
            f"backup {manifest.id} was made on {shown(manifest.host)}, this is {wanted.host}",
            remedy="to restore it here all the same, override with a reason",
        )
    foreign = [root for root in manifest.roots if root not in wanted.roots]
    if foreign:
        raise BackupError(
            f"backup {manifest.id} holds {shown(foreign[0])}, which is not declared",
            remedy="declare the path again, or use another backup",
        )


def restore(
    store: Store,
    backup: str,
    identity: str,
    wanted: Wanted,
    *,
    deadline: Deadline = _NO_LIMIT,
    margin: float = MARGIN,
) -> Restored:
    """Put ``backup`` back; ``identity`` is the restore's own id.

    Raises BackupError, SpaceError, DamagedError, UnknownBackupError, BusyError; then everything
    is as it was.
    """
    with store.writing() as folder:
        repair_locked(store, folder)
        with opened(store, backup) as source:
            check_wanted(source.manifest, wanted)
            check_contents(source, deadline)
            return _restore(source, RestoreJob(folder, identity, deadline, margin))


def repair(store: Store) -> tuple[str, ...]:
    """Undo or complete restores that were cut off; a sentence for each. Raises BackupError."""
    pending = [each for each in restore_record.records(store) if each.stage is not Stage.DONE]
    if not pending:
        return ()
    with store.writing() as folder:
        return repair_locked(store, folder)


def repair_locked(store: Store, folder: int) -> tuple[str, ...]:
    """``repair`` for a caller that holds the store's lock."""
    lines = []
    for record in restore_record.records(store):
        if record.stage is Stage.DONE:
            continue
        with reporting(f"the restore {record.id} was cut off and cannot be repaired"):
            if all_switched(record):
                complete(record, folder)
                lines.append(f"the restore {record.id} was cut off and has been completed")
            else:
                take_back(record, folder)
                lines.append(f"the restore {record.id} was cut off and has been undone")
    return tuple(lines)


def all_switched(record: RestoreRecord) -> bool:
    """Whether every path is the restored one. Raises OSError."""
    return record.stage is not Stage.PREPARING and all(_is_switched(it) for it in record.targets)


def complete(record: RestoreRecord, folder: int) -> None:
    """Finish each switch and say that it is done. Raises OSError."""
    for target in record.targets:
        with ExitStack() as stack:
            switch.finish(target, _parent(target, stack))
    restore_record.write(record.at(Stage.DONE), folder)


def take_back(record: RestoreRecord, folder: int) -> None:
    """Put every old thing back and remove what was extracted. Raises OSError."""
    for target in reversed(record.targets):
        with ExitStack() as stack:
            parent = _parent(target, stack)
            if record.stage is Stage.SWITCHING:
                switch.undo(target, parent)
            found = switch.identity(target.staging, parent)
            if found is not None and found != target.old:
                _remove(target.staging, parent)
    restore_record.forget(record, folder)


@dataclass(frozen=True, slots=True)
class RestoreJob:
    """One restore on its way; ``folder`` is the store's, open and locked."""

    folder: int
    identity: str
    deadline: Deadline
    margin: float


def _restore(source: OpenBackup, job: RestoreJob) -> Restored:
    manifest = source.manifest
    targets = tuple(_target(root, job.identity) for root in manifest.roots)
    _require_space(source, targets, job.margin)
    record = RestoreRecord(job.identity, manifest.id, Stage.PREPARING, targets)
    restore_record.write(record, job.folder)
    notes = Notes()
    try:
        fresh = tuple(
            _extract(source, number, target, job, notes) for number, target in enumerate(targets)
        )
        record = replace(record, stage=Stage.SWITCHING, targets=fresh)
        restore_record.write(record, job.folder)
        _switch_all(record)
    except BaseException as error:
        _give_up(record, job.folder, error)
        raise
    with reporting(f"backup {manifest.id} is restored, but that cannot be recorded"):
        complete(record, job.folder)
    kept = tuple(
        (target.path, os.path.join(target.parent, target.before))
        for target in record.targets
        if target.old is not None
    )
    return Restored(manifest, kept, notes.lines())


def _target(root: bytes, identity: str) -> Target:
    """The names beside ``root``, after a look at whether it can be replaced."""
    target = restore_record.target_beside(root, identity)
    with (
        ExitStack() as stack,
        reporting(f"cannot restore to {shown(root)}", "make its folder first"),
    ):
        folder = _parent(target, stack)
        old = switch.identity(target.name, folder)
        if old is not None and old[0] != os.fstat(folder).st_dev:
            raise BackupError(
                f"{shown(root)} is a mount point, which cannot be replaced",
                remedy="declare the folders within it",
            )
    return replace(target, old=old)


def _extract(
    source: OpenBackup, number: int, target: Target, job: RestoreJob, notes: Notes
) -> Target:
    need = need_of(source, number)
    with (
        reporting_full(f"restoring {shown(target.path)}", need, target.parent),
        ExitStack() as stack,
    ):
        folder = _parent(target, stack)
        Extractor(source, folder, target.staging, job.deadline, notes).extract(number)
        os.fsync(folder)
        fresh = switch.identity(target.staging, folder)
        return replace(target, fresh=fresh, old=switch.identity(target.name, folder))


def _switch_all(record: RestoreRecord) -> None:
    for target in record.targets:
        with ExitStack() as stack:
            folder = _parent(target, stack)
            if switch.identity(target.name, folder) != target.old:
                raise BackupError(
                    f"{shown(target.path)} was replaced by someone else meanwhile",
                    remedy="look who changes it, and restore again",
                )
            with reporting(f"cannot replace {shown(target.path)}"):
                switch.switch(target, folder)


def _give_up(record: RestoreRecord, folder: int, error: BaseException) -> None:
    """Take everything back; when even that fails, say so and leave the record for later."""
    try:
        take_back(record, folder)
    except OSError as second:
        paths = ", ".join(shown(target.path) for target in record.targets)
        raise BackupError(
            f"{error}; and the old contents of {paths} could not all be put back: "
            f"{because(second)}",
            remedy=f"look for names that end in .before-{record.id}, then restore again",
        ) from error


def need_of(source: OpenBackup, root: int) -> Need:
    """What one root needs on its disk; holes need nothing."""
    manifest = source.manifest
    mine = [entry for entry in manifest.entries if entry.root == root]
    size = sum(entry.type is EntryType.DIR for entry in mine) * _FOLDER_COST
    for name, entry in numbered(manifest):
        if entry.root == root:
            held = os.stat(name, dir_fd=source.data, follow_symlinks=False).st_blocks * _BLOCK
            size += min(on_disk(entry.size), held)
    return Need(size, sum(entry.type is not EntryType.HARD_LINK for entry in mine))


def _require_space(source: OpenBackup, targets: Sequence[Target], margin: float) -> None:
    """Ask each disk once for all that it has to take."""
    needs: dict[int, Need] = {}
    folders: dict[int, bytes] = {}
    for number, target in enumerate(targets):
        disk = os.stat(target.parent).st_dev
        needs[disk] = needs.get(disk, Need()) + need_of(source, number)
        folders[disk] = target.parent
    for disk, need in needs.items():
        require(need, folders[disk], f"restoring backup {source.manifest.id}", margin)


def _is_switched(target: Target) -> bool:
    with ExitStack() as stack:
        return switch.is_switched(target, _parent(target, stack))


def _parent(target: Target, stack: ExitStack) -> int:
    folder = switch.open_parent(target)
    stack.callback(os.close, folder)
    return folder


def _remove(name: bytes, folder: int) -> None:
    """Remove what was extracted, and nothing that a symlink in it points to."""
    status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    if stat.S_ISDIR(status.st_mode):
        shutil.rmtree(name, dir_fd=folder)
    else:
        os.unlink(name, dir_fd=folder)
    os.fsync(folder)
