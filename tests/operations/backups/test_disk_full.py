"""A disk that is full, or fills up on the way: the message says need and free, nothing is lost."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from opsconsole.operations.backups.catalogue import verified
from opsconsole.operations.backups.faults import SpaceError
from opsconsole.operations.backups.manifest import Manifest
from opsconsole.operations.backups.space import Need, require, size_text
from opsconsole.operations.backups.store import Store
from tests.operations.backups.conftest import back_up, put_back
from tests.operations.backups.trees import IS_ROOT, picture

pytestmark = pytest.mark.skipif(not IS_ROOT, reason="mounting a small tmpfs takes root")

MIB = 1 << 20
PIECES = 10


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 24 MiB, in memory."""
    disk = tmp_path / "disk"
    disk.mkdir()
    options = ["-o", f"size={24 * MIB},nr_inodes=2000"]
    subprocess.run(["mount", "-t", "tmpfs", *options, "tmpfs", disk], check=True)
    yield disk
    subprocess.run(["umount", disk], check=True)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Ten files of half a MiB."""
    folder = tmp_path / "source"
    folder.mkdir()
    for number in range(PIECES):
        (folder / f"{number}").write_bytes(os.urandom(MIB // 2))
    return folder


def fill(disk: Path, *, leave: int) -> Path:
    """Take all of the disk but ``leave`` bytes."""
    free = os.statvfs(disk)
    filler = disk / "filler"
    with filler.open("wb") as stream:
        os.posix_fallocate(stream.fileno(), 0, free.f_bavail * free.f_frsize - leave)
    return filler


@pytest.mark.parametrize("tenth", range(PIECES))
@pytest.mark.parametrize("margin", [1.2, 0.0], ids=["asked before", "full on the way"])
def test_backing_up(small_disk: Path, source: Path, tenth: int, margin: float) -> None:
    store = Store(small_disk / "backups")
    first = back_up(store, source)
    before = picture(source)
    filler = fill(small_disk, leave=tenth * MIB // 2)
    with pytest.raises(SpaceError, match=r"needs 6\.\d MB and \d+ files, free at .* are .*B"):
        back_up(store, source, margin=margin)
    assert [each.id for each in verified(store) if each.whole] == [first.id]
    assert store.leftovers() == ()
    assert picture(source) == before
    filler.unlink()
    back_up(store, source)
    assert len(verified(store)) == 2


@pytest.mark.parametrize("tenth", range(PIECES))
@pytest.mark.parametrize("margin", [1.2, 0.0], ids=["asked before", "full on the way"])
def test_restoring(
    small_disk: Path, tmp_path: Path, source: Path, tenth: int, margin: float
) -> None:
    live = small_disk / "live"
    source.rename(tmp_path / "seed")
    subprocess.run(["cp", "-a", tmp_path / "seed", live], check=True)
    store = Store(tmp_path / "backups")
    manifest: Manifest = back_up(store, live)
    (live / "3").write_bytes(b"broken")
    before = picture(live)
    filler = fill(small_disk, leave=tenth * MIB // 2)
    with pytest.raises(SpaceError, match=r"needs 6\.\d MB and \d+ files, free at .* are .*B"):
        put_back(store, manifest, margin=margin)
    assert picture(live) == before
    assert sorted(path.name for path in small_disk.iterdir()) == ["filler", "live"]
    filler.unlink()
    put_back(store, manifest)
    assert (live / "3").stat().st_size == MIB // 2


def test_no_inodes_left(small_disk: Path, tmp_path: Path) -> None:
    many = tmp_path / "many"
    many.mkdir()
    for number in range(2500):
        (many / str(number)).touch()
    store = Store(small_disk / "backups")
    with pytest.raises(SpaceError, match=r"needs .* and 30\d\d files, free at .* and 19\d\d files"):
        back_up(store, many)
    with pytest.raises(SpaceError, match="the disk filled up"):
        back_up(store, many, margin=0.0)
    assert verified(store) == ()
    assert store.leftovers() == ()


def test_the_sentence() -> None:
    with pytest.raises(SpaceError) as refused:
        require(Need(10**18, 10), b"/", "the backup of reports")
    assert "the backup of reports needs 1200000.0 TB and 12 files, free at / are" in str(
        refused.value
    )
    assert str(refused.value).endswith("make room first")
    assert [size_text(n) for n in (0, 999, 1000, 999_949, 999_960, 5 * 10**9)] == [
        "0 B", "999 B", "1.0 kB", "999.9 kB", "1.0 MB", "5.0 GB",
    ]  # fmt: skip
