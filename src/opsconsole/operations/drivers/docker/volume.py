"""Backing up a Docker volume or a path inside a container, and putting it back.

Invariant: what is restored was verified before, what was there was backed up before, and what
is there afterwards was read back and compared. Looking makes no container: a volume that none
mounts cannot be looked at.
"""

import os
from collections.abc import Mapping
from functools import partial

from opsconsole.model.state import State
from opsconsole.operations.backups.catalogue import backups
from opsconsole.operations.backups.contents import Deadline
from opsconsole.operations.backups.faults import BackupError
from opsconsole.operations.backups.manifest import Manifest
from opsconsole.operations.backups.restorer import check_wanted
from opsconsole.operations.backups.space import Need, on_disk
from opsconsole.operations.backups.store import Store
from opsconsole.operations.backups.tar_copying import Difference
from opsconsole.operations.backups.verifier import check_contents, opened
from opsconsole.operations.drivers.backup_making import BackupMaking, disk_of, done
from opsconsole.operations.drivers.backup_restoring import BackupRestoring, failed
from opsconsole.operations.drivers.docker.archive import ArchiveEngine, with_engine
from opsconsole.operations.drivers.docker.stopped_containers import start_again, stopped
from opsconsole.operations.drivers.docker.volume_copying import Copying, Target
from opsconsole.operations.driving.driver import (
    DriverContext,
    ObserveError,
    Outcome,
    Sight,
    StepOutcome,
)


class VolumeBackup(BackupMaking):
    """Copies a volume, or a path inside a container, into a verified backup."""

    name = "volume"

    def __init__(self, context: DriverContext) -> None:
        super().__init__(context)
        self._target = Target(context)

    async def _survey(self) -> tuple[Mapping[str, str], Need]:
        return await self._threads.look(
            lambda: with_engine(self._target.engine, self._look_at_source)
        )

    def _shares_disk(self) -> bool:
        """An engine that keeps its data in a folder of this host is this host's."""

        def look(engine: ArchiveEngine) -> str:
            return engine.folder_of(self._target.declared)

        try:
            folder = with_engine(self._target.engine, look)
            return bool(folder) and os.stat(folder).st_dev == disk_of(self._store.path)
        except (BackupError, OSError):
            return False  # it is not known, and stands in no backup's way

    def _source(self) -> str:
        stops = ", stopping what uses it meanwhile" if self._target.declared.stop else ""
        return f"{self._target.words}{stops}"

    async def _make(self, identity: str) -> StepOutcome:
        copying = Copying(self._target, self._store, self._context.service)

        def make(deadline: Deadline, engine: ArchiveEngine) -> StepOutcome:
            declared = self._target.declared
            with (
                stopped(engine, declared, self._store, identity),
                engine.place(declared) as place,
            ):
                manifest = copying.back_up(engine, place, identity, self._need, deadline)
            return done(self._store, manifest)

        return await self._threads.act(
            lambda deadline: with_engine(self._target.engine, partial(make, deadline)),
            self._need.bytes,
        )

    def _tidy(self) -> tuple[str, ...]:
        return (*super()._tidy(), *end(self._target, self._store))

    def _look_at_source(self, engine: ArchiveEngine) -> tuple[Mapping[str, str], Need]:
        """What the backup will need is not known before; the last one is the best guess."""
        listed = backups(self._store, self._context.service)
        newest = next((each for each in listed if each.whole), None)
        need = Need(on_disk(newest.size), newest.files) if newest is not None else Need()
        return self._target.facts(engine), need


class VolumeRestore(BackupRestoring):
    """Puts a volume, or a path inside a container, back from a verified backup."""

    name = "volume"

    def __init__(self, context: DriverContext) -> None:
        super().__init__(context)
        self._target = Target(context)
        self._copying = Copying(self._target, self._store, context.service)
        self._compared: Sight | None = None

    def _roots(self) -> tuple[bytes, ...]:
        return (self._target.root,)

    async def _targets(self, manifest: Manifest) -> Mapping[str, str]:
        return await self._threads.look(
            lambda: with_engine(self._target.engine, self._target.facts)
        )

    def _sentence(self) -> str:
        stops = "; what uses it is stopped meanwhile" if self._target.declared.stop else ""
        return (
            f"to {self._target.words}{stops}; what is there is backed up before, "
            "and files that the backup does not have stay"
        )

    async def _restore(self, backup: str, identity: str) -> StepOutcome:
        def put_back(deadline: Deadline, engine: ArchiveEngine) -> StepOutcome:
            with opened(self._store, backup) as source:
                check_wanted(source.manifest, self.wanted)
                check_contents(source, deadline)
                with (
                    stopped(engine, self._target.declared, self._store, identity),
                    engine.place(self._target.declared, writing=True) as place,
                ):
                    return self._copying.put_back(engine, place, source, identity, deadline)

        outcome = await self._threads.act(
            lambda deadline: with_engine(self._target.engine, partial(put_back, deadline)),
            2 * self._listed.size,
        )
        if outcome.outcome is Outcome.DONE:
            self._compared = _sight(self._target.words, Difference())
        return outcome

    async def _found(self) -> StepOutcome:
        def look(engine: ArchiveEngine) -> StepOutcome:
            difference = self._difference(engine)
            if difference.restored:
                return StepOutcome(Outcome.DONE, "everything of the backup is there")
            changed = len(difference.missing) + len(difference.other)
            return failed(f"{changed} files are not as in the backup: restore again")

        return await self._threads.act(
            lambda deadline: with_engine(self._target.engine, look), self._listed.size
        )

    async def _sights(self) -> tuple[Sight, ...]:
        """Compared once; a service that runs on it may change it from then on."""
        if self._compared is None:
            try:
                difference = await self._threads.look(
                    lambda: with_engine(self._target.engine, self._difference)
                )
            except ObserveError as error:
                return (Sight(self._target.words, State.UNKNOWN, str(error)),)
            self._compared = _sight(self._target.words, difference)
        return (self._compared,)

    def _tidy(self) -> tuple[str, ...]:
        return (*super()._tidy(), *end(self._target, self._store))

    def undo(self) -> str:
        """By restoring the backup of what was there."""
        return "restore the backup that is made of what is there, just before"

    def _difference(self, engine: ArchiveEngine) -> Difference:
        place = engine.there(self._target.declared)
        if place is None:
            raise BackupError("no container mounts the volume, so it cannot be looked at")
        with opened(self._store, self._backup or self._listed.id) as source:
            return self._copying.difference(engine, place, source.manifest)


def end(target: Target, store: Store) -> tuple[str, ...]:
    """Start what a dead process left stopped, remove the helper that it left."""

    def tidy_up(engine: ArchiveEngine) -> tuple[str, ...]:
        volume = target.declared.volume
        removed = engine.remove_helpers(volume) if volume else 0
        helper = ("a helper container that was left has been removed",) if removed else ()
        return (*start_again(engine, store), *helper)

    return with_engine(target.engine, tidy_up)


def _sight(subject: str, difference: Difference) -> Sight:
    if difference.restored:
        return Sight(subject, State.OK, "everything of the backup is there")
    changed = len(difference.missing) + len(difference.other)
    return Sight(subject, State.DOWN, f"{changed} files are not as in the backup")
