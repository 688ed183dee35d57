"""Trees of files that are as odd as files can be, and what is there to compare of them."""

import os
import stat
from hashlib import sha256
from pathlib import Path
from typing import Any

LONG_NAME = b"n" * 255
NOT_UTF8 = b"caf\xe9 \xff\xfe"
MTIME = 1_600_000_000_123_456_789
SPARSE_SIZE = 64 << 20
IS_ROOT = os.geteuid() == 0


def make_odd_tree(root: Path, files: int) -> None:
    """A folder of ``files`` plain files and of everything that is odd."""
    base = bytes(root)
    root.mkdir()
    for number in range(files):
        folder = root / f"folder {number % 37}"
        folder.mkdir(exist_ok=True)
        (folder / f"file {number}").write_bytes(b"%d" % number * (number % 50))
    (root / "empty").write_bytes(b"")
    (root / "empty folder").mkdir(mode=0o750)
    _write(base + b"/" + LONG_NAME, b"long")
    _write(base + b"/" + NOT_UTF8, b"latin-1")
    _write(base + b"/line\nfeed", b"line")
    os.symlink("empty", root / "relative")
    os.symlink("/etc/passwd", root / "absolute")
    os.symlink(b"\xff nowhere", base + b"/dangling")
    (root / "one").write_bytes(b"one file, two names")
    os.link(root / "one", root / "folder 0" / "two")
    with open(root / "sparse", "wb") as sparse:
        sparse.seek(SPARSE_SIZE // 2)
        sparse.write(b"data between holes")
        sparse.truncate(SPARSE_SIZE)
    _write(base + b"/closed", b"mode 0000")
    if IS_ROOT:
        os.chown(root / "one", 1234, 2345)
        os.lchown(root / "absolute", 1234, 2345)
        os.setxattr(root / "one", "user.note", b"\x00\xff")
    os.chmod(root / "empty folder", 0o2750)
    os.chmod(root / "one", 0o640)
    _set_times(root)
    os.chmod(root / "closed", 0)


def picture(root: Path) -> dict[bytes, Any]:
    """Everything about a tree that a restore has to release, by path."""
    seen: dict[tuple[int, int], bytes] = {}
    found = {}
    for path in sorted(_paths(bytes(root))):
        status = os.lstat(path)
        relative = path[len(bytes(root)) :]
        key = (status.st_dev, status.st_ino)
        found[relative] = (
            stat.filemode(status.st_mode),
            status.st_uid,
            status.st_gid,
            status.st_mtime_ns,
            seen.setdefault(key, relative) if not stat.S_ISDIR(status.st_mode) else b"",
            _contents(path, status.st_mode),
            _xattrs(path),
        )
    return found


def blocks(path: Path) -> int:
    """Bytes that a file holds on its disk."""
    return path.stat().st_blocks * 512


def _paths(root: bytes) -> list[bytes]:
    if not os.path.lexists(root):
        return []
    paths = [root]
    for folder, folders, files in os.walk(root):
        paths += [os.path.join(folder, name) for name in (*folders, *files)]
    return paths


def _contents(path: bytes, mode: int) -> object:
    if stat.S_ISLNK(mode):
        return os.readlink(path)
    if not stat.S_ISREG(mode):
        return None
    with open(path, "rb") as stream:
        return sha256(stream.read()).hexdigest()


def _xattrs(path: bytes) -> dict[str, bytes]:
    names = os.listxattr(path, follow_symlinks=False)
    return {name: os.getxattr(path, name, follow_symlinks=False) for name in names}


def _write(path: bytes, data: bytes) -> None:
    with open(path, "wb") as stream:
        stream.write(data)


def _set_times(root: Path) -> None:
    for number, path in enumerate(sorted(_paths(bytes(root)), reverse=True)):
        os.utime(path, ns=(MTIME, MTIME + number), follow_symlinks=False)
