"""A first configuration: printed, then written once, or compared with what is there.

Invariant: a file that is there is never touched: what would be different is printed.
"""

import argparse
import difflib
import os
import sys
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Final

from opsconsole import durable
from opsconsole.cli.kept_parts import with_kept
from opsconsole.config.files.finding import find
from opsconsole.config.files.opening import FileError, read_text
from opsconsole.config.files.yaml_tree import TreeError
from opsconsole.errors import OpsconsoleError
from opsconsole.render.first_configuration import FirstConfiguration
from opsconsole.text import sanitize

_NEW: Final = Path("opsconsole.yaml")
_MODE: Final = 0o600


def place_of(arguments: argparse.Namespace) -> Path:
    """The file that is written or compared. Raises OpsconsoleError for a folder."""
    path = find(getattr(arguments, "config", None), os.environ) or _NEW
    if path.is_dir():
        raise OpsconsoleError(
            f"{sanitize(str(path))} is a folder, and a first configuration is one file",
            remedy="name a file by --config",
        )
    return path


def write_or_compare(
    path: Path, made: FirstConfiguration, of: str, kept: Collection[str] | None = None
) -> None:
    """Write ``made`` where nothing is, else print what ``of`` it is different.

    With ``kept``, which are services, only the other services are compared: no look could find
    what else is written there.
    """
    text = "\n".join(made.lines) + "\n"
    if path.exists():
        _compare(path, text, of, kept)
    else:
        _write(path, text)


def print_found(made: FirstConfiguration) -> None:
    """Print what was found with its evidence, then what is left open or was not understood."""
    width = max((len(name) for name, _ in made.found), default=0)
    for name, evidence in made.found:
        print(sanitize(f"{name:<{width}} ← {evidence}"))
    for line in made.left_open:
        print(sanitize(f"left open: {line}"))
    for line in made.not_understood:
        print(sanitize(f"not understood: {line}"))


def _write(path: Path, text: str) -> None:
    try:
        durable.create(path, text.encode(), _MODE)
    except OSError as error:
        raise OpsconsoleError(
            f"{sanitize(str(path))} was not written: {error.strerror}",
            remedy="name another file by --config",
        ) from error
    print(sanitize(f"written: {path}; opsconsole check looks at it"))


def _compare(path: Path, text: str, of: str, kept: Collection[str] | None) -> None:
    """What is found against what is written; nothing is changed."""
    try:
        before = read_text(path).text
    except FileError as error:
        raise OpsconsoleError(
            f"{sanitize(str(path))}: {error.message}", remedy=error.remedy
        ) from error
    if kept is not None:
        with suppress(TreeError):
            text = with_kept(before, text, kept)
    lines = difflib.unified_diff(before.splitlines(), text.splitlines(), str(path), of, lineterm="")
    different = False
    for line in lines:
        different = True
        print(sanitize(line))
    said = "nothing was written; above is what would be different" if different else "as it is"
    print(sanitize(f"{path}: {said}"), file=sys.stderr if different else sys.stdout)
