"""Where a recording is stored, and which process records into it.

Invariant: each configuration and environment has its own file, so that two fleets never mix. One
process at a time writes into it: it holds an flock(2) that ends with it, however it dies. The
holder named in the lock file counts only while the lock is held.
"""

import hashlib
import os
import re
from pathlib import Path
from typing import Final

from opsconsole import durable, links
from opsconsole.config.settings import Settings
from opsconsole.dataclass import dataclass
from opsconsole.errors import StateError
from opsconsole.operations.locks.flock import HeldFlock, is_held, take
from opsconsole.operations.state_folder import file_mode, prepare, state_folder
from opsconsole.operations.who import whoami
from opsconsole.text import sanitize

FOLDER: Final = "recordings"
_LIMIT: Final = 200
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9.-]+")


@dataclass(frozen=True, slots=True)
class RecordingPlace:
    """The files of one recording. ``shared``: a folder that is created here is for a group."""

    state_folder: Path
    name: str
    shared: bool = False

    @property
    def folder(self) -> Path:
        """The folder of recordings."""
        return self.state_folder / FOLDER

    @property
    def database(self) -> Path:
        """The database file."""
        return self.folder / f"{self.name}.db"

    @property
    def lock(self) -> Path:
        """The lock file, held by the recording process."""
        return self.folder / f"{self.name}.lock"

    def prepare(self) -> None:
        """Create the folder, private to this user or its group. Raises StateError."""
        prepare(self.state_folder, shared=self.shared)
        try:
            if not self.folder.exists():
                self.folder.mkdir(exist_ok=True)
                self.folder.chmod(self.state_folder.stat().st_mode & 0o7777)
            os.close(links.open_folder(str(self.folder)))
        except OSError as error:
            raise StateError(f"cannot use {self.folder}: {error.strerror}") from error

    def mode(self) -> int:
        """The mode of a file in the folder: 0600, or 0660 if a group shares the state folder."""
        return file_mode(self.folder)

    def take(self) -> HeldFlock | None:
        """The right to record, or None if another process holds it. Raises StateError."""
        try:
            held = take(self.lock)
            if held is not None:
                _say_who(held.descriptor)
        except OSError as error:
            raise StateError(
                f"cannot take {self.lock}: {error.strerror}",
                remedy=f"make {self.folder} a folder that this user may write",
            ) from error
        return held

    def holder(self) -> str:
        """The recording process, such as ``ops@bastion-1, process 4711``; '' if there is none."""
        try:
            if not is_held(self.lock):
                return ""
            said = durable.read(self.lock, _LIMIT)
        except (OSError, StateError):
            return ""
        return sanitize(said.decode("utf-8", "replace"), limit=_LIMIT) or "another process"


def place_of(settings: Settings, config_path: Path | None) -> RecordingPlace:
    """The location of the recording for ``settings``, which came from ``config_path``."""
    environment = _UNSAFE.sub("-", settings.environment.name).strip("-.")[:40] or "fleet"
    identity = f"{config_path or ''}\n{settings.environment.name}".encode()
    digest = hashlib.sha256(identity).hexdigest()[:12]
    name = f"{environment}-{digest}"
    return RecordingPlace(state_folder(settings), name, shared=bool(settings.state_dir))


def _say_who(descriptor: int) -> None:
    who = whoami()
    said = f"{who.name}@{who.host}, process {who.pid}".encode()
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, said, 0)
