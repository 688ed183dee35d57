"""Killed at any moment: what is listed is whole, each path is old or new, leftovers go."""

import contextlib
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from opsconsole.operations.backups import restore_record, switch
from opsconsole.operations.backups.catalogue import verified
from opsconsole.operations.backups.restore_record import RestoreRecord, Stage
from opsconsole.operations.backups.restorer import repair
from opsconsole.operations.backups.store import Store
from tests.operations.backups.conftest import back_up, put_back
from tests.operations.backups.trees import picture

ROUNDS = int(os.environ.get("OPSCONSOLE_TEST_KILLS", "12"))
RESTORE = "20260101T000000Z-000000"

WORKER = """
import sys
from pathlib import Path
from opsconsole.operations.backups.store import Store
from tests.operations.backups.conftest import back_up, put_back
from opsconsole.operations.backups.verifier import verify
what, folder, source = sys.argv[1], Path(sys.argv[2]), [Path(each) for each in sys.argv[3:]]
store = Store(folder)
print("ready", flush=True)
while True:
    if what == "back up":
        back_up(store, *source)
    else:
        put_back(store, verify(store, what))
"""


def kill_in_the_middle(what: str, store: Store, *sources: Path, after: float) -> None:
    argv = [sys.executable, "-c", WORKER, what, str(store.path), *map(str, sources)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == b"ready\n"
        time.sleep(after)
        worker.kill()


def seconds(work: Callable[[], object]) -> float:
    """How long ``work`` takes on a machine that may be busy."""
    started = time.monotonic()
    work()
    return time.monotonic() - started


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    for number in range(40):
        (folder / str(number)).write_bytes(b"%d" % number * 3000)
    return folder


def test_backing_up(tmp_path: Path, store: Store, source: Path) -> None:
    chance = random.Random(5)
    once = seconds(lambda: back_up(store, source))
    unfinished = 0
    for _ in range(ROUNDS):
        kill_in_the_middle("back up", store, source, after=chance.uniform(0, 2 * once))
        assert all(each.whole and each.files == 40 for each in verified(store))
        unfinished += bool(store.leftovers())
    assert unfinished > ROUNDS // 10
    back_up(store, source)
    assert store.leftovers() == ()
    assert {path.name[:7] for path in store.path.iterdir()} == {"backup-", ".lock"}


def test_restoring(tmp_path: Path, store: Store, source: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"backed up")
    manifest = back_up(store, source, other)
    wanted = picture(source), picture(other)
    chance = random.Random(6)
    once = seconds(lambda: put_back(store, manifest))
    repaired = 0
    for number in range(ROUNDS):
        (source / "later").write_bytes(b"%d" % number)
        other.write_bytes(b"changed")
        changed = picture(source), picture(other)
        kill_in_the_middle(manifest.id, store, after=chance.uniform(0, 2 * once))
        assert picture(source) in (wanted[0], changed[0])
        assert picture(other) in (wanted[1], changed[1])
        repaired += len(repair(store))
        assert (picture(source), picture(other)) in (wanted, changed)
        assert not list(tmp_path.glob("*.restore-*"))
    assert repaired > ROUNDS // 10
    put_back(store, manifest)
    assert (picture(source), picture(other)) == wanted


@pytest.mark.parametrize("can_exchange", [True, False])
@pytest.mark.parametrize("was_there", [True, False])
@pytest.mark.parametrize("moves", range(4))
def test_every_step_of_a_switch(
    tmp_path: Path,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    can_exchange: bool,
    was_there: bool,
    moves: int,
) -> None:
    """Cut off after each rename, with and without a filesystem that can exchange names."""
    if not can_exchange:
        monkeypatch.setattr(switch, "_libc_renameat2", lambda: None)
    live, staging = tmp_path / "live", tmp_path / f"live.restore-{RESTORE}"
    if was_there:
        live.mkdir()
        (live / "old").touch()
    staging.mkdir()
    (staging / "new").touch()
    named = restore_record.target_beside(bytes(live), RESTORE)
    folder = switch.open_parent(named)
    fresh, old = switch.identity(named.staging, folder), switch.identity(b"live", folder)
    place = replace(named, fresh=fresh, old=old)
    record = RestoreRecord(RESTORE, "20260101T000000Z-000001", Stage.SWITCHING, (place,))
    with store.writing() as opened:
        restore_record.write(record, opened)
    left = moves
    real = switch._renameat2

    def cut_off(source: bytes, target: bytes, folder: int, flags: int) -> None:
        nonlocal left
        if left == 0:
            raise KeyboardInterrupt
        left -= 1
        real(source, target, folder, flags)

    with monkeypatch.context() as patch:
        patch.setattr(switch, "_renameat2", cut_off)
        with contextlib.suppress(KeyboardInterrupt):
            switch.switch(place, folder)
    os.close(folder)
    lines = repair(store)
    assert len(lines) == 1
    state = {path.name for path in live.iterdir()} if live.exists() else set()
    assert state == ({"new"} if "completed" in lines[0] else {"old"} if was_there else set())
    assert not staging.exists()
    if "completed" in lines[0] and was_there:
        assert (tmp_path / f"live.before-{RESTORE}" / "old").exists()
    assert repair(store) == ()
