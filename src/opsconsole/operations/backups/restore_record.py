"""What a restore is about to do, on the disk before it does it.

Invariant: while a restore may have moved anything there is a record that names every path, the
names beside it and the inodes involved, so that after a crash a look shows how far it
came. ``preparing``: nothing was moved; ``switching``: something may have been; ``done``: all of
it was. A record is believed where the store is this user's or root's alone, and only with the
names that the console itself gives: none else is ever renamed or removed because a record has it.
"""

import json
import os
import re
from dataclasses import replace
from enum import StrEnum
from typing import Any, Final

from opsconsole import durable
from opsconsole.dataclass import dataclass
from opsconsole.operations.backups.contents import PRIVATE_FILE
from opsconsole.operations.backups.faults import BackupError
from opsconsole.operations.backups.manifest_reader import ID
from opsconsole.operations.backups.store import UNFINISHED, Store
from opsconsole.operations.backups.switch import Identity, Target

_NAME: Final = re.compile(rf"restore-({ID.pattern})\.json")
_LIMIT: Final = 1 << 20
_NAME_LIMIT: Final = 200


class Stage(StrEnum):
    """How far a restore came."""

    PREPARING = "preparing"
    SWITCHING = "switching"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class RestoreRecord:
    """One restore. ``id`` is its own, ``backup`` that of what is restored."""

    id: str
    backup: str
    stage: Stage
    targets: tuple[Target, ...]

    def at(self, stage: Stage) -> "RestoreRecord":
        """The same restore, further."""
        return replace(self, stage=stage)


def write(record: RestoreRecord, folder: int) -> None:
    """Replace the record whole, on the disk when this returns. Needs the store's lock."""
    document = {
        "id": record.id,
        "backup": record.backup,
        "stage": record.stage.value,
        "places": [_document(target) for target in record.targets],
    }
    name = _name(record.id)
    raw = json.dumps(document, indent=1).encode("ascii")
    durable.replace(name, raw, PRIVATE_FILE, folder=folder, beside=name + UNFINISHED)


def forget(record: RestoreRecord, folder: int) -> None:
    """Remove the record of a restore that left nothing behind."""
    os.unlink(_name(record.id), dir_fd=folder)
    os.fsync(folder)


def find(store: Store, identity: str) -> RestoreRecord | None:
    """The record of the restore ``identity``. Raises BackupError when it is not understood."""
    path = store.path / _name(identity)
    try:
        return _record(json.loads(store.read(path.name, _LIMIT)), identity)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
        raise BackupError(
            f"the record of a restore, {path}, is not understood",
            remedy="look at the paths that it names and remove it",
        ) from error


def records(store: Store) -> tuple[RestoreRecord, ...]:
    """Every record in the store, oldest first."""
    names = sorted(os.listdir(store.path)) if store.check() else []
    matches = (_NAME.fullmatch(name) for name in names)
    found = (find(store, match[1]) for match in matches if match)
    return tuple(record for record in found if record is not None)


def _name(identity: str) -> str:
    return f"restore-{identity}.json"


def _document(target: Target) -> dict[str, Any]:
    return {
        "path": os.fsdecode(target.path),
        "staging": os.fsdecode(target.staging),
        "before": os.fsdecode(target.before),
        "fresh": target.fresh,
        "old": target.old,
    }


def target_beside(path: bytes, identity: str) -> Target:
    """The names beside ``path`` of the restore ``identity``."""
    name, suffix = os.path.basename(path)[:_NAME_LIMIT], identity.encode("ascii")
    return Target(path, name + b".restore-" + suffix, name + b".before-" + suffix)


def _record(document: dict[str, Any], identity: str) -> RestoreRecord:
    targets = tuple(_target(each, identity) for each in document["places"])
    if document["id"] != identity:
        raise ValueError("it is of another restore")
    return RestoreRecord(identity, str(document["backup"]), Stage(document["stage"]), targets)


def _target(document: dict[str, Any], identity: str) -> Target:
    path = os.fsencode(document["path"])
    target = target_beside(path, identity)
    names = os.fsencode(document["staging"]), os.fsencode(document["before"])
    if (
        path != os.path.normpath(path)
        or path[:1] != b"/"
        or names != (target.staging, target.before)
    ):
        raise ValueError("it has a name that no restore gives")
    return replace(target, fresh=_identity(document["fresh"]), old=_identity(document["old"]))


def _identity(value: list[int] | None) -> Identity | None:
    return None if value is None else (int(value[0]), int(value[1]))
