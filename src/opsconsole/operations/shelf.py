"""The backups of a service as the screens list them, and the comparison of one of them.

Invariant: looks only. A backup counts as verified while its manifest is the one that every byte
was compared with; which ones were compared is remembered as long as the console runs.
"""

import time
from pathlib import Path

from opsconsole.config.settings import Settings
from opsconsole.errors import OpsconsoleError
from opsconsole.model.asked.backups import BackupView
from opsconsole.operations.backups.catalogue import Listed, backups
from opsconsole.operations.backups.contents import Deadline
from opsconsole.operations.backups.faults import UnknownBackupError
from opsconsole.operations.backups.places import store_of
from opsconsole.operations.backups.store import Store
from opsconsole.operations.backups.verifier import verify
from opsconsole.operations.drivers import registry
from opsconsole.text import sanitize


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
