"""A flipped bit, a file too many or too few: found before a restore touches anything."""

import hashlib
import json
import os
import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from opsconsole.operations.backups.catalogue import backups, choose, verified
from opsconsole.operations.backups.faults import DamagedError, SchemaError, UnknownBackupError
from opsconsole.operations.backups.manifest import DATA, DIGEST, MANIFEST, Manifest
from opsconsole.operations.backups.store import Store
from opsconsole.operations.backups.verifier import digest_line, verify
from tests.operations.backups.conftest import SERVICE, back_up, put_back
from tests.operations.backups.trees import picture


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "inner").mkdir(parents=True)
    (folder / "inner" / "model").write_bytes(random.Random(3).randbytes(50_000))
    (folder / "empty").write_bytes(b"")
    (folder / "link").symlink_to("empty")
    return folder


@pytest.fixture
def manifest(source: Path, store: Store) -> Manifest:
    return back_up(store, source)


def flip(path: Path, offset: int, bit: int) -> None:
    data = bytearray(path.read_bytes())
    data[offset] ^= 1 << bit
    path.write_bytes(bytes(data))


@pytest.mark.parametrize("name", [MANIFEST, DIGEST])
def test_every_byte_of_manifest_and_hash_counts(
    store: Store, manifest: Manifest, name: str
) -> None:
    path = store.folder(manifest.id) / name
    whole = path.read_bytes()
    chance = random.Random(7)
    for offset in range(len(whole)):
        flip(path, offset, chance.randrange(8))
        with pytest.raises((DamagedError, SchemaError)):
            verify(store, manifest.id)
        assert not backups(store)[0].whole
        path.write_bytes(whole)
    verify(store, manifest.id)


def test_a_flipped_bit_in_the_contents_stops_a_restore(
    store: Store, manifest: Manifest, source: Path
) -> None:
    model = next(p for p in (store.folder(manifest.id) / DATA).iterdir() if p.stat().st_size)
    whole = model.read_bytes()
    before = picture(source.parent / "source")
    chance = random.Random(11)
    for _ in range(300):
        flip(model, chance.randrange(len(whole)), chance.randrange(8))
        with pytest.raises(DamagedError, match=r"damaged: its file data/.* use another backup"):
            put_back(store, manifest)
        model.write_bytes(whole)
    assert picture(source) == before
    assert [path.name for path in source.parent.iterdir()].count("source") == 1
    assert not list(source.parent.glob("source.*"))


def test_a_lost_a_foreign_and_a_cut_file_are_found(store: Store, manifest: Manifest) -> None:
    folder = store.folder(manifest.id)
    for damage in (
        lambda copy: (copy / DATA / "00000001").unlink(),
        lambda copy: (copy / DATA / "00000009").write_bytes(b""),
        lambda copy: (copy / "extra").write_bytes(b""),
        lambda copy: os.truncate(copy / DATA / "00000002", 100),
        lambda copy: (copy / MANIFEST).unlink(),
        lambda copy: (copy / DIGEST).write_bytes(b""),
        lambda copy: shutil.rmtree(copy / DATA),
    ):
        safe = folder.with_name("safe")
        shutil.copytree(folder, safe)
        damage(folder)
        with pytest.raises(DamagedError):
            verify(store, manifest.id)
        assert not backups(store)[0].whole
        shutil.rmtree(folder)
        safe.rename(folder)
    assert verified(store)[0].whole


def rewrite(store: Store, manifest: Manifest, change: dict[str, Any]) -> None:
    """Change the manifest on purpose, and make its hash again."""
    path = store.folder(manifest.id) / MANIFEST
    document = {**json.loads(path.read_bytes()), **change}
    raw = json.dumps(document, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    path.write_bytes(raw)
    digest = hashlib.sha256(raw).hexdigest()
    (store.folder(manifest.id) / DIGEST).write_bytes(digest_line(digest))


def test_a_newer_schema_has_its_own_message(store: Store, manifest: Manifest) -> None:
    rewrite(store, manifest, {"schema": 2, "new": True})
    with pytest.raises(SchemaError, match=r"schema 2, this version reads up to 1; restore it with"):
        verify(store, manifest.id)


@pytest.mark.parametrize(
    "change",
    [
        {"surprise": 1},
        {"schema": True},
        {"schema": "1"},
        {"id": "20260101T000000Z-abcdef"},
        {"id": "../../etc"},
        {"roots": []},
        {"entries": []},
        {"totals": {"entries": 1, "files": 1, "bytes": 1}},
        {"secret": 0},
        {"created_ns": -1},
        {"created_ns": 1.5},
        {"left_out": [{"root": 0, "path": "../x", "what": "fifo"}]},
        {"left_out": [{"root": 0, "path": "x", "what": "surprise"}]},
        {"origin": {"kind": "moon"}},
        {"entries": 7},
        {"fuzzy": True},
    ],
)
def test_a_manifest_that_is_not_ours_is_refused(
    store: Store, manifest: Manifest, change: dict[str, Any]
) -> None:
    rewrite(store, manifest, change)
    with pytest.raises((DamagedError, SchemaError)):
        verify(store, manifest.id)


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b"\xff", b"[" * 100_000, b'{"schema":NaN}'])
def test_a_manifest_that_is_not_json_is_refused(
    store: Store, manifest: Manifest, raw: bytes
) -> None:
    folder = store.folder(manifest.id)
    (folder / MANIFEST).write_bytes(raw)
    (folder / DIGEST).write_bytes(digest_line(hashlib.sha256(raw).hexdigest()))
    with pytest.raises(DamagedError):
        verify(store, manifest.id)


def test_an_unknown_backup_names_the_newest_that_are_whole(store: Store, source: Path) -> None:
    made = [back_up(store, source) for _ in range(4)]
    with pytest.raises(UnknownBackupError) as refused:
        choose(store, SERVICE, "20200101T000000Z-000000")
    newest = [each.id for each in sorted(made, key=lambda m: m.created_ns, reverse=True)][:3]
    assert all(identity in str(refused.value) for identity in newest)
    assert choose(store, SERVICE, "latest").id == newest[0]
    flip(store.folder(newest[0]) / MANIFEST, 5, 1)
    assert choose(store, SERVICE, "latest").id == newest[1]
    with pytest.raises(UnknownBackupError, match=r"damaged.*the newest whole ones are"):
        choose(store, SERVICE, newest[0])
    with pytest.raises(UnknownBackupError, match="make a backup first"):
        choose(Store(store.path / "none"), SERVICE, "latest")


def test_a_folder_without_a_manifest_is_no_backup(store: Store, manifest: Manifest) -> None:
    (store.path / "backup-20991231T235959Z-ffffff").mkdir()
    listed = backups(store)
    assert [each.whole for each in listed] == [False, True]
    assert choose(store, SERVICE, "latest").id == manifest.id
