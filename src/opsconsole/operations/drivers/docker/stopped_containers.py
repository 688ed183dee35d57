"""Containers that are stopped while what they use is copied, and started again whatever happens.

Invariant: before a container is stopped a note of that is on the disk; the note is removed when
it has been started again. The process that comes after a crash starts what the notes name.
"""

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from opsconsole import durable, links
from opsconsole.config.actions import VolumeTarget
from opsconsole.operations.backups.contents import PRIVATE_FILE
from opsconsole.operations.backups.faults import BackupError, reporting
from opsconsole.operations.backups.manifest_reader import ID
from opsconsole.operations.backups.store import Store
from opsconsole.operations.drivers.docker.archive import ArchiveEngine, User
from opsconsole.text import sanitize

_LIMIT: Final = 1 << 20
_NOTE: Final = re.compile(rf"stopped-{ID.pattern}\.json")


@contextmanager
def stopped(
    engine: ArchiveEngine, target: VolumeTarget, store: Store, identity: str
) -> Iterator[None]:
    """Stop what uses ``target`` for the length of the block, when that is declared."""
    users = engine.users(target) if target.stop else ()
    if not users:
        yield
        return
    note = _write(store, identity, users)
    try:
        for user in users:
            engine.stop(user)
        yield
    finally:
        for user in users:
            engine.start(user)
        note.unlink()


def start_again(engine: ArchiveEngine, store: Store) -> tuple[str, ...]:
    """Start the containers that a dead process left stopped; a line for each."""
    lines = []
    for note in notes(store):
        for user in _read(store, note.name):
            if not engine.is_running(user.id):
                engine.start(user)
                lines.append(f"container {user.name}, stopped for it, has been started again")
        note.unlink()
    return tuple(lines)


def notes(store: Store) -> tuple[Path, ...]:
    """The notes of containers that may be stopped still."""
    if not store.path.is_dir():
        return ()
    return tuple(path for path in sorted(store.path.iterdir()) if _NOTE.fullmatch(path.name))


def _write(store: Store, identity: str, users: tuple[User, ...]) -> Path:
    store.make()
    name = f"stopped-{identity}.json"
    document = [{"id": user.id, "name": user.name} for user in users]
    with reporting(f"cannot write to {store.path}"):
        folder = links.open_folder(str(store.path))
        try:
            durable.create(name, json.dumps(document).encode("ascii"), PRIVATE_FILE, folder=folder)
        finally:
            os.close(folder)
    return store.path / name


def _read(store: Store, note: str) -> tuple[User, ...]:
    """A note that was cut off while it was written names nothing: nothing was stopped yet."""
    try:
        document = json.loads(store.read(note, _LIMIT))
        return tuple(User(str(each["id"]), sanitize(str(each["name"]))) for each in document)
    except ValueError:
        return ()
    except (OSError, KeyError, TypeError) as error:
        raise BackupError(
            f"the note {store.path / note} is not understood",
            remedy="start the containers by hand, remove it",
        ) from error
