"""Files that outlive a crash: killed before every call, on a full disk, traps in their place."""

import errno
import os
import socket
import stat
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from opsconsole import durable
from tests.crash_points import calls_of, run_to

IS_ROOT = os.geteuid() == 0
OLD, NEW = b"old\n" * 4000, b"new\n" * 5000


def each_point(work: Callable[[], None], check: Callable[[], None]) -> int:
    """Kill ``work`` before each of its calls and ``check`` after each; how many there are."""
    point = 1
    while not run_to(point, work):
        check()
        point += 1
    check()
    return point - 1


def test_a_file_that_is_replaced_is_old_or_new_whenever_its_writer_is_killed(
    tmp_path: Path,
) -> None:
    path = tmp_path / "state.json"
    path.write_bytes(OLD)
    seen: list[bytes] = []

    def check() -> None:
        seen.append(path.read_bytes())
        assert seen[-1] in (OLD, NEW)
        path.write_bytes(OLD)

    points = each_point(lambda: durable.replace(path, NEW, 0o640), check)
    assert points >= 6
    assert (seen[0], seen[-1]) == (OLD, NEW)


def test_a_file_that_is_made_is_whole_or_not_there(tmp_path: Path) -> None:
    path = tmp_path / "report.md"

    def check() -> None:
        assert not path.exists() or path.read_bytes() == NEW
        path.unlink(missing_ok=True)

    assert each_point(lambda: durable.create(path, NEW, 0o600), check) >= 6


def test_a_link_that_is_switched_leads_to_the_old_or_the_new(tmp_path: Path) -> None:
    link = tmp_path / "current"
    link.symlink_to("v1")

    def check() -> None:
        assert os.readlink(link) in ("v1", "v2")

    assert each_point(lambda: durable.replace_link(link, "v2"), check) >= 3


def test_a_record_is_appended_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "notes.jsonl"

    def add(line: bytes) -> None:
        descriptor = durable.open_file(path, os.O_RDWR | os.O_APPEND, 0o600)
        durable.must_lock(descriptor)
        durable.append(descriptor, line)
        os.close(descriptor)

    def check() -> None:
        assert set(path.read_bytes().splitlines() if path.exists() else ()) <= {b"one", b"two"}

    add(b"one\n")
    assert each_point(lambda: add(b"two\n"), check) >= 3


@pytest.mark.parametrize(
    ("work", "naming"), [(durable.replace, "replace"), (durable.create, "link")]
)
def test_what_gets_its_name_is_on_the_disk_before_and_its_folder_after(
    tmp_path: Path, work: Callable[[Path, bytes, int], None], naming: str
) -> None:
    path = tmp_path / "state"
    names = calls_of(lambda: work(path, NEW, 0o600))
    named = names.index(naming)
    assert "fsync" in names[:named]
    assert "write" not in names[names.index("fsync") :]
    assert "fsync" in names[named:]


def test_mode_and_owner_are_there_before_the_name_is(tmp_path: Path) -> None:
    path = tmp_path / "state"
    umask = os.umask(0o077)
    try:
        owner = (1234, 1234) if IS_ROOT else (os.geteuid(), os.getegid())
        durable.replace(path, NEW, 0o664, owner=owner)
    finally:
        os.umask(umask)
    status = path.stat()
    assert (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid) == (0o664, *owner)
    names = calls_of(lambda: durable.replace(path, NEW, 0o664, owner=owner))
    assert max(names.index("fchmod"), names.index("fchown")) < names.index("replace")


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk in memory with 8 KiB left."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], check=True)
    (disk / "filler").write_bytes(b"x" * (56 * 1024))
    yield disk
    subprocess.run(["umount", disk], check=True)


@pytest.mark.skipif(not IS_ROOT, reason="mounting a small tmpfs takes root")
def test_a_full_disk_leaves_what_was_there_and_nothing_beside_it(full_disk: Path) -> None:
    path = full_disk / "state"
    path.write_bytes(b"old\n")
    too_much = b"new\n" * 16 * 1024
    calls: tuple[Callable[[], None], ...] = (
        lambda: durable.replace(path, too_much, 0o600),
        lambda: durable.create(full_disk / "other", too_much, 0o600),
        lambda: append_to(path, too_much),
    )
    for call in calls:
        with pytest.raises(OSError, match="No space left") as raised:
            call()
        assert raised.value.errno == errno.ENOSPC
        assert sorted(os.listdir(full_disk)) == ["filler", "state"]
        assert path.read_bytes() == b"old\n"


def append_to(path: Path, data: bytes) -> None:
    descriptor = durable.open_file(path, os.O_WRONLY | os.O_APPEND)
    try:
        durable.append(descriptor, data)
    finally:
        os.close(descriptor)


def put_fifo(path: Path) -> None:
    os.mkfifo(path)


def put_folder(path: Path) -> None:
    path.mkdir()


def put_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def put_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


@pytest.mark.parametrize("put", [put_fifo, put_folder, put_device, put_socket])
@pytest.mark.parametrize("flags", [os.O_RDONLY, os.O_RDWR, os.O_WRONLY | os.O_APPEND])
def test_a_special_file_is_refused_and_not_waited_for(
    tmp_path: Path, put: Callable[[Path], None], flags: int
) -> None:
    path = tmp_path / "trap"
    put(path)
    errors: list[BaseException] = []

    def attempt() -> None:
        try:
            os.close(durable.open_file(path, flags, 0o600, follow=True))
        except OSError as error:
            errors.append(error)

    thread = threading.Thread(target=attempt, daemon=True)
    thread.start()
    thread.join(20)
    assert len(errors) == 1, "it waits, or it was opened"


def test_a_link_is_followed_only_where_that_is_wanted(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"words")
    (tmp_path / "link").symlink_to("real")
    with pytest.raises(OSError, match="symbolic links"):
        durable.read(tmp_path / "link", 100)
    assert durable.read(tmp_path / "link", 100, follow=True) == b"words"


def test_what_is_longer_than_its_bound_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    assert durable.read(path, 5) == b"12345"
    with pytest.raises(OSError, match="larger than 4 bytes"):
        durable.read(path, 4)


def test_a_lock_is_held_by_one_and_ends_with_its_process(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    mine = durable.open_file(path, os.O_RDWR, 0o600)
    other = durable.open_file(path, os.O_RDWR)
    assert durable.lock(mine)
    assert not durable.lock(other)
    assert not durable.lock(other, shared=True)
    os.close(mine)
    assert durable.lock(other)
    os.close(other)
