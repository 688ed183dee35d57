"""A store of backups and what goes into it."""

import time
from pathlib import Path

import pytest

from opsconsole.operations.backups.manifest import Manifest
from opsconsole.operations.backups.restorer import Restored, Wanted, restore
from opsconsole.operations.backups.space import MARGIN
from opsconsole.operations.backups.store import Store, new_id
from opsconsole.operations.backups.tree import copy_tree, survey
from opsconsole.operations.backups.writer import Header, make_backup

SERVICE = "reports"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store of backups."""
    return Store(tmp_path / "backups")


def back_up(store: Store, *roots: Path, secret: bool = False, margin: float = MARGIN) -> Manifest:
    """Back up ``roots`` into ``store``."""
    paths = tuple(bytes(root) for root in roots)
    header = Header(new_id(time.time()), SERVICE, paths, secret=secret)
    need = survey(paths)
    return make_backup(store, header, need, lambda writer: copy_tree(writer, paths), margin=margin)


def put_back(store: Store, manifest: Manifest, *, margin: float = MARGIN) -> Restored:
    """Restore a backup to where it came from."""
    wanted = Wanted(SERVICE, manifest.roots)
    return restore(store, manifest.id, new_id(time.time()), wanted, margin=margin)
