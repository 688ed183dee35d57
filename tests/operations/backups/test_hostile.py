"""Archives and manifests that want to reach outside of where they are put."""

import contextlib
import io
import os
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.operations.backups.catalogue import backups
from opsconsole.operations.backups.contents import Deadline
from opsconsole.operations.backups.faults import BackupError, DamagedError, HostileArchiveError
from opsconsole.operations.backups.manifest import Entry, EntryType, Manifest, encode
from opsconsole.operations.backups.manifest_reader import decode
from opsconsole.operations.backups.space import Need
from opsconsole.operations.backups.store import Store, new_id
from opsconsole.operations.backups.tar_copying import compare, copy_archive
from opsconsole.operations.backups.tar_reader import TarReader
from opsconsole.operations.backups.tar_writing import archive
from opsconsole.operations.backups.verifier import opened
from opsconsole.operations.backups.writer import Header, make_backup
from tests.operations.backups.conftest import SERVICE, put_back
from tests.operations.backups.trees import picture


def member(name: str | bytes, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    text = os.fsdecode(name)
    made = tarfile.TarInfo(text)
    made.type, made.linkname, made.mtime = kind, link, 1_700_000_000
    made.mode = 0o755 if kind == tarfile.DIRTYPE else 0o644
    made.uid, made.gid = os.getuid(), os.getgid()
    return made


def tar(*members: tuple[tarfile.TarInfo, bytes] | tarfile.TarInfo) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as writer:
        for each in members:
            info, data = each if isinstance(each, tuple) else (each, b"")
            info.size = len(data)
            writer.addfile(info, io.BytesIO(data))
    return out.getvalue()


def pieces(raw: bytes, size: int = 700) -> Iterator[bytes]:
    return (raw[start : start + size] for start in range(0, len(raw), size))


def take(store: Store, raw: bytes, *, root: bytes = b"/nowhere") -> Manifest:
    header = Header(new_id(time.time()), SERVICE, (root,))
    fill = lambda writer: copy_archive(writer, pieces(raw), bytes(store.path))  # noqa: E731
    return make_backup(store, header, Need(), fill)


ROOT = member("data", tarfile.DIRTYPE)

HOSTILE = {
    "parent": [ROOT, member("data/../../escape")],
    "absolute": [ROOT, member("/etc/escape")],
    "no root": [ROOT, member("other/escape")],
    "dot": [ROOT, member("data/./escape")],
    "empty part": [ROOT, member("data//escape")],
    "root escapes": [member("../data", tarfile.DIRTYPE)],
    "parent is a symlink": [
        ROOT,
        member("data/link", tarfile.SYMTYPE, "/etc"),
        member("data/link/escape"),
    ],
    "parent is a file": [ROOT, member("data/file"), member("data/file/escape")],
    "parent is missing": [ROOT, member("data/missing/escape")],
    "hard link outside": [ROOT, member("data/hard", tarfile.LNKTYPE, "/etc/passwd")],
    "hard link upwards": [ROOT, member("data/hard", tarfile.LNKTYPE, "data/../../etc/passwd")],
    "hard link to nothing": [ROOT, member("data/hard", tarfile.LNKTYPE, "data/none")],
    "hard link to a folder": [ROOT, member("data/hard", tarfile.LNKTYPE, "data")],
    "twice": [ROOT, member("data/file"), member("data/file")],
    "folder then link": [
        ROOT,
        member("data/inner", tarfile.DIRTYPE),
        member("data/inner", tarfile.SYMTYPE, "/etc"),
        member("data/inner/escape"),
    ],
    "long name": [ROOT, member("data/" + "n" * 256)],
    "deep": [ROOT, *(member("data" + "/d" * n, tarfile.DIRTYPE) for n in range(1, 300))],
    "unknown kind": [ROOT, member("data/odd", b"Z")],
    "sparse": [ROOT, member("data/odd", tarfile.GNUTYPE_SPARSE)],
}


@pytest.mark.parametrize("members", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_archive_leaves_no_backup(store: Store, members: list[tarfile.TarInfo]) -> None:
    with pytest.raises((HostileArchiveError, BackupError)):
        take(store, tar(*members))
    assert backups(store) == ()
    assert store.leftovers() == ()


def test_a_root_that_is_a_symlink_is_refused(store: Store) -> None:
    with pytest.raises(BackupError, match="data is a symlink to /etc; declare what it points to"):
        take(store, tar(member("data", tarfile.SYMTYPE, "/etc")))


def test_what_is_odd_but_harmless_stays_inside(store: Store, tmp_path: Path) -> None:
    raw = tar(
        ROOT,
        (member("data/file"), b"contents"),
        member("data/hard", tarfile.LNKTYPE, "data/file"),
        member("data/outside", tarfile.SYMTYPE, "../../../etc/passwd"),
        member("data/again", tarfile.LNKTYPE, "data/outside"),
        member(b"data/caf\xe9 \n", tarfile.DIRTYPE),
        member("data/fifo", tarfile.FIFOTYPE),
        member("data/disk", tarfile.BLKTYPE),
        member("data/null", tarfile.CHRTYPE),
        (member("data/" + "n" * 255), b"long"),
        (set_id(member("data/tool")), b"#!"),
    )
    live = tmp_path / "live"
    manifest = take(store, raw, root=bytes(live))
    assert [each.what for each in manifest.left_out] == ["fifo", "device", "device"]
    notes = put_back(store, manifest).notes
    seen = picture(live)
    assert seen[b"/hard"][4] == seen[b"/file"][4]
    assert seen[b"/again"][5] == seen[b"/outside"][5] == b"../../../etc/passwd"
    assert seen[b"/tool"][0] == "-rwxr-xr-x"
    assert b"/caf\xe9 \n" in seen
    assert any("set-user-id" in note for note in notes)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backups", "live"]


def set_id(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.mode = 0o6755
    return info


def test_a_hundred_thousand_entries(store: Store) -> None:
    folders = 100
    link = bytearray(member("data/x", tarfile.SYMTYPE, "y").tobuf(tarfile.USTAR_FORMAT))

    def named(name: bytes) -> bytes:
        link[:100] = name.ljust(100, b"\0")
        link[148:156] = b" " * 8
        link[148:156] = b"%06o\0 " % sum(link)
        return bytes(link)

    def chunks() -> Iterator[bytes]:
        yield ROOT.tobuf()
        for number in range(folders):
            yield member(f"data/{number}", tarfile.DIRTYPE).tobuf()
            yield b"".join(named(b"data/%d/%d" % (number, each)) for each in range(1000))
        yield bytes(1024)

    header = Header(new_id(time.time()), SERVICE, (b"/nowhere",))
    manifest = make_backup(
        store,
        header,
        Need(),
        lambda writer: copy_archive(writer, chunks(), bytes(store.path)),
    )
    assert len(manifest.entries) == 1 + folders * 1001


def test_a_terabyte_that_is_only_claimed_is_refused_at_once(store: Store) -> None:
    claimed = member("data/huge")
    claimed.size = 1 << 50
    raw = ROOT.tobuf() + claimed.tobuf(tarfile.GNU_FORMAT) + bytes(1024)
    with pytest.raises(BackupError, match=r"needs 1351\.1 TB .* free at"):
        take(store, raw)
    assert store.leftovers() == ()


def test_zeros_become_holes(store: Store, tmp_path: Path) -> None:
    live = tmp_path / "live"
    raw = tar((member("live"), bytes(8 << 20) + b"end"))
    put_back(store, take(store, raw, root=bytes(live)))
    assert live.stat().st_size == (8 << 20) + 3
    assert live.stat().st_blocks * 512 < 1 << 20


@pytest.mark.parametrize("cut", [1, 511, 512, 1000, 1536])
def test_an_archive_that_breaks_off_is_no_backup(store: Store, cut: int) -> None:
    raw = tar(ROOT, (member("data/file"), b"x" * 1000))[: 512 + cut]
    with pytest.raises(HostileArchiveError, match=r"broke off|damaged"):
        take(store, raw)
    assert backups(store) == ()


@pytest.mark.parametrize("offset", [0, 100, 124, 136, 148, 156, 257])
def test_a_damaged_header_is_found(store: Store, offset: int) -> None:
    raw = bytearray(tar(ROOT, (member("data/file"), b"x")))
    raw[512 + offset] ^= 0x41
    with pytest.raises(HostileArchiveError):
        take(store, bytes(raw))


@given(raw=st.binary(max_size=2000), behind=st.booleans())
def test_any_bytes_are_read_or_refused(raw: bytes, behind: bool) -> None:
    whole = tar(ROOT, (member("data/file"), b"x"))
    reader = TarReader(pieces(whole[:1536] + raw if behind else raw, 100))
    with contextlib.suppress(HostileArchiveError):
        assert all(len(each.name) <= 100 for each in reader.members())


@given(uid=st.integers(0, 2**32 - 1), milliseconds=st.integers(1000, 2**42))
@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_numbers_of_every_form(form: Literal[1, 2], uid: int, milliseconds: int) -> None:
    info = member("data", tarfile.DIRTYPE)
    info.uid, info.mtime = uid, milliseconds / 1000
    found = next(TarReader(pieces(info.tobuf(form) + bytes(1024))).members())
    assert found.uid == uid
    assert abs(found.mtime_ns - milliseconds * 10**6) < (1e6 if form == tarfile.PAX_FORMAT else 1e9)


def test_an_archive_made_from_a_backup_is_the_same_again(store: Store) -> None:
    raw = tar(
        ROOT,
        (member(b"data/caf\xe9"), b"contents" * 1000),
        member("data/hard", tarfile.LNKTYPE, os.fsdecode(b"data/caf\xe9")),
        member("data/link", tarfile.SYMTYPE, "x" * 200),
        (member("data/" + "n" * 255), b""),
    )
    manifest = take(store, raw)
    with opened(store, manifest.id) as backup:
        again = b"".join(archive(backup, b"data", Deadline()))
    difference = compare(manifest, pieces(again))
    assert difference.restored
    assert difference.extra == []
    more = tar(ROOT, (member("data/new"), b""), (member(b"data/caf\xe9"), b"other"))
    difference = compare(manifest, pieces(more))
    assert difference.extra == [b"new"]
    assert difference.other == [b"caf\xe9"]
    assert set(difference.missing) == {b"hard", b"link", b"n" * 255}


def entry(path: bytes, kind: EntryType = EntryType.FILE, **fields: object) -> Entry:
    base = Entry(0, path, kind, 0o644, 0, 0, 0, sha256="0" * 64 if kind == "file" else "")
    return Entry(**{name: getattr(base, name) for name in Entry.__slots__} | fields)


TOP = entry(b"", EntryType.DIR)
LINK = entry(b"link", EntryType.SYMLINK, target=b"/etc")


@pytest.mark.parametrize(
    "entries",
    [
        [TOP, entry(b"../escape")],
        [TOP, entry(b"/etc/escape")],
        [TOP, entry(b"a/../b")],
        [TOP, entry(b"nul\0")],
        [TOP, LINK, entry(b"link/escape")],
        [TOP, entry(b"none/escape")],
        [TOP, entry(b"a"), entry(b"a")],
        [TOP, LINK, entry(b"hard", EntryType.HARD_LINK, same_as=1)],
        [TOP, entry(b"hard", EntryType.HARD_LINK, same_as=1)],
        [TOP, entry(b"hard", EntryType.HARD_LINK, same_as=7)],
        [entry(b"a")],
        [],
    ],
)
def test_a_hostile_manifest_is_refused(entries: list[Entry]) -> None:
    manifest = Manifest(
        "20260101T000000Z-000000", SERVICE, "host", "tool", 0, (b"/srv",), tuple(entries)
    )
    with pytest.raises(DamagedError):
        decode(encode(manifest))
