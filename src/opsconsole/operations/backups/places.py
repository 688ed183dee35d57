"""Where the backups of a service are kept, and which paths they are of.

Invariant: what is declared decides; a relative path starts at the configuration's folder. The
order is the action's ``into``, ``operations.backups`` with a folder for each service, else the
state folder.
"""

import os
from pathlib import Path

from opsconsole.config.actions import FileSet
from opsconsole.config.settings import Settings
from opsconsole.operations.backups.store import Store
from opsconsole.operations.state_folder import state_folder


def store_of(settings: Settings, service: str, base: Path) -> Store:
    """The store of ``service``; the folder need not be there yet. Raises StateError."""
    backup = settings.services[service].actions.backup
    if backup is not None and backup.into:
        return Store(absolute(backup.into, base))
    if settings.operations.backups:
        return Store(absolute(settings.operations.backups, base) / service)
    state = state_folder(settings)
    return Store(state / "backups" / service, state)


def roots_of(files: FileSet, base: Path) -> tuple[bytes, ...]:
    """The absolute paths of a set of files."""
    return tuple(bytes(absolute(path, base)) for path in files.paths)


def absolute(path: str, base: Path) -> Path:
    """``path`` with ``~`` and ``..`` taken out, starting at ``base`` when it is relative."""
    return Path(os.path.normpath(base / Path(path).expanduser()))
