"""The backups of a service as the screens list them, and the comparison of one of them.

Invariant: looks only. A backup counts as verified while its manifest is the one that every byte
was compared with; which ones were compared is remembered as long as the console runs.
"""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from opsconsole.config.settings import Settings
from opsconsole.errors import OpsconsoleError
from opsconsole.model.asked.backups import BackupView
from opsconsole.model.operation import Refusal
from opsconsole.operations.backups.catalogue import Listed, backups
from opsconsole.operations.backups.contents import Deadline
from opsconsole.operations.backups.faults import UnknownBackupError
from opsconsole.operations.backups.places import store_of
from opsconsole.operations.backups.store import Store
from opsconsole.operations.backups.verifier import verify
from opsconsole.operations.drivers import registry
from opsconsole.text import sanitize
from opsconsole.threads import BoundedExecutor, QueueFullError

T = TypeVar("T")
_LIST_WITHIN: Final = 20.0
_VERIFY_WITHIN: Final = 1800.0


class Shelf:
    """Every service's backups, with what was compared. ``base`` as for ``Operator``."""

    def __init__(self, settings: Settings, base: Path) -> None:
        self._settings = settings
        self._base = base
        self._verified: dict[tuple[str, str], tuple[str, float]] = {}
        self._damaged: dict[tuple[str, str], str] = {}

    def list(self, service: str) -> tuple[BackupView, ...]:
        """The backups of ``service``, newest first. Raises OpsconsoleError."""
        return tuple(self._view(service, each) for each in backups(self._store(service), service))

    def verify(self, service: str, backup: str, within: float) -> BackupView:
        """Compare every byte of ``backup`` within so many seconds. Raises OpsconsoleError."""
        store = self._store(service)
        listed = next((each for each in backups(store, service) if each.id == backup), None)
        if listed is None:
            said = sanitize(backup, limit=80)
            raise UnknownBackupError(f"there is no backup {said} of {service}")
        key = (service, backup)
        self._verified.pop(key, None)
        self._damaged.pop(key, None)
        if listed.whole:
            deadline = Deadline(time.monotonic() + within)
            try:
                verify(store, backup, deadline)
            except OpsconsoleError as error:
                deadline.check()
                self._damaged[key] = error.what
            else:
                self._verified[key] = (listed.digest, time.time())
        return self._view(service, listed)

    def _store(self, service: str) -> Store:
        configured = self._settings.services.get(service)
        action = configured.actions.backup if configured else None
        if action is None or not registry.traits(action).keeps_backups:
            raise OpsconsoleError(
                f"{service} declares no backup that is kept by the console",
                remedy=f"declare it under services.{service}.actions.backup with files or volume",
            )
        return store_of(self._settings, service, self._base)

    def _view(self, service: str, listed: Listed) -> BackupView:
        key = (service, listed.id)
        digest, at = self._verified.get(key, ("", 0.0))
        known = bool(digest) and digest == listed.digest
        return BackupView(
            id=listed.id,
            service=service,
            made_at=listed.created_ns / 1e9 if listed.created_ns else None,
            size=listed.size,
            files=listed.files,
            left_out=listed.left_out,
            unsteady=listed.fuzzy or listed.running,
            fault=listed.fault or self._damaged.get(key, ""),
            verified_at=at if known else None,
        )


class Backups:
    """The backups on a shelf, for callers that wait: what blocks is done by ``threads``."""

    def __init__(self, shelf: Shelf, threads: BoundedExecutor) -> None:
        self._shelf, self._threads = shelf, threads

    async def of(self, service: str) -> tuple[BackupView, ...] | Refusal:
        """The backups of ``service``, newest first, or why they cannot be listed."""
        late = Refusal("cannot-look", "the folder of the backups does not answer", "try again")
        return await self._asked(partial(self._shelf.list, service), _LIST_WITHIN, late)

    async def verify(self, service: str, backup: str) -> BackupView | Refusal:
        """One backup after every byte of it was compared. Reads only."""
        within = _VERIFY_WITHIN
        said = f"it was not compared within {within / 60:.0f} min"
        late = Refusal("cannot-look", said, "opsconsole backups --verify has no time limit")
        return await self._asked(partial(self._shelf.verify, service, backup, within), within, late)

    async def _asked(self, ask: Callable[[], T], within: float, late: Refusal) -> T | Refusal:
        try:
            return await self._threads.run(ask, deadline=within)
        except (TimeoutError, QueueFullError):
            return late
        except OpsconsoleError as error:
            return Refusal("cannot-look", error.what, error.remedy)
