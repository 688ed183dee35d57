"""What somebody else put into a folder of backups, or could have: nothing of it is used."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from opsconsole.config.settings import Settings
from opsconsole.operations.backups import restore_record
from opsconsole.operations.backups.catalogue import backups
from opsconsole.operations.backups.faults import BackupError
from opsconsole.operations.backups.places import store_of
from opsconsole.operations.backups.restorer import repair
from opsconsole.operations.backups.store import Store
from opsconsole.operations.backups.verifier import verify
from tests.operations.backups.conftest import SERVICE, back_up, put_back

OTHER = 61234
RESTORE = "20260101T000000Z-000000"
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="giving a folder away takes root")

Uses = Callable[[Store, Path], object]

USES: dict[str, Uses] = {
    "list": lambda store, source: backups(store),
    "back up": back_up,
    "repair": lambda store, source: repair(store),
    "verify": lambda store, source: verify(store, RESTORE),
}


def precious(tmp_path: Path) -> Path:
    """A folder that nobody has allowed to be removed."""
    folder = tmp_path / "precious"
    folder.mkdir()
    (folder / "letter").write_text("dear")
    return folder


def record(**changed: Any) -> dict[str, Any]:
    place = {
        "path": "/srv/data", "staging": f"data.restore-{RESTORE}",
        "before": f"data.before-{RESTORE}", "fresh": None, "old": None,
    }  # fmt: skip
    known = {key: value for key, value in changed.items() if key in place}
    rest = {key: value for key, value in changed.items() if key not in place}
    whole = {"id": RESTORE, "backup": RESTORE, "stage": "preparing", "places": [place | known]}
    return whole | rest


@needs_root
@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("whose", ["the folder", "its parent", "writable", "parent writable"])
def test_a_store_that_others_could_change_is_not_used(tmp_path: Path, whose: str, use: str) -> None:
    keep, source = precious(tmp_path), tmp_path / "source"
    source.touch()
    store = Store(tmp_path / "all" / SERVICE)
    store.path.mkdir(parents=True)
    forged = record(path=str(keep.parent / "data"), staging=keep.name)
    (store.path / f"restore-{RESTORE}.json").write_text(json.dumps(forged))
    place = store.path.parent if "parent" in whose else store.path
    place.chmod(0o775) if "writable" in whose else os.chown(place, OTHER, OTHER)
    names = os.listdir(store.path)
    with pytest.raises(BackupError, match="not safe to use") as refused:
        USES[use](store, source)
    assert str(place) in refused.value.what
    assert "set operations.backups" in refused.value.remedy
    assert (keep / "letter").read_text() == "dear"
    assert os.listdir(store.path) == names


@needs_root
@pytest.mark.parametrize("whose", ["backups", f"backups/{SERVICE}"])
@pytest.mark.parametrize("how", ["owner", "mode", "link"])
def test_folders_in_a_shared_state_folder_are_held_to_the_same(
    tmp_path: Path, whose: str, how: str
) -> None:
    state = tmp_path / "state"
    state.mkdir()
    state.chmod(0o2770)
    settings = Settings.model_validate(
        {"state_dir": str(state), "docker": [], "services": {SERVICE: {}}}
    )
    store = store_of(settings, SERVICE, tmp_path)
    source = tmp_path / "source"
    source.touch()
    back_up(store, source)
    assert len(backups(store)) == 1
    place = state / whose
    if how == "owner":
        os.chown(place, OTHER, OTHER)
    elif how == "mode":
        place.chmod(0o770)
    else:
        place.rename(state / "moved")
        place.symlink_to(state / "moved")
        os.lchown(place, OTHER, OTHER)
    for use in USES.values():
        with pytest.raises(BackupError, match="not safe to use"):
            use(store, source)


@needs_root
def test_a_backup_of_another_user_in_it_is_never_offered(tmp_path: Path, store: Store) -> None:
    source = tmp_path / "source"
    source.touch()
    manifest = back_up(store, source)
    os.chown(store.folder(manifest.id), OTHER, OTHER)
    (listed,) = backups(store)
    assert f"belongs to user {OTHER}" in listed.fault
    with pytest.raises(BackupError, match="belongs to user"):
        put_back(store, manifest)


FORGED: dict[str, dict[str, Any]] = {
    "another's folder": {"staging": "precious"},
    "a path in a name": {"staging": "../precious"},
    "a kept name": {"before": "precious"},
    "a path with dots": {"path": "/srv/x/../data"},
    "a relative path": {"path": "data"},
    "another restore's id": {"id": "20260101T000000Z-000001"},
    "no stage of ours": {"stage": "burning"},
    "an inode that is none": {"fresh": [1]},
    "no places": {"places": None},
}


@pytest.mark.parametrize("what", FORGED)
def test_a_record_with_names_that_no_restore_gives_removes_nothing(
    tmp_path: Path, store: Store, what: str
) -> None:
    keep = precious(tmp_path)
    store.make()
    document = record(**{"path": str(tmp_path / "data")} | FORGED[what])
    path = store.path / f"restore-{RESTORE}.json"
    path.write_text(json.dumps(document))
    path.chmod(0o600)
    with pytest.raises(BackupError, match="is not understood"):
        repair(store)
    assert (keep / "letter").read_text() == "dear"
    assert path.exists()


def test_a_record_as_the_console_writes_it_is_believed(tmp_path: Path, store: Store) -> None:
    store.make()
    path = store.path / f"restore-{RESTORE}.json"
    path.write_text(json.dumps(record(path=str(tmp_path / "data"))))
    path.chmod(0o600)
    found = restore_record.find(store, RESTORE)
    assert found is not None
    assert found.targets[0].staging == f"data.restore-{RESTORE}".encode()
    staging = tmp_path / f"data.restore-{RESTORE}"
    staging.mkdir()
    assert repair(store) == (f"the restore {RESTORE} was cut off and has been undone",)
    assert not staging.exists()


@needs_root
def test_a_record_of_another_user_is_not_believed(tmp_path: Path, store: Store) -> None:
    store.make()
    path = store.path / f"restore-{RESTORE}.json"
    path.write_text(json.dumps(record(path=str(tmp_path / "data"))))
    os.chown(path, OTHER, OTHER)
    with pytest.raises(BackupError, match=f"belongs to user {OTHER}"):
        repair(store)


@needs_root
@pytest.mark.parametrize("above", [0, 1])
def test_a_restore_goes_past_no_link_of_another_user(
    tmp_path: Path, store: Store, above: int
) -> None:
    """The service's own user turns a folder above the declared path to one of root's."""
    source = tmp_path / "app" / "conf" / "data"
    source.parent.mkdir(parents=True)
    source.write_bytes(b"old")
    manifest = back_up(store, source)
    rooted = tmp_path / "rooted"
    (rooted / "conf").mkdir(parents=True)
    turned = source.parents[above]
    turned.rename(turned.with_name("gone"))
    turned.symlink_to(rooted / "conf" if above == 0 else rooted)
    os.lchown(turned, OTHER, OTHER)
    for change in (lambda: put_back(store, manifest), lambda: back_up(store, source)):
        with pytest.raises(BackupError, match=f"belongs to user {OTHER}"):
            change()
    assert os.listdir(rooted / "conf") == []
