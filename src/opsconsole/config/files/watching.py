"""Whether the files that a configuration is made of have changed.

Invariant: reads names and never a file; two looks give equal stamps only if no file was
written, replaced, added or removed in between, as far as its file system distinguishes times.

Everything here blocks: call it in an executor of your own.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

from opsconsole.config.files.taken import taken_files
from opsconsole.config.settings import Settings
from opsconsole.config.types import SecretRef

Stamp = tuple[str, int, int, int]
"""Path, inode, time of change in nanoseconds and size; zeros for a file that is not there."""

FILES: Final = 1000
"""Most files that are looked at; changes to others are not noticed."""


def stamps(path: Path) -> tuple[Stamp, ...]:
    """The stamps of ``path``, of every ``*.yaml`` in a folder, and of what was taken over."""
    inside = sorted(path.glob("*.yaml")) if path.is_dir() else taken_files(path)
    return stamps_of([path, *inside])


def stamps_of(files: Iterable[Path]) -> tuple[Stamp, ...]:
    """The stamps of the first ``FILES`` of ``files``."""
    return tuple(_stamp(file) for file in islice(files, FILES))


def referred_files(settings: Settings, base: Path) -> tuple[Path, ...]:
    """Rule files, secrets and certificates that ``settings`` refer to; relative to ``base``."""
    found = {base / Path(name).expanduser() for name in _named(settings)}
    for server in settings.prometheus:
        for pattern in server.rule_files:
            whole = base / Path(pattern).expanduser()
            found.update([whole, *whole.parent.glob(whole.name)])
    return tuple(sorted(found))


def _stamp(path: Path) -> Stamp:
    try:
        seen = path.stat()
    except OSError:
        return str(path), 0, 0, 0
    # A folder's own time changes with every editor's temporary file: its files are looked at.
    if path.is_dir():
        return str(path), seen.st_ino, 0, 0
    return str(path), seen.st_ino, seen.st_mtime_ns, seen.st_size


def _named(value: Any) -> Iterator[str]:
    """Names of files anywhere in ``value`` that hold a secret or a certificate."""
    if isinstance(value, SecretRef):
        if value.file is not None:
            yield value.file
    elif isinstance(value, BaseModel):
        # What was not given names no file.
        for name in value.model_fields_set:
            inner = value.__dict__[name]
            if name in {"ca_file", "cert_file", "key_file"} and inner is not None:
                yield inner
            else:
                yield from _named(inner)
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _named(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _named(inner)
