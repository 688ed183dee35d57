"""Making a backup as an operation: what every driver that backs something up has in common.

Invariant: a backup is done when it is on the disk, read back and verified, and not before. What
is removed afterwards was named in the plan and is still surplus when its turn comes.
"""

import time
from abc import abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, TypeVar

from opsconsole.config.actions import BackupAction
from opsconsole.dataclass import dataclass
from opsconsole.model.operation import OperationState, Step
from opsconsole.model.state import State
from opsconsole.operations.backups.catalogue import Listed, backups
from opsconsole.operations.backups.contents import Deadline
from opsconsole.operations.backups.faults import BackupError, because
from opsconsole.operations.backups.manifest import Manifest, full_path
from opsconsole.operations.backups.places import store_of
from opsconsole.operations.backups.restorer import repair, repair_locked
from opsconsole.operations.backups.retention import LEAST, surplus
from opsconsole.operations.backups.space import MARGIN, Free, Need, files_text, free_near, size_text
from opsconsole.operations.backups.store import Store, new_id
from opsconsole.operations.backups.verifier import opened, verify
from opsconsole.operations.drivers.call import Call
from opsconsole.operations.driving.driver import (
    Driver,
    DriverContext,
    ObserveError,
    Outcome,
    Sight,
    StepOutcome,
)
from opsconsole.text import sanitize_bytes
from opsconsole.threads import QueueFullError

T = TypeVar("T")

LOOKING: Final = 120.0
"""Seconds for walking over what is to be backed up."""

_SLOWEST: Final = 10_000_000.0
_GRACE: Final = 60.0
_SHOWN: Final = 5


class Threads:
    """Blocking calls of one driver: copying ends at a deadline of its own, before the thread's."""

    def __init__(self, context: DriverContext) -> None:
        self._context = context

    async def look(self, function: Callable[[], T]) -> T:
        """``function()``, which only looks. Raises ObserveError for whatever it cannot see."""
        try:
            return await self._context.threads.run(function, deadline=LOOKING)
        except BackupError as error:
            raise ObserveError(error.what, remedy=error.remedy) from error
        except (OSError, QueueFullError) as error:
            raise ObserveError(f"cannot look at the backups: {error}") from error

    async def act(self, function: Callable[[Deadline], StepOutcome], size: int) -> StepOutcome:
        """``function`` with the deadline that ``size`` bytes deserve; an error is an outcome."""
        patience = max(self._context.action.deadline, _GRACE + size / _SLOWEST)
        deadline = Deadline(time.monotonic() + patience)
        try:
            return await self._context.threads.run(
                lambda: function(deadline), deadline=patience + _GRACE
            )
        except BackupError as error:
            return StepOutcome(Outcome.FAILED, str(error))
        except QueueFullError as error:
            return StepOutcome(Outcome.FAILED, f"nothing was begun: {error}")
        except TimeoutError:
            return StepOutcome(Outcome.UNKNOWN, f"it had not ended after {patience + _GRACE:.0f} s")
        except OSError as error:
            return StepOutcome(Outcome.FAILED, because(error))


@dataclass(frozen=True, slots=True)
class Surplus(Call):
    """The backups to remove; the step that makes one names none."""

    ids: tuple[str, ...] = ()


class BackupMaking(Driver):
    """One step that makes a backup, and one that removes the surplus if there will be any."""

    name: str
    """The driver's name in the configuration."""

    concludes = True

    def __init__(self, context: DriverContext) -> None:
        action = context.action
        self._context = context
        self._keep = action.keep if isinstance(action, BackupAction) else LEAST
        self._store = store_of(context.settings, context.service, context.base)
        self._threads = Threads(context)
        self._need = Need()
        self._free = Free(0, None)
        self._listed: tuple[Listed, ...] = ()
        self._id = ""
        self._is_beside = False
        self._checked: set[str] = set()

    @abstractmethod
    async def _survey(self) -> tuple[Mapping[str, str], Need]:
        """What is to be backed up, as facts, and what that needs. Raises ObserveError."""

    def _shares_disk(self) -> bool:
        """Whether the backup is kept where it would be lost together with its source."""
        return False

    def warnings(self) -> tuple[str, ...]:
        """Where a backup would be lost together with its source."""
        if not self._is_beside:
            return ()
        return ("the backup is kept on the disk of what it is of: both are lost with it",)

    @abstractmethod
    async def _make(self, identity: str) -> StepOutcome:
        """Make the backup."""

    @abstractmethod
    def _source(self) -> str:
        """What is backed up, in a few words."""

    async def observe(self) -> Mapping[str, str]:
        """Where the backup goes and what is there to be backed up."""
        facts, self._need = await self._survey()
        self._listed, self._free = await self._threads.look(self._look_at_store)
        self._is_beside = await self._threads.look(self._shares_disk)
        return {"kept in": str(self._store.path), **facts}

    def steps(self, facts: Mapping[str, str]) -> tuple[Step, ...]:
        """Copy and verify; then remove what is more than is kept."""
        make = Step(
            f"back up {self._source()} and verify it ({self._need_text()}, "
            f"{size_text(self._free.bytes)} free)",
            self.name,
            str(self._store.path),
            Surplus().document(),
        )
        too_many = surplus(self._listed, self._keep, to_come=1)
        if not too_many:
            return (make,)
        ids = [each.id for each in too_many]
        kept = max(self._keep, LEAST)
        summary = f"remove {', '.join(ids)}: older than the {kept} newest whole ones"
        call = Surplus(tuple(ids)).document()
        return make, Step(summary, self.name, str(self._store.path), call)

    async def before(self, step: Step) -> Mapping[str, str]:
        """The id that the backup is going to have."""
        if Surplus.of(step).ids:
            return {}
        self._id = new_id(time.time())
        return {"id": self._id}

    async def execute(self, step: Step) -> StepOutcome:
        """Make the backup, or remove what the plan named and is surplus still."""
        wanted = frozenset(Surplus.of(step).ids)
        if wanted:
            return await self._threads.act(lambda deadline: self._remove(wanted), 0)
        repaired = await self._threads.act(lambda deadline: self._repair(), 0)
        if repaired.outcome is not Outcome.DONE:
            return repaired
        self._id = self._id or new_id(time.time())
        made = await self._make(self._id)
        if made.outcome is Outcome.DONE:
            self._checked.add(self._id)  # it was read back before it got its name
        return StepOutcome(made.outcome, made.detail, (*repaired.evidence, *made.evidence))

    async def reconcile(self, step: Step, before: Mapping[str, str]) -> StepOutcome:
        """Whether the backup of that id is there and whole."""
        identity = before.get("id", "")
        if not identity:
            return StepOutcome(Outcome.DONE, "the backups that are there are whole or listed so")
        outcome = await self._threads.act(
            lambda deadline: done(self._store, verify(self._store, identity, deadline)), 0
        )
        if outcome.outcome is Outcome.DONE:
            self._id = identity
            self._checked.add(identity)
        return outcome

    async def look(self, steps: tuple[Step, ...], since: float) -> tuple[Sight, ...]:
        """The backup: every byte compared at the first look, its manifest at the next ones."""
        subject = f"backup {self._id}".strip()
        try:
            identity = self._id or await self._newest()
            detail = await self._threads.look(lambda: self._check(identity))
        except ObserveError as error:
            return (Sight(subject, State.DOWN, str(error)),)
        return (Sight(f"backup {identity}", State.OK, detail, run=identity),)

    async def conclude(self, steps: tuple[Step, ...], verdict: OperationState) -> StepOutcome:
        """Remove what a runner that was killed left, and end what it left open."""
        return await self._threads.act(lambda deadline: outcome_of(self._tidy()), 0)

    def undo(self) -> str:
        """Nothing is changed by copying."""
        return "nothing to undo: a backup changes nothing of the service"

    async def close(self) -> None:
        """Nothing is kept open; what was seen is forgotten."""
        self._checked.clear()

    def _need_text(self) -> str:
        if self._need == Need():
            return "how much it needs is not known before"
        return f"{size_text(round(self._need.bytes * MARGIN))} needed"

    def _look_at_store(self) -> tuple[tuple[Listed, ...], Free]:
        return backups(self._store, self._context.service), free_near(self._store.path)

    def _tidy(self) -> tuple[str, ...]:
        """Called after a verdict; a line for each thing that was left to do."""
        return tidy(self._store)

    def _repair(self) -> StepOutcome:
        return StepOutcome(Outcome.DONE, evidence=repair(self._store))

    def _remove(self, wanted: frozenset[str]) -> StepOutcome:
        with self._store.writing() as folder:
            listed = backups(self._store, self._context.service)
            gone = [each.id for each in surplus(listed, self._keep) if each.id in wanted]
            for identity in gone:
                self._store.remove(identity, folder)
        return StepOutcome(Outcome.DONE, f"removed {len(gone)} of {len(wanted)}")

    async def _newest(self) -> str:
        listed = await self._threads.look(lambda: backups(self._store, self._context.service))
        return next((each.id for each in listed if each.whole), "")

    def _check(self, identity: str) -> str:
        if not identity:
            raise BackupError(f"there is no backup of {self._context.service}")
        if identity not in self._checked:
            verify(self._store, identity)
            self._checked.add(identity)
        with opened(self._store, identity) as backup:
            manifest = backup.manifest
        return (
            f"whole: {files_text(manifest.files)}, {size_text(manifest.size)}, every byte compared"
        )


def disk_of(folder: Path) -> int:
    """The disk that ``folder`` is on, or will be. Raises OSError."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder.stat().st_dev


def tidy(store: Store) -> tuple[str, ...]:
    """Remove leftovers and repair restores that were cut off; a line for each of those."""
    if not store.path.exists():
        return ()
    with store.writing() as folder:
        return repair_locked(store, folder)


def outcome_of(lines: tuple[str, ...]) -> StepOutcome:
    """What was left to do, in one line."""
    return StepOutcome(Outcome.DONE, "; ".join(lines))


def done(store: Store, manifest: Manifest) -> StepOutcome:
    """What was backed up, with what was left out and what changed meanwhile."""
    evidence = [f"backup {manifest.id} in {store.folder(manifest.id)}"]
    for each in manifest.left_out[:_SHOWN]:
        evidence.append(f"left out, {each.what}: {sanitize_bytes(full_path(manifest, each))}")
    if len(manifest.left_out) > _SHOWN:
        evidence.append(f"left out: {len(manifest.left_out) - _SHOWN} more")
    changed = [entry for entry in manifest.entries if entry.fuzzy]
    for entry in changed[:_SHOWN]:
        path = sanitize_bytes(full_path(manifest, entry))
        evidence.append(f"changed while it was copied: {path}")
    if manifest.origin.running:
        evidence.append(
            f"container {manifest.origin.container} ran while it was copied: "
            "its files may not be consistent with each other"
        )
    detail = f"{files_text(manifest.files)}, {size_text(manifest.size)}, verified"
    return StepOutcome(Outcome.DONE, f"backup {manifest.id}: {detail}", tuple(evidence))
