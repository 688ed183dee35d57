"""A folder of backups: where they lie, who writes to it, what a dead writer left there.

Invariant: one process at a time writes to a folder (flock on ``.lock``). A name that ends in
``.tmp`` belongs to the process that holds the lock, or to nobody: then it is removed by the next
one that holds it. Layout::

    backup-<id>/        MANIFEST.json, MANIFEST.sha256, data/00000001 …
    backup-<id>.tmp/    being written
    restore-<id>.json   a restore that is under way or done
"""

import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from opsconsole import durable
from opsconsole.operations.backups.contents import PRIVATE_DIR, PRIVATE_FILE, open_folder
from opsconsole.operations.backups.faults import BackupError, BusyError, reporting

PREFIX: Final = "backup-"
UNFINISHED: Final = ".tmp"
LOCK: Final = ".lock"

_LEFTOVER: Final = re.compile(
    r"(backup-[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}|restore-[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}\.json)"
    r"\.(tmp|removed)"
)


class Store:
    """One folder of backups, which is made when it is first written to."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def folder(self, identity: str) -> Path:
        """Where the backup ``identity`` is, if it is."""
        return self.path / f"{PREFIX}{identity}"

    def make(self) -> None:
        """Make the folder, or check the one that is there. Raises BackupError."""
        with reporting(f"cannot use the folder of backups {self.path}", "set operations.backups"):
            if not self.path.exists():
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self.path.mkdir(mode=PRIVATE_DIR, exist_ok=True)
                durable.sync_folder(self.path.parent)
            status = self.path.stat()
        if not stat.S_ISDIR(status.st_mode):
            raise BackupError(f"{self.path} is not a folder", remedy="set operations.backups")
        if status.st_mode & stat.S_IWOTH:
            raise BackupError(
                f"everybody may write to the folder of backups {self.path}",
                remedy=f"chmod o-w {self.path}",
            )

    @contextmanager
    def writing(self) -> Iterator[int]:
        """Hold the folder's lock; gives its descriptor. Leftovers of dead writers are gone.

        Raises BusyError when another process writes here.
        """
        self.make()
        with reporting(f"cannot use the folder of backups {self.path}", "set operations.backups"):
            lock = durable.open_file(self.path / LOCK, os.O_RDWR, PRIVATE_FILE)
        try:
            if not durable.lock(lock):
                raise BusyError(
                    f"another process is writing to {self.path}", remedy="wait until it has ended"
                )
            self._clean()
            folder = open_folder(str(self.path))
            try:
                yield folder
            finally:
                os.close(folder)
        finally:
            os.close(lock)

    def leftovers(self) -> tuple[str, ...]:
        """Names that a writer left or is at work on."""
        try:
            names = os.listdir(self.path)
        except FileNotFoundError:
            return ()
        return tuple(sorted(name for name in names if _LEFTOVER.fullmatch(name)))

    def remove(self, identity: str, folder: int) -> None:
        """Remove a backup: first it stops being one, in one step, then it is deleted."""
        gone = f"{PREFIX}{identity}.removed"
        os.rename(f"{PREFIX}{identity}", gone, src_dir_fd=folder, dst_dir_fd=folder)
        os.fsync(folder)
        shutil.rmtree(gone, dir_fd=folder)

    def _clean(self) -> None:
        """Remove what writers that are dead left. Needs the lock."""
        for name in self.leftovers():
            path = self.path / name
            with reporting(f"cannot remove the leftover {path}", "remove it by hand"):
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink()


def new_id(now: float) -> str:
    """An id that sorts by time: ``20260131T030405Z-9f3a1c``. ``now`` in Unix seconds."""
    moment = datetime.fromtimestamp(now, UTC)
    return f"{moment:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
