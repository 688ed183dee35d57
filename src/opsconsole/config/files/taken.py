"""What a person took over of what was found: files of their own beside the configuration.

Invariant: each is made once, whole, and never changed; no file that a person wrote is touched. A
folder or file that somebody else could change is not read: what is obeyed was written where only
this user, or root, can write.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from opsconsole import durable
from opsconsole.ownership import looseness

_FOLDER_MODE: Final = 0o700
_MODE: Final = 0o600
_BEGIN: Final = "found-"


def taken_folder(path: Path) -> Path:
    """Where the files for the configuration at ``path`` are: the folder that it is, or one beside
    the file."""
    return path if path.is_dir() else path.with_name(f"{path.stem}.found")


def taken_files(path: Path) -> tuple[Path, ...]:
    """The files beside the configuration file ``path`` that nobody else could change, by name."""
    folder = taken_folder(path)
    if path.is_dir() or not folder.is_dir():
        return ()
    return tuple(_ours(sorted(folder.glob("*.yaml"))))


def _ours(files: list[Path]) -> Iterator[Path]:
    for file in files:
        try:
            if not file.name.startswith(".") and looseness(file) is None:
                yield file
        except OSError:
            continue


def take(path: Path, name: str, text: str) -> Path:
    """Make the file of what is called ``name``. Raises OSError, FileExistsError where it is there.

    ``path`` is the configuration that it is for.
    """
    folder = taken_folder(path)
    if not path.is_dir():
        folder.mkdir(mode=_FOLDER_MODE, exist_ok=True)
    file = folder / f"{_BEGIN}{name}.yaml"
    durable.create(file, text.encode(), _MODE)
    return file


def untake(file: Path) -> None:
    """Remove what ``take`` made."""
    os.unlink(file)
