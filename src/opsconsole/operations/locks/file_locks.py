"""The locks of a state folder: files that are locked by flock(2).

Invariant: as ``Locks`` has it, on one host. The JSON file beside a service's lock says who holds
it.
"""

import errno
import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from opsconsole import durable
from opsconsole.operations.locks import flock
from opsconsole.operations.locks.flock import HeldFlock, reporting
from opsconsole.operations.locks.locks import (
    PATIENCE,
    Holder,
    LockKind,
    LockName,
    Locks,
    holder_said,
    unknown_holder,
)
from opsconsole.operations.state_folder import file_mode

_LIMIT: Final = 64 * 1024
_PLACES: Final = {
    LockKind.SERVICE: ("locks", "lock"),
    LockKind.RUNNER: ("runners", "lock"),
    LockKind.RUNBOOK: ("runners", "runbook"),
    LockKind.WATCHER: ("runners", "watcher"),
    LockKind.RECORDER: ("runners", "recorder"),
    LockKind.PROMISE: ("runners", "promise"),
}


class FileLocks:
    """The locks in the state ``folder``, which is there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def take(self, name: LockName, *, patience: float = 0.0) -> HeldFlock | None:
        """Take a lock."""
        return flock.take(self.path(name), patience=patience)

    def inherit(self, grants: Sequence[str]) -> tuple[HeldFlock, ...]:
        """Nothing: the descriptors are all that a child needs."""
        return ()

    def is_held(self, name: LockName) -> bool:
        """Whether some process holds a lock."""
        return flock.is_held(self.path(name))

    def take_service(self, holder: Holder, *, patience: float = PATIENCE) -> HeldFlock | None:
        """Take a service's lock and say who did."""
        held = self.take(LockName(LockKind.SERVICE, holder.lock), patience=patience)
        if held is None:
            return None
        path = self._said(holder.lock)
        try:
            with reporting(path):
                _write(path, json.dumps(asdict(holder)).encode())
        except BaseException:
            held.release()
            raise
        return held

    def holder(self, subject: str) -> Holder | None:
        """Who holds a service's lock, or a silence's."""
        name = LockName(LockKind.SERVICE, subject)
        if not self.is_held(name):
            return None
        try:
            return holder_said(durable.read(self._said(subject), _LIMIT), subject)
        except OSError:
            # Who held it may have gone since, and what was said of it with it.
            return unknown_holder(subject, time.time()) if self.is_held(name) else None

    def forget(self, name: LockName) -> None:
        """Remove a lock's file."""
        path = self.path(name)
        with reporting(path):
            if name.kind is LockKind.SERVICE:
                path.with_suffix(".json").unlink(missing_ok=True)
            path.unlink(missing_ok=True)

    def path(self, name: LockName) -> Path:
        """The file that is locked."""
        folder, ending = _PLACES[name.kind]
        return self._folder / folder / f"{name.id}.{ending}"

    def _said(self, subject: str) -> Path:
        return self.path(LockName(LockKind.SERVICE, subject)).with_suffix(".json")


def _write(path: Path, said: bytes) -> None:
    """Quickly, and not durably: it is read only while the lock is held.

    What is read halfway is no JSON, and then nobody is named.
    """
    descriptor = durable.open_file(path, os.O_WRONLY, file_mode(path.parent))
    try:
        if os.pwrite(descriptor, said, 0) != len(said):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.ftruncate(descriptor, len(said))
    finally:
        os.close(descriptor)


def _conforms(locks: FileLocks) -> Locks:
    return locks
