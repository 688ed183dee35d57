"""Whether a backup is still what was written.

Invariant: a flipped bit anywhere, in the contents, the manifest or its hash, and a file too many
or too few, is found. Verifying reads only. What it cannot find is a change made on purpose by
someone who may write to the folder and who also recalculates the hashes.
"""

import hashlib
import os
import re
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.operations.backups.contents import (
    CHUNK,
    Deadline,
    hash_file,
    open_folder,
    open_to_read,
)
from opsconsole.operations.backups.faults import (
    DamagedError,
    SchemaError,
    UnknownBackupError,
    because,
)
from opsconsole.operations.backups.manifest import (
    DATA,
    DIGEST,
    MANIFEST,
    Entry,
    EntryType,
    Manifest,
    data_name,
)
from opsconsole.operations.backups.manifest_reader import LIMIT, decode
from opsconsole.operations.backups.store import Store
from opsconsole.ownership import looseness_of

_NO_LIMIT: Final = Deadline()
_DIGEST_LINE: Final = re.compile(rb"([0-9a-f]{64})  MANIFEST\.json\n")
_FILES: Final = frozenset({DATA, DIGEST, MANIFEST})


@dataclass(frozen=True, slots=True)
class OpenBackup:
    """A backup whose manifest is sound. ``data`` is an open folder, ``digest`` the manifest's."""

    manifest: Manifest
    digest: str
    data: int


def digest_line(digest: str) -> bytes:
    """What the file of the manifest's hash holds; ``sha256sum -c`` reads it."""
    return f"{digest}  {MANIFEST}\n".encode("ascii")


@contextmanager
def opened(store: Store, identity: str) -> Iterator[OpenBackup]:
    """A backup, after its manifest and the sizes of its files were checked.

    Raises UnknownBackupError, DamagedError, SchemaError; BackupError where others could have put
    it there.
    """
    store.check()
    try:
        folder = store.open(identity)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UnknownBackupError(f"there is no backup {identity}") from error
    except OSError as error:
        raise DamagedError(f"backup {identity} cannot be read: {because(error)}") from error
    with ExitStack() as stack:
        stack.callback(os.close, folder)
        with _naming(identity):
            loose = looseness_of(os.fstat(folder), store.folder(identity))
            if loose is not None:
                raise DamagedError(f"it {loose.how}", remedy=loose.remedy)
            backup = stack.enter_context(_checked(folder, identity))
        yield backup


def verify(store: Store, identity: str, deadline: Deadline = _NO_LIMIT) -> Manifest:
    """Check everything of a backup, and return what it holds. Raises as ``opened`` does."""
    with opened(store, identity) as backup:
        check_contents(backup, deadline)
        return backup.manifest


def verify_open(folder: int, identity: str, deadline: Deadline) -> None:
    """Check everything of the backup in an open folder, whatever its name."""
    with _checked(folder, identity) as backup:
        check_contents(backup, deadline)


def check_contents(backup: OpenBackup, deadline: Deadline) -> None:
    """Compare every file's contents with its hash. Raises DamagedError."""
    with _naming(backup.manifest.id):
        for name, entry in numbered(backup.manifest):
            source = open_to_read(name.encode("ascii"), backup.data)
            try:
                found = hash_file(source, deadline)
            finally:
                os.close(source)
            if found != (entry.size, entry.sha256):
                raise DamagedError(f"its file {DATA}/{name} is not what was written")


def numbered(manifest: Manifest) -> Iterator[tuple[str, Entry]]:
    """Every file of a backup with the name of its contents."""
    files = (entry for entry in manifest.entries if entry.type is EntryType.FILE)
    for number, entry in enumerate(files, 1):
        yield data_name(number), entry


@contextmanager
def _checked(folder: int, identity: str) -> Iterator[OpenBackup]:
    names = frozenset(os.listdir(folder))
    for name in sorted(names ^ _FILES):
        raise DamagedError(f"it lacks {name}" if name in _FILES else "it holds a foreign file")
    raw = _read(folder, MANIFEST, LIMIT)
    line = _DIGEST_LINE.fullmatch(_read(folder, DIGEST, CHUNK))
    digest = hashlib.sha256(raw).hexdigest()
    if line is None or line[1].decode("ascii") != digest:
        raise DamagedError(f"its {MANIFEST} does not match its {DIGEST}")
    manifest = decode(raw)
    if manifest.id != identity:
        raise DamagedError(f"it is the backup {manifest.id} under another name")
    data = open_folder(DATA, folder)
    try:
        _check_sizes(manifest, data)
        yield OpenBackup(manifest, digest, data)
    finally:
        os.close(data)


def _check_sizes(manifest: Manifest, data: int) -> None:
    expected = {name: entry.size for name, entry in numbered(manifest)}
    found = set(os.listdir(data))
    for name in sorted(found ^ set(expected)):
        lacks = name in expected
        raise DamagedError(f"it lacks {DATA}/{name}" if lacks else "it holds a foreign file")
    for name, size in expected.items():
        status = os.stat(name, dir_fd=data, follow_symlinks=False)
        if not stat.S_ISREG(status.st_mode) or status.st_size != size:
            raise DamagedError(f"its file {DATA}/{name} has another size than was written")


def _read(folder: int, name: str, limit: int) -> bytes:
    descriptor = open_to_read(name.encode("ascii"), folder)
    with os.fdopen(descriptor, "rb") as stream:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise DamagedError(f"its {name} is no file")
        raw = stream.read(limit + 1)
    if len(raw) > limit:
        raise DamagedError(f"its {name} is larger than {limit} bytes")
    return raw


@contextmanager
def _naming(identity: str) -> Iterator[None]:
    """Name the backup in every error; what cannot be read counts as damaged."""
    try:
        yield
    except DamagedError as error:
        raise DamagedError(
            f"backup {identity} is damaged: {error.what}", remedy="use another backup"
        ) from error
    except SchemaError as error:
        raise SchemaError(f"backup {identity}: {error.what}", remedy=error.remedy) from error
    except OSError as error:
        raise DamagedError(
            f"backup {identity} cannot be read: {because(error)}", remedy="use another backup"
        ) from error
