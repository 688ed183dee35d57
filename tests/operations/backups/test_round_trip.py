"""What is restored equals what was backed up: contents, modes, owners, times, links, holes."""

import os
import shutil
import socket
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opsconsole.operations.backups.catalogue import backups
from opsconsole.operations.backups.faults import BackupError
from opsconsole.operations.backups.store import Store
from opsconsole.operations.backups.tree import check_roots
from opsconsole.operations.backups.verifier import verify
from tests.operations.backups.conftest import SERVICE, back_up, put_back
from tests.operations.backups.trees import IS_ROOT, SPARSE_SIZE, blocks, make_odd_tree, picture

needs_root = pytest.mark.skipif(not IS_ROOT, reason="a file of mode 0000 is read by root alone")

NAMES = st.binary(min_size=1, max_size=12).filter(
    lambda name: b"/" not in name and b"\0" not in name and name not in (b".", b"..")
)
LEAVES = st.one_of(
    st.binary(max_size=200),
    st.tuples(st.just("link"), st.binary(min_size=1, max_size=40).filter(lambda t: b"\0" not in t)),
)
TREES = st.recursive(
    st.dictionaries(NAMES, LEAVES, max_size=4),
    lambda inner: st.dictionaries(NAMES, st.one_of(LEAVES, inner), max_size=4),
    max_leaves=12,
)


@needs_root
def test_three_thousand_files_and_everything_odd_come_back_equal(tmp_path: Path) -> None:
    source, store = tmp_path / "source", Store(tmp_path / "backups")
    make_odd_tree(source, 3_000)
    before = picture(source)
    manifest = back_up(store, source)
    assert manifest.files > 3_000
    assert not manifest.fuzzy
    shutil.rmtree(source)
    restored = put_back(store, manifest)
    assert restored.notes == ()
    assert picture(source) == before
    assert (source / "sparse").stat().st_size == SPARSE_SIZE
    assert blocks(source / "sparse") < 1 << 20


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(tree=TREES, modes=st.lists(st.integers(0o400, 0o777), min_size=3, max_size=3))
def test_any_tree_comes_back_equal(
    tmp_path_factory: pytest.TempPathFactory, tree: dict[bytes, object], modes: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("any")
    source, store = folder / "source", Store(folder / "backups")
    grow(bytes(source), tree, modes)
    before = picture(source)
    manifest = back_up(store, source)
    (source / "later").write_bytes(b"made after the backup")
    put_back(store, manifest)
    assert picture(source) == before
    shutil.rmtree(folder)


def grow(path: bytes, tree: dict[bytes, object], modes: list[int]) -> None:
    os.mkdir(path)
    for number, (name, item) in enumerate(tree.items()):
        child = path + b"/" + name
        if isinstance(item, dict):
            grow(child, item, modes)
        elif isinstance(item, tuple):
            os.symlink(item[1], child)
        else:
            assert isinstance(item, bytes)
            descriptor = os.open(child, os.O_WRONLY | os.O_CREAT, 0o600)
            os.write(descriptor, item)
            os.fchmod(descriptor, modes[number % 3])
            os.close(descriptor)


def test_what_was_there_is_kept_beside_it(tmp_path: Path, store: Store) -> None:
    folder, file = tmp_path / "models", tmp_path / "error_map.json"
    folder.mkdir()
    (folder / "current.pkl").write_bytes(b"old model")
    file.write_bytes(b"old map")
    manifest = back_up(store, folder, file)
    (folder / "current.pkl").write_bytes(b"broken model")
    file.write_bytes(b"broken map")
    kept = dict(put_back(store, manifest).kept)
    assert (folder / "current.pkl").read_bytes() == b"old model"
    assert file.read_bytes() == b"old map"
    assert Path(os.fsdecode(kept[bytes(folder)]), "current.pkl").read_bytes() == b"broken model"
    assert Path(os.fsdecode(kept[bytes(file)])).read_bytes() == b"broken map"
    assert b".before-" in kept[bytes(file)]
    assert not list(tmp_path.glob("*.restore-*"))


def test_what_is_not_there_any_more_is_made_again(tmp_path: Path, store: Store) -> None:
    file = tmp_path / "map.json"
    file.write_bytes(b"map")
    manifest = back_up(store, file)
    file.unlink()
    assert put_back(store, manifest).kept == ()
    assert file.read_bytes() == b"map"


def test_special_files_are_left_out_by_name(tmp_path: Path, store: Store) -> None:
    source = tmp_path / "s"
    source.mkdir()
    os.mkfifo(source / "fifo")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(source / "socket"))
    manifest = back_up(store, source)
    assert {(each.path, each.what) for each in manifest.left_out} == {
        (b"fifo", "fifo"),
        (b"socket", "socket"),
    }
    assert backups(store)[0].left_out == 2


def test_a_secret_is_private_throughout(tmp_path: Path, store: Store) -> None:
    secret = tmp_path / ".env"
    secret.write_bytes(b"KEY=value")
    secret.chmod(0o644)
    old_umask = os.umask(0)
    try:
        manifest = back_up(store, secret, secret=True)
        put_back(store, manifest)
    finally:
        os.umask(old_umask)
    assert secret.stat().st_mode & 0o777 == 0o600
    for folder, _, files in os.walk(store.folder(manifest.id)):
        assert os.stat(folder).st_mode & 0o777 == 0o700
        for name in files:
            assert os.stat(os.path.join(folder, name)).st_mode & 0o777 == 0o600


@needs_root
def test_set_user_id_is_not_given_back_and_said_so(tmp_path: Path, store: Store) -> None:
    tool = tmp_path / "tool"
    tool.write_bytes(b"#!")
    tool.chmod(0o4755)
    restored = put_back(store, back_up(store, tool))
    assert tool.stat().st_mode & 0o7777 == 0o755
    assert any("set-user-id" in note for note in restored.notes)


def test_a_file_that_keeps_changing_is_marked(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "log"
    source.write_bytes(b"x" * 4096)
    real = os.pread

    def and_append(descriptor: int, size: int, offset: int) -> bytes:
        if os.readlink(f"/proc/self/fd/{descriptor}") == str(source):
            with source.open("ab") as stream:
                stream.write(b"more")
        return real(descriptor, size, offset)

    monkeypatch.setattr(os, "pread", and_append)
    manifest = back_up(store, source)
    monkeypatch.undo()
    assert manifest.fuzzy
    assert backups(store)[0].fuzzy
    verify(store, manifest.id)


def test_a_symlink_that_is_declared_is_refused(tmp_path: Path, store: Store) -> None:
    (tmp_path / "current").symlink_to("releases")
    with pytest.raises(BackupError, match=r"current is a symlink to releases; declare what"):
        back_up(store, tmp_path / "current")


def test_what_is_not_there_is_an_error(tmp_path: Path, store: Store) -> None:
    with pytest.raises(BackupError, match=r"cannot read .*nothing.*no such file"):
        back_up(store, tmp_path / "nothing")
    assert backups(store) == ()
    assert store.leftovers() == ()


def test_overlapping_paths_and_a_store_within_are_refused(tmp_path: Path) -> None:
    outer, inner = tmp_path / "a", tmp_path / "a" / "b"
    with pytest.raises(BackupError, match="overlap"):
        check_roots([outer, inner], tmp_path / "backups")
    with pytest.raises(BackupError, match="lies in"):
        check_roots([outer], outer / "backups")


def test_a_backup_of_another_service_host_or_path_is_refused(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    from opsconsole.operations.backups.restorer import Wanted, restore

    file = tmp_path / "f"
    file.write_bytes(b"1")
    manifest = back_up(store, file)
    identity = "20260101T000000Z-000000"
    with pytest.raises(BackupError, match="is of reports, not of other"):
        restore(store, manifest.id, identity, Wanted("other", manifest.roots))
    with pytest.raises(BackupError, match="which is not declared"):
        restore(store, manifest.id, identity, Wanted(SERVICE, (b"/elsewhere",)))
    elsewhere = os.uname_result(("Linux", "elsewhere", "", "", ""))
    monkeypatch.setattr(os, "uname", lambda: elsewhere)
    with pytest.raises(BackupError, match=r"was made on .*, this is elsewhere"):
        put_back(store, manifest)
    assert file.read_bytes() == b"1"
    assert not list(tmp_path.glob("f.*"))
