"""Without root: what cannot be read is an error, what cannot be restored is reported."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from opsconsole.operations.backups.catalogue import backups
from opsconsole.operations.backups.faults import BackupError, BusyError
from opsconsole.operations.backups.store import Store
from tests.operations.backups.conftest import back_up, put_back
from tests.operations.backups.trees import IS_ROOT

pytestmark = pytest.mark.skipif(not IS_ROOT, reason="becoming another user takes root")

NOBODY = 65534


@contextmanager
def as_nobody() -> Iterator[None]:
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder of nobody's; those of pytest are root's alone."""
    made = Path(tempfile.mkdtemp())
    os.chown(made, NOBODY, NOBODY)
    yield made
    shutil.rmtree(made)


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_may_not_be_read_is_an_error(folder: Path, kind: str) -> None:
    source = folder / "source"
    source.mkdir(mode=0o755)
    (source / "readable").write_bytes(b"")
    closed = source / "closed"
    closed.touch(mode=0) if kind == "file" else closed.mkdir(mode=0)
    with as_nobody(), pytest.raises(BackupError) as refused:
        back_up(Store(folder / "backups"), source)
    assert str(refused.value) == (
        f"cannot read {closed}: permission denied; run as root, or as a user that may read it"
    )
    with as_nobody():
        assert backups(Store(folder / "backups")) == ()


def test_an_owner_that_cannot_be_given_back_is_said(folder: Path) -> None:
    source = folder / "source"
    source.write_bytes(b"root's")
    source.chmod(0o644)
    store = Store(folder / "backups")
    with as_nobody():
        manifest = back_up(store, source)
        restored = put_back(store, manifest)
    assert restored.notes == ("owners not restored: 1 (that needs root)",)
    assert source.stat().st_uid == NOBODY
    assert source.stat().st_mode & 0o777 == 0o644


def test_a_folder_of_backups_that_all_may_write_to_is_refused(folder: Path) -> None:
    store = Store(folder / "backups")
    store.path.mkdir()
    store.path.chmod(0o777)
    with pytest.raises(BackupError, match=r"can be written by others .*; chmod go-w"):
        back_up(store, Path("/etc/hostname"))


def test_one_writer_at_a_time(folder: Path) -> None:
    store = Store(folder / "backups")
    with as_nobody(), store.writing(), pytest.raises(BusyError, match="wait until it has ended"):
        back_up(store, Path("/etc/hostname"))
