"""A folder of backups: where they lie, who writes to it, what a dead writer left there.

Invariant: a folder of backups, and each folder above it, belongs to this user or to root and is
written by nobody else, or nothing in it is believed, restored or removed; a state folder that a
group shares has rules of its own, and the folders within it are held to these. One process at a
time writes to a folder (flock on ``.lock``). A name that ends in ``.tmp`` belongs to the process
that holds the lock, or to nobody: then it is removed by the next one that holds it. Layout::

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

from opsconsole import durable, links
from opsconsole.operations.backups.contents import PRIVATE_DIR, PRIVATE_FILE, open_folder
from opsconsole.operations.backups.faults import BackupError, BusyError, reporting, shown
from opsconsole.ownership import Loose, looseness, looseness_of

PREFIX: Final = "backup-"
UNFINISHED: Final = ".tmp"
LOCK: Final = ".lock"

_PUBLIC_DIR: Final = 0o755

_LEFTOVER: Final = re.compile(
    r"(backup-[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}|restore-[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}\.json)"
    r"\.(tmp|removed)"
)


class Store:
    """One folder of backups, which is made when it is first written to.

    ``state`` is the state folder that it lies in, if it does.
    """

    def __init__(self, path: Path, state: Path | None = None) -> None:
        self.path = path
        self._state = state

    def folder(self, identity: str) -> Path:
        """Where the backup ``identity`` is, if it is."""
        return self.path / f"{PREFIX}{identity}"

    def open(self, identity: str) -> int:
        """A descriptor of a backup's folder. Raises OSError."""
        folder = links.open_folder(str(self.path))
        try:
            return open_folder(f"{PREFIX}{identity}", folder)
        finally:
            os.close(folder)

    def make(self) -> None:
        """Make the folder, or check the one that is there. Raises BackupError."""
        with reporting(f"cannot use the folder of backups {self.path}", "set operations.backups"):
            if not self.path.exists():
                for above in reversed(self.path.parents):
                    above.mkdir(mode=_PUBLIC_DIR, exist_ok=True)
                self.path.mkdir(mode=PRIVATE_DIR, exist_ok=True)
                durable.sync_folder(self.path.parent)
        self.check()

    def check(self) -> bool:
        """Whether the folder is there. Raises BackupError where others could change what it has."""
        try:
            status = self.path.stat()
            loose = self._looseness()
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            with reporting(f"cannot look at the folder of backups {self.path}"):
                raise error
        if not stat.S_ISDIR(status.st_mode):
            raise BackupError(f"{self.path} is not a folder", remedy="set operations.backups")
        if loose is not None:
            raise BackupError(
                f"the folder of backups is not safe to use: {shown(loose.how)}",
                remedy=f"{shown(loose.remedy)}, or set operations.backups to another folder",
            )
        return True

    def read(self, name: str, limit: int) -> bytes:
        """A file of the console's own in the folder. Raises OSError; BackupError if it is not."""
        if not self.check():
            raise FileNotFoundError(name)
        folder = links.open_folder(str(self.path))
        try:
            descriptor = durable.open_file(name, os.O_RDONLY, folder=folder)
        finally:
            os.close(folder)
        try:
            loose = looseness_of(os.fstat(descriptor), self.path / name)
            if loose is not None:
                raise BackupError(
                    f"{self.path / name} {loose.how}", remedy="look at who made it, and remove it"
                )
            return durable.read_all(descriptor, limit)
        finally:
            os.close(descriptor)

    def _looseness(self) -> Loose | None:
        if self._state is None:
            return looseness(self.path)
        within = self.path.relative_to(self._state)
        for part in (within, *within.parents[:-1]):
            place = self._state / part
            status = place.lstat()
            if stat.S_ISLNK(status.st_mode):
                return Loose(f"{place} is a link", f"replace the link {place}")
            found = looseness_of(status, place)
            if found is not None:
                return Loose(f"{place} {found.how}", found.remedy)
        return None

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
            folder = links.open_folder(str(self.path))
            try:
                self._clean(folder)
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

    def _clean(self, folder: int) -> None:
        """Remove what writers that are dead left. Needs the lock."""
        for name in self.leftovers():
            with reporting(f"cannot remove the leftover {self.path / name}", "remove it by hand"):
                status = os.stat(name, dir_fd=folder, follow_symlinks=False)
                if stat.S_ISDIR(status.st_mode):
                    shutil.rmtree(name, dir_fd=folder)
                else:
                    os.unlink(name, dir_fd=folder)


def new_id(now: float) -> str:
    """An id that sorts by time: ``20260131T030405Z-9f3a1c``. ``now`` in Unix seconds."""
    moment = datetime.fromtimestamp(now, UTC)
    return f"{moment:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
