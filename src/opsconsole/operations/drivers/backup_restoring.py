"""Restoring a backup as an operation: what every driver that puts one back has in common.

Invariant: which backup is meant is settled when the plan is made, and pinned by the hash of its
manifest. It is verified whole before anything is touched.
"""

import time
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from opsconsole.model.operation import ActionKind, OperationState, Step
from opsconsole.operations.backups.catalogue import LATEST, Listed, age_of, choose
from opsconsole.operations.backups.manifest import Manifest
from opsconsole.operations.backups.places import store_of
from opsconsole.operations.backups.restorer import Wanted, check_wanted
from opsconsole.operations.backups.space import files_text, size_text
from opsconsole.operations.backups.store import new_id
from opsconsole.operations.backups.verifier import opened
from opsconsole.operations.drivers.backup_making import Threads, tidy, told
from opsconsole.operations.planning import registry
from opsconsole.operations.planning.driver import (
    Driver,
    DriverContext,
    ObserveError,
    Outcome,
    Sight,
    StepOutcome,
)

_RESTORE: Final = "restore"


class BackupRestoring(Driver):
    """One step that restores, followed by the steps of the action that is declared to follow."""

    name: str
    """The driver's name in the configuration."""

    concludes = True

    def __init__(self, context: DriverContext) -> None:
        self._context = context
        self._store = store_of(context.settings, context.service, context.base)
        self._threads = Threads(context)
        self._follow = _follow(context)
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

    @property
    def wanted(self) -> Wanted:
        """Which backups may be restored here."""
        override = self._context.request.parameters.get("override") == "yes"
        return Wanted(self._context.service, self._roots(), any_host=override)

    async def observe(self) -> Mapping[str, str]:
        """Which backup, pinned by its hash, and what it would replace."""
        self._listed, manifest = await self._threads.look(self._choose)
        facts = {
            "backup": self._listed.id,
            "backup's manifest": self._listed.digest[:16],
            "made on": self._listed.host,
            **await self._targets(manifest),
        }
        return facts | dict(await self._follow.observe()) if self._follow else facts

    def steps(self, facts: Mapping[str, str]) -> tuple[Step, ...]:
        """Restore, and what follows."""
        listed = self._listed
        old = age_of(listed)
        fuzzy = ", changed while it was made" if listed.fuzzy or listed.running else ""
        own = Step(
            f"restore backup {listed.id} ({old} old, {files_text(listed.files)}, "
            f"{size_text(listed.size)}{fuzzy}) {self._sentence()}",
            self.name,
            str(self._store.folder(listed.id)),
            {"do": _RESTORE, "backup": listed.id},
        )
        return (own, *self._follow.steps(facts)) if self._follow else (own,)

    async def before(self, step: Step) -> Mapping[str, str]:
        """The restore's own id, by which its record is found."""
        if self._follow and not _own(step):
            return await self._follow.before(step)
        self._id = new_id(time.time())
        return {"id": self._id}

    async def execute(self, step: Step) -> StepOutcome:
        """Verify, put back, keep what was there."""
        if self._follow and not _own(step):
            return await self._follow.execute(step)
        self._backup = str(step.call["backup"])
        return await self._restore(self._backup, self._id or new_id(time.time()))

    async def reconcile(self, step: Step, before: Mapping[str, str]) -> StepOutcome:
        """Look at what is there now."""
        if self._follow and not _own(step):
            return await self._follow.reconcile(step, before)
        self._backup, self._id = str(step.call["backup"]), before.get("id", "")
        return await self._found()

    async def look(self, steps: tuple[Step, ...], since: float) -> tuple[Sight, ...]:
        """What was restored, and what the following action sees."""
        own = await self._sights() if any(_own(step) for step in steps) else ()
        rest = tuple(step for step in steps if not _own(step))
        return (*own, *await self._follow.look(rest, since)) if self._follow and rest else own

    async def conclude(self, steps: tuple[Step, ...], verdict: OperationState) -> StepOutcome:
        """Put back what a runner that was killed left halfway; then the following action's own."""
        own = await self._threads.act(lambda deadline: told(self._tidy()), 0)
        rest = tuple(step for step in steps if not _own(step))
        if not rest or self._follow is None or not self._follow.concludes:
            return own
        other = await self._follow.conclude(rest, verdict)
        details = "; ".join(filter(None, (own.detail, other.detail)))
        outcome = other.outcome if own.outcome is Outcome.DONE else own.outcome
        return StepOutcome(outcome, details, other.evidence)

    def _tidy(self) -> tuple[str, ...]:
        """Called after a verdict; a line for each thing that was left to do."""
        return tidy(self._store)

    @abstractmethod
    def undo(self) -> str:
        """How it is undone, in one line."""

    async def close(self) -> None:
        """Close what the following action opened."""
        if self._follow:
            await self._follow.close()

    def _choose(self) -> tuple[Listed, Manifest]:
        wanted = self._context.request.parameters.get("backup") or LATEST
        listed = choose(self._store, self._context.service, wanted)
        with opened(self._store, listed.id) as backup:
            check_wanted(backup.manifest, self.wanted)
            return listed, backup.manifest


def failed(detail: str) -> StepOutcome:
    """A step that did not take effect."""
    return StepOutcome(Outcome.FAILED, detail)


def _own(step: Step) -> bool:
    return step.call.get("do") == _RESTORE


def _follow(context: DriverContext) -> Driver | None:
    """The driver of what is declared to follow a restore, such as a restart or a reload.

    Raises ObserveError when no driver can do it.
    """
    backup = context.settings.services[context.service].actions.backup
    follow = backup.restore if backup is not None else None
    if follow is None or follow == context.action:
        return None
    if not registry.can(follow, ActionKind.RESTART):
        raise ObserveError(
            f"what is to follow a restore of {context.service} cannot be done by {follow.driver}",
            remedy="declare it with a driver that can restart",
        )
    return registry.make(replace(context, action=follow, kind=ActionKind.RESTART))
