"""Restoring a backup as an operation: what every driver that puts one back has in common.

Invariant: which backup is meant is settled when the plan is made, and pinned by the hash of its
manifest. It is verified whole before anything is touched.
"""

import time
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace

from opsconsole.dataclass import dataclass
from opsconsole.model.operation import ActionKind, OperationState, Step
from opsconsole.operations.backups.catalogue import LATEST, Listed, age_of, choose
from opsconsole.operations.backups.manifest import Manifest
from opsconsole.operations.backups.places import store_of
from opsconsole.operations.backups.restorer import Wanted, check_wanted
from opsconsole.operations.backups.space import files_text, size_text
from opsconsole.operations.backups.store import new_id
from opsconsole.operations.backups.verifier import opened
from opsconsole.operations.drivers.backup_making import Threads, outcome_of, tidy
from opsconsole.operations.drivers.call import Call
from opsconsole.operations.driving.driver import (
    Driver,
    DriverContext,
    Outcome,
    Sight,
    StepOutcome,
)


@dataclass(frozen=True, slots=True)
class Restore(Call):
    """The backup that is put back, by its id."""

    backup: str


class BackupRestoring(Driver):
    """One step that restores."""

    name: str
    """The driver's name in the configuration."""

    concludes = True

    def __init__(self, context: DriverContext) -> None:
        self._context = context
        self._store = store_of(context.settings, context.service, context.base)
        self._threads = Threads(context)
        self._listed = Listed("")
        self._backup = ""
        self._id = ""

    @abstractmethod
    def _roots(self) -> tuple[bytes, ...]:
        """What a backup must be of."""

    @abstractmethod
    async def _targets(self, manifest: Manifest) -> Mapping[str, str]:
        """What would be replaced, as facts. Raises ObserveError."""

    @abstractmethod
    def _sentence(self) -> str:
        """Where it is put, and what becomes of what is there."""

    @abstractmethod
    async def _restore(self, backup: str, identity: str) -> StepOutcome:
        """Put ``backup`` back; ``identity`` is the restore's own."""

    @abstractmethod
    async def _found(self) -> StepOutcome:
        """By looking: whether the restore took effect."""

    @abstractmethod
    async def _sights(self) -> tuple[Sight, ...]:
        """What was restored, as it is now."""

    def follow_up(self) -> DriverContext | None:
        """What is declared to follow a restore, such as a restart or a reload."""
        backup = self._context.settings.services[self._context.service].actions.backup
        action = backup.restore if backup is not None else None
        if action is None or action == self._context.action:
            return None
        return replace(self._context, action=action, kind=ActionKind.RESTART)

    @property
    def wanted(self) -> Wanted:
        """Which backups may be restored here."""
        return Wanted(self._context.service, self._roots(), any_host=self._context.request.override)

    async def observe(self) -> Mapping[str, str]:
        """Which backup, pinned by its hash, and what it would replace."""
        self._listed, manifest = await self._threads.look(self._choose)
        return {
            "backup": self._listed.id,
            "backup's manifest": self._listed.digest[:16],
            "made on": self._listed.host,
            **await self._targets(manifest),
        }

    def steps(self, facts: Mapping[str, str]) -> tuple[Step, ...]:
        """The one restore."""
        listed = self._listed
        old = age_of(listed)
        fuzzy = ", changed while it was made" if listed.fuzzy or listed.running else ""
        summary = (
            f"restore backup {listed.id} ({old} old, {files_text(listed.files)}, "
            f"{size_text(listed.size)}{fuzzy}) {self._sentence()}"
        )
        folder, call = str(self._store.folder(listed.id)), Restore(listed.id).document()
        return (Step(summary, self.name, folder, call),)

    async def before(self, step: Step) -> Mapping[str, str]:
        """The restore's own id, by which its record is found."""
        self._id = new_id(time.time())
        return {"id": self._id}

    async def execute(self, step: Step) -> StepOutcome:
        """Verify, put back, keep what was there."""
        self._backup = Restore.of(step).backup
        return await self._restore(self._backup, self._id or new_id(time.time()))

    async def reconcile(self, step: Step, before: Mapping[str, str]) -> StepOutcome:
        """Look at what is there now."""
        self._backup, self._id = Restore.of(step).backup, before.get("id", "")
        return await self._found()

    async def look(self, steps: tuple[Step, ...], since: float) -> tuple[Sight, ...]:
        """What was restored."""
        return await self._sights()

    async def conclude(self, steps: tuple[Step, ...], verdict: OperationState) -> StepOutcome:
        """Put back what a runner that was killed left halfway."""
        return await self._threads.act(lambda deadline: outcome_of(self._tidy()), 0)

    def _tidy(self) -> tuple[str, ...]:
        """Called after a verdict; a line for each thing that was left to do."""
        return tidy(self._store)

    @abstractmethod
    def undo(self) -> str:
        """How it is undone, in one line."""

    def _choose(self) -> tuple[Listed, Manifest]:
        wanted = self._context.request.parameters.get("backup") or LATEST
        listed = choose(self._store, self._context.service, wanted)
        with opened(self._store, listed.id) as backup:
            check_wanted(backup.manifest, self.wanted)
            return listed, backup.manifest


def failed(detail: str) -> StepOutcome:
    """A step that did not take effect."""
    return StepOutcome(Outcome.FAILED, detail)
