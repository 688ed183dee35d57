"""Copying between a store of backups and a Docker volume, or a path inside a container.

Invariant: what is put back is read back and compared; when it differs, what was there before is
put back in its turn. The engine can replace files but not remove any: what a backup does not
have stays, and is named.
"""

import os
from collections.abc import Mapping
from typing import Final

from opsconsole.config.actions import VolumeTarget
from opsconsole.config.settings import Docker
from opsconsole.operations.backups.contents import Deadline
from opsconsole.operations.backups.faults import BackupError, shown
from opsconsole.operations.backups.manifest import EntryType, Manifest, Origin
from opsconsole.operations.backups.space import Need, files_text
from opsconsole.operations.backups.store import Store
from opsconsole.operations.backups.tar_copying import Difference, compare, copy_archive
from opsconsole.operations.backups.tar_writing import archive
from opsconsole.operations.backups.verifier import OpenBackup, opened
from opsconsole.operations.backups.writer import BackupWriter, Header, make_backup
from opsconsole.operations.drivers.backup_restoring import failed
from opsconsole.operations.drivers.docker.archive import ArchiveEngine, ContainerPath
from opsconsole.operations.drivers.docker.engine import engine_of
from opsconsole.operations.driving.driver import DriverContext, ObserveError, Outcome, StepOutcome

_SHOWN: Final = 5


class Target:
    """What the action names, on which engine."""

    def __init__(self, context: DriverContext) -> None:
        backup = context.settings.services[context.service].actions.backup
        declared = context.action.volume or (backup.volume if backup is not None else None)
        if declared is None:
            raise ObserveError("the action declares no volume")
        if declared.path is not None and os.path.normpath(declared.path) == "/":
            raise ObserveError("a whole container is not backed up", remedy="declare a path in it")
        self.declared: VolumeTarget = declared
        self.engine: Docker = engine_of(context, declared.engine)

    @property
    def root(self) -> bytes:
        """What a backup of it has as its root: a name, which is no path of this host."""
        target = self.declared
        name = f"volume:{target.volume}" if target.volume else f"{target.container}:{target.path}"
        return name.encode("utf-8")

    @property
    def words(self) -> str:
        """How it is called in a sentence."""
        target = self.declared
        if target.volume:
            return f"volume {shown(target.volume)}"
        return f"{shown(target.path or '')} in container {shown(target.container or '')}"

    def facts(self, engine: ArchiveEngine) -> Mapping[str, str]:
        """What pins a plan: the volume, or the container by its id."""
        found = engine.there(self.declared)
        if self.declared.volume:
            return {"volume": shown(self.declared.volume)}
        assert found is not None
        return {f"{found.container} id": found.container_id[:12], "path": shown(found.path)}

    def origin(self, place: ContainerPath) -> Origin:
        """Where a backup of it comes from."""
        return Origin(
            kind="volume" if self.declared.volume else "container",
            volume=self.declared.volume or "",
            container=place.container,
            container_id=place.container_id,
            image=place.image,
            running=place.running,
        )


class Copying:
    """Copies between one target and one store, for one service."""

    def __init__(self, target: Target, store: Store, service: str) -> None:
        self._target = target
        self._store = store
        self._service = service

    def back_up(
        self,
        engine: ArchiveEngine,
        place: ContainerPath,
        identity: str,
        need: Need,
        deadline: Deadline,
    ) -> Manifest:
        """Back up what is at ``place``."""
        header = Header(identity, self._service, (self._target.root,), self._target.origin(place))

        def fill(writer: BackupWriter) -> None:
            with engine.read(place) as chunks:
                copy_archive(writer, chunks, bytes(self._store.path))

        return make_backup(self._store, header, need, fill, deadline=deadline)

    def put_back(
        self,
        engine: ArchiveEngine,
        place: ContainerPath,
        source: OpenBackup,
        identity: str,
        deadline: Deadline,
    ) -> StepOutcome:
        """Back up what is there as ``identity``, replace it, read it back and compare."""
        self.back_up(engine, place, identity, Need(), deadline)
        kept = f"what was there is backup {identity}"
        try:
            self._send(engine, place, source, deadline)
            difference = self.difference(engine, place, source.manifest)
            if not difference.restored:
                odd = (difference.missing + difference.other)[0]
                raise BackupError(f"{shown(odd)} is not as in the backup after it was put back")
        except BackupError as error:
            return self._take_back(engine, place, identity, str(error), deadline)
        extra = difference.extra
        stay = (f"{len(extra)} that the backup does not have stay: {_names(extra)}",)
        detail = f"{files_text(source.manifest.files)} back, every byte read again and compared"
        return StepOutcome(Outcome.DONE, detail, (kept, *(stay if extra else ())))

    def difference(
        self, engine: ArchiveEngine, place: ContainerPath, manifest: Manifest
    ) -> Difference:
        """How what is at ``place`` differs from a backup."""
        with engine.read(place) as chunks:
            return compare(manifest, chunks)

    def _take_back(
        self,
        engine: ArchiveEngine,
        place: ContainerPath,
        identity: str,
        why: str,
        deadline: Deadline,
    ) -> StepOutcome:
        try:
            with opened(self._store, identity) as kept:
                self._send(engine, place, kept, deadline)
                whole = self.difference(engine, place, kept.manifest).restored
        except BackupError as error:
            why = f"{why}; putting back what was there failed too: {error}"
            whole = False
        if whole:
            return failed(f"{why}; what was there is back")
        return failed(f"{why}; restore backup {identity}, which is what was there")

    def _send(
        self, engine: ArchiveEngine, place: ContainerPath, source: OpenBackup, deadline: Deadline
    ) -> None:
        """A folder is extracted in place, a file in its folder."""
        root = next(entry for entry in source.manifest.entries if not entry.path)
        if root.type is EntryType.DIR:
            engine.write(place, place.path, archive(source, b".", deadline))
        else:
            folder, name = os.path.split(place.path)
            engine.write(place, folder, archive(source, os.fsencode(name), deadline))


def _names(paths: list[bytes]) -> str:
    names = ", ".join(shown(path) for path in paths[:_SHOWN])
    return names if len(paths) <= _SHOWN else f"{names}, …"
